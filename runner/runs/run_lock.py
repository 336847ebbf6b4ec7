"""A run in this process's hands alone: on this machine, or also in S3 for others to go on with."""

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
"""The event by which a run tells that it is kept elsewhere too, and who writes from there on."""


class RunLock(Protocol):
    """What is held of a run while it is carried out."""

    @property
    def shelf(self) -> Shelf | None:
        """Return what keeps its records besides the run folder."""
        ...

    def require(self) -> None:
        """Go on only if nobody else has taken the run over; asked before each effect.

        Raises:
            Stopped: someone has, or may have.
        """
        ...

    def interrupted_by(self) -> Stopped | None:
        """Return why this process was interrupted, if the lock did it."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """Return what a command line must say to go on with the run."""
        ...

    def keep_report(self) -> None:
        """Keep the report that lies in the run folder."""
        ...


class Keeper(Protocol):
    """Where runs are kept besides this machine."""

    def hold(self, spec: Spec, plan: Plan, folder: RunFolder) -> AbstractContextManager[RunLock]:
        """Hold a run and bring its folder up to date."""
        ...


class OnThisMachine:
    """The lock of a run that is kept nowhere else; the local lock is all it takes."""

    shelf: Shelf | None = None
    options: tuple[str, ...] = ()

    def require(self) -> None:
        """Do nothing: the system keeps the lock for as long as the process lives."""

    def interrupted_by(self) -> Stopped | None:
        """Return nothing."""
        return None

    def keep_report(self) -> None:
        """Do nothing: it lies in the run folder."""


@contextmanager
def held(
    spec: Spec, plan: Plan, folder: RunFolder, keeper: Keeper | None = None
) -> Iterator[RunLock]:
    """Hold the run in ``folder``: its table's lock on this machine, and the keeper's own.

    Raises:
        Stopped: another runner holds it.
        Refused: the run dir cannot be written.
    """
    with locked(folder.path.parent, spec.target.table, folder.run_id):
        if keeper is None:
            yield OnThisMachine()
            return
        with keeper.hold(spec, plan, folder) as lock:
            yield lock
