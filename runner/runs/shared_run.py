"""Holding a run that is kept in S3: the lock and its heartbeat, the records, the run folder."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from retable.runner.clock import Clock
from retable.runner.failure import Failure, Stopped
from retable.runner.plan.plan import Plan
from retable.runner.runs.folder import RunFolder
from retable.runner.runs.holder import this_process
from retable.runner.runs.mirror import Mirror
from retable.runner.runs.run_lock import HELD
from retable.runner.runs.s3_lock import S3Lock
from retable.runner.runs.stored_runs import StoredRuns
from retable.schema.spec import Spec

TICK_SECONDS = 1.0
"""How often it is looked whether a heartbeat is due. A machine that wakes up looks at once."""


class StateKeeper:
    """Keeps runs below one prefix of S3."""

    def __init__(
        self,
        runs: StoredRuns,
        clock: Clock,
        note: Callable[[str], None],
        *,
        break_lock: bool = False,
    ) -> None:
        """Keep runs in ``runs``; ``break_lock`` takes a stale lock, ``note`` is told of waits."""
        self._runs = runs
        self._clock = clock
        self._note = note
        self._break_lock = break_lock

    @contextmanager
    def hold(self, spec: Spec, plan: Plan, folder: RunFolder) -> Iterator["SharedRun"]:
        """Take the lock of the plan's table; publish a new run, or fetch one that is there.

        Raises:
            Stopped: another runner holds it, or S3 does not answer.
            CheckFailed: what lies in S3 was altered.
        """
        lock = self._lock(plan)
        lock.acquire(
            plan.target,
            folder.run_id,
            this_process(),
            break_stale=self._break_lock,
            note=self._note,
        )
        with _beating(lock):
            if self._runs.has(folder.run_id):
                self._runs.fetch(folder)
            else:
                self._runs.publish(folder.run_id, "spec.yaml", spec.origin.text.encode())
                self._runs.publish(folder.run_id, "plan.json", folder.plan.read_bytes())
            yield SharedRun(self._runs, lock, folder)

    def _lock(self, plan: Plan) -> S3Lock:
        """Return the lock of the table that ``plan`` rebuilds, in its account and region."""
        address = self._runs.address
        place = (plan.account or "any-account", plan.region or "any-region")
        key = address.key("locks", *place, f"{plan.target}.json")
        return S3Lock(self._runs.bucket, address.bucket, key, self._clock)


class SharedRun:
    """One run while its lock is held."""

    def __init__(self, runs: StoredRuns, lock: S3Lock, folder: RunFolder) -> None:
        """Keep what is in ``folder``, which is as S3 has it."""
        self._runs = runs
        self._lock = lock
        self._folder = folder
        self.shelf = _Shelf(runs, lock, folder)

    def require(self) -> None:
        """Ask S3 whether the lock is still ours.

        Raises:
            Stopped: it is not, or S3 does not answer.
        """
        self._lock.require(fresh=True)

    def interrupted_by(self) -> Stopped | None:
        """Return why the heartbeat interrupted this process, if it did."""
        return self._lock.lost

    @property
    def options(self) -> tuple[str, ...]:
        """Return where runs are kept, as the command line takes it."""
        return ("--state", str(self._runs.address))

    def keep_report(self) -> None:
        """Store the report and what it names; not over another runner's."""
        if self._lock.lost is not None:
            return
        for path in (self._folder.report, self._folder.diff):
            if path.is_file():
                self._runs.publish_file(self._folder.run_id, path.name, path)


class _Shelf:
    """The records of a run as numbered objects, each written by the first to write it."""

    def __init__(self, runs: StoredRuns, lock: S3Lock, folder: RunFolder) -> None:
        self._runs = runs
        self._lock = lock
        self._run_id = folder.run_id
        self._mirror = Mirror(runs, folder, lock.claim.token)
        self._is_new = True

    @property
    def token(self) -> int:
        """Return the lock's token."""
        return self._lock.claim.token

    def settle(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield, before anything else, who writes from here on; then what is new in the folder.

        The first one takes the next number away from whoever held the run before.
        """
        self._lock.require()
        if self._is_new:
            claim = self._lock.claim
            self._is_new = False
            yield HELD, {"owner": claim.owner, "host": claim.process.host}
        yield from self._mirror.settle()

    def put(self, number: int, line: bytes) -> None:
        """Store a record.

        Raises:
            Stopped: another runner wrote one of this number, so the run is not ours.
        """
        if not self._runs.put_record(self._run_id, number, line):
            message = f"another runner goes on with run {self._run_id}: it wrote record {number}"
            raise self._lock.lose(Stopped(message, "nothing more was done here"))


@contextmanager
def _beating(lock: S3Lock) -> Iterator[None]:
    """Renew the lock for as long as it is held, and give it back.

    Where it is lost, the main thread is interrupted as by Ctrl-C, so that what is under way ends.
    """
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(TICK_SECONDS):
            if lock.beat() is not None:
                os.kill(os.getpid(), signal.SIGINT)
                return

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        # What cannot be given back goes stale.
        with suppress(Failure):
            lock.release()
