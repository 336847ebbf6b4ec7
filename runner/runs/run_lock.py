"""Locks a run for this process: on this machine, and in S3 if another machine may resume it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from retable.runner.failure import Stopped
from retable.runner.plan.plan import Plan
from retable.runner.runs.folder import RunFolder
from retable.runner.runs.journal import Shelf
from retable.runner.runs.local_lock import locked
from retable.schema.spec import Spec

HELD = "held"
"""The event that records that a run is also kept elsewhere, and who writes from then on."""


class RunLock(Protocol):
    """The lock on a run while it is carried out."""

    @property
    def shelf(self) -> Shelf | None:
        """Return the shelf that keeps its records besides the run folder."""
        ...

    def require(self) -> None:
        """Check that no other runner has taken over the run; called before each effect.

        Raises:
            Stopped: somebody has, or may have.
        """
        ...

    def interrupted_by(self) -> Stopped | None:
        """Return why this process was interrupted, if the lock did it."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """Return the command-line options that resuming the run needs."""
        ...

    def keep_report(self) -> None:
        """Store the report in the run folder."""
        ...


class Keeper(Protocol):
    """Keeps runs somewhere besides this machine."""

    def hold(self, spec: Spec, plan: Plan, folder: RunFolder) -> AbstractContextManager[RunLock]:
        """Lock a run and bring its folder up to date."""
        ...


class OnThisMachine:
    """The lock on a run that is kept only on this machine; the local lock is enough."""

    shelf: Shelf | None = None
    options: tuple[str, ...] = ()

    def require(self) -> None:
        """Do nothing: the system holds the lock as long as the process lives."""

    def interrupted_by(self) -> Stopped | None:
        """Return nothing."""
        return None

    def keep_report(self) -> None:
        """Do nothing: it is in the run folder."""


@contextmanager
def held(
    spec: Spec, plan: Plan, folder: RunFolder, keeper: Keeper | None = None
) -> Iterator[RunLock]:
    """Lock the run in ``folder``: its table's lock on this machine, and the keeper's lock.

    Raises:
        Stopped: another runner holds it.
        Refused: the run dir is not writable.
    """
    with locked(folder.path.parent, spec.target.table, folder.run_id):
        if keeper is None:
            yield OnThisMachine()
            return
        with keeper.hold(spec, plan, folder) as lock:
            yield lock
