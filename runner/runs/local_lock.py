"""Allows one runner at a time for one table and one run dir. It does not see other run dirs."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retable.runner.failure import Refused, Stopped


@contextmanager
def locked(run_dir: Path, table: str, run_id: str) -> Iterator[None]:
    """Hold the lock on ``table`` in ``run_dir``; the system releases it when the process dies.

    Raises:
        Stopped: another runner holds it.
        Refused: the run dir is not writable.
    """
    # Table names are checked already; even so, a lock must not escape the run dir.
    path = run_dir / f"{re.sub('[^A-Za-z0-9_.-]', '_', table)}.lock"
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        message = f"the run dir {run_dir} cannot be written: {error.strerror}"
        raise Refused(message, "choose another folder with --run-dir") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            message = f"{table} is being rebuilt by {holder}"
            raise Stopped(message, "wait for it to end") from error
        file.seek(0)
        file.truncate()
        file.write(f"run {run_id} (process {os.getpid()})")
        file.flush()
        yield
