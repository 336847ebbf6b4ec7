"""Holds a run that is kept in S3: the lock and its heartbeat, the records, the run folder."""

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
"""How often to check whether a heartbeat is due. A machine that wakes up checks at once."""


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
        """Keep runs in ``runs``; ``break_lock`` takes a stale lock, ``note`` gets wait messages."""
        self._runs = runs
        self._clock = clock
        self._note = note
        self._break_lock = break_lock

    @contextmanager
    def hold(self, spec: Spec, plan: Plan, folder: RunFolder) -> Iterator["SharedRun"]:
        """Lock the plan's table; publish a new run, or fetch an existing one.

        Raises:
            Stopped: another runner holds it, or S3 does not answer.
            CheckFailed: the state in S3 was altered.
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
        """Return the lock on the table that ``plan`` rebuilds, in its account and region."""
        address = self._runs.address
        place = (plan.account or "any-account", plan.region or "any-region")
        key = address.key("locks", *place, f"{plan.target}.json")
        return S3Lock(self._runs.bucket, address.bucket, key, self._clock)


class SharedRun:
    """One run while its lock is held."""

    def __init__(self, runs: StoredRuns, lock: S3Lock, folder: RunFolder) -> None:
        """Keep the content of ``folder``, which matches S3."""
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
        """Return the option that says where runs are kept."""
        return ("--state", str(self._runs.address))

    def keep_report(self) -> None:
        """Store the report and its list of differences, unless another runner has taken over."""
        if self._lock.lost is not None:
            return
        for path in (self._folder.report, self._folder.diff):
            if path.is_file():
                self._runs.publish_file(self._folder.run_id, path.name, path)


class _Shelf:
    """The records of a run as numbered objects, each written only if it does not exist yet."""

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
        """Yield, first of all, who writes from here on; then what is new in the folder.

        The first record takes the next number, so an earlier holder of the run cannot.
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
            Stopped: another runner wrote a record with this number, so the run is not ours.
        """
        if not self._runs.put_record(self._run_id, number, line):
            message = f"another runner has taken over run {self._run_id}: it wrote record {number}"
            raise self._lock.lose(Stopped(message, "this runner stopped before its next change"))


@contextmanager
def _beating(lock: S3Lock) -> Iterator[None]:
    """Renew the lock as long as it is held, and release it.

    If it is lost, the main thread is interrupted as by Ctrl-C, so that work in progress stops.
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
        # A lock that cannot be released goes stale.
        with suppress(Failure):
            lock.release()
