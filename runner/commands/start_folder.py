"""The folder of a new run, and the files that planning leaves for it."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from retable.runner.cdk.survey import LOGS
from retable.runner.failure import Refused
from retable.runner.plan.encoding import encode_plan, fingerprint
from retable.runner.plan.plan import Plan
from retable.runner.runs.folder import RunFolder, new_folder


@contextmanager
def planning(run_dir: Path | None = None) -> Iterator[Path]:
    """Yield a folder for the files of planning, in the run dir if a run will keep them.

    Raises:
        Refused: the run dir cannot be created.
    """
    try:
        if run_dir is not None:
            run_dir.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=".planning-", dir=run_dir)
    except OSError as error:
        message = f"nothing can be written to {run_dir or tempfile.gettempdir()}: {error.strerror}"
        raise Refused(message, "name another folder with --run-dir") from error
    try:
        with folder as name:
            yield Path(name)
    finally:
        # A plan that is refused leaves nothing behind, not even an empty run dir.
        if run_dir is not None:
            with suppress(OSError):
                run_dir.rmdir()


def start_folder(
    plan: Plan, run_dir: Path, plan_id: str | None = None, planned: Path | None = None
) -> RunFolder:
    """Create the folder of a new run and write its plan into it, which uses ``plan_id`` up.

    The files of planning in the folder ``planned`` are moved there too.
    """
    run_id = f"{fingerprint(plan)[:4]}-{random.SystemRandom().getrandbits(16):04x}"
    folder = new_folder(run_dir, run_id)
    if planned is not None and (planned / LOGS).is_dir():
        (planned / LOGS).rename(folder.logs)
        planned.rename(folder.assemblies)
        planned.mkdir()
    folder.plan.write_bytes(encode_plan(plan, plan_id))
    return folder
