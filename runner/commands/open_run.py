"""Finding the run to resume or abort: the one named, or the newest that is open."""

from collections.abc import Callable
from pathlib import Path

from retable.runner.aws.session import Aws
from retable.runner.aws.state_address import Address
from retable.runner.commands.state_option import State, looked_up
from retable.runner.failure import Refused, Stale
from retable.runner.plan.encoding import read_plan
from retable.runner.plan.head import read_head
from retable.runner.plan.plan import Plan
from retable.runner.runs.folder import RunFolder, open_folder, runs_of
from retable.runner.runs.journal import is_completed, is_ended, read_journal
from retable.schema.spec import Spec


def open_run(
    spec: Spec,
    run_dir: Path,
    run_id: str | None,
    state: State | None,
    connect: Callable[[], Aws],
) -> tuple[RunFolder, Plan]:
    """Return the run to resume or abort: the one named, or the newest open one of the spec."""
    place = run_dir if state is None else state.address
    with looked_up(state, run_dir, connect, run_id) as heads:
        if run_id is None:
            found = _newest_open_run(spec, heads, place)
        else:
            found = open_folder(heads, run_id)
        plan = read_plan(found.plan)
    folder = RunFolder(run_dir / found.run_id)
    if plan.spec_sha256 != spec.origin.sha256:
        message = f"{spec.origin.file} has changed since run {folder.run_id} was planned"
        raise Stale(message, "restore the spec, or start a new run")
    own = spec.transform.functions
    if own is not None and plan.functions_sha256 != own.sha256:
        message = f"{own.file} has changed since run {folder.run_id} was planned"
        raise Stale(message, "restore the file, or start a new run")
    return folder, plan


def _newest_open_run(spec: Spec, run_dir: Path, place: Path | Address) -> RunFolder:
    """Return the newest run of ``spec`` that has not ended; ``place`` is for the message.

    Raises:
        Refused: there is none.
    """
    for folder in runs_of(run_dir, spec.name):
        head = read_head(folder.plan)
        if folder.journal.is_file() and head is not None and head.command == "run":
            records = read_journal(folder.journal)
            if not is_completed(records) and not is_ended(records):
                return folder
    message = f"there is no open run of {spec.name} in {place}"
    raise Refused(message, "migrate status lists the runs; --run-dir names where they are")
