"""``--state``: what the commands do with runs that are kept in S3."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from retable.runner.aws.session import Aws, connect
from retable.runner.aws.state_address import Address, parse_address
from retable.runner.clock import SystemClock
from retable.runner.failure import Refused
from retable.runner.runs.shared_run import StateKeeper
from retable.runner.runs.stored_runs import StoredRuns


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where the command line says that runs are kept."""

    address: Address
    break_lock: bool = False

    def runs(self, connector: Callable[[], Aws]) -> StoredRuns:
        """Return the runs there."""
        objects = connector().objects_of(self.address.owner, self.address.kms_key)
        return StoredRuns(self.address, objects)

    def keeper(self, connector: Callable[[], Aws]) -> StateKeeper:
        """Return what stores a run there."""
        return StateKeeper(self.runs(connector), SystemClock(), _notify, break_lock=self.break_lock)


def state_of(text: str | None, *, break_lock: bool = False) -> State | None:
    """Return what ``--state`` and ``--break-lock`` say.

    Raises:
        Refused: they make no sense together, or the address is malformed.
    """
    if text is None:
        if break_lock:
            message = "--break-lock breaks the lock in S3; there is none without --state"
            raise Refused(message, "on this machine, a lock ends with its process")
        return None
    return State(address=parse_address(text), break_lock=break_lock)


@contextmanager
def looked_up(
    state: State | None, run_dir: Path, connector: Callable[[], Aws], run_id: str | None = None
) -> Iterator[Path]:
    """Yield a folder with the plan, the journal and the report of each run, or of ``run_id``.

    It is the run dir itself, or a temporary copy of what is in S3.

    Raises:
        Refused: the run named is not in S3.
    """
    if state is None:
        yield run_dir
        return
    with tempfile.TemporaryDirectory(prefix="retable-") as name:
        folder = Path(name)
        state.runs(connector).fetch_heads(folder, run_id)
        if run_id is not None and not any(folder.iterdir()):
            message = f"there is no run {run_id!r} in {state.address}"
            raise Refused(message, f"migrate status --state {state.address} lists the runs")
        yield folder


def from_environment() -> Aws:
    """Return a client of AWS by the process's environment, for commands without a spec."""
    return connect(None, environ=os.environ)


def _notify(text: str) -> None:
    click.echo(text, err=True)
