"""The status of runs as text, from their plans and journals. Makes no calls."""

from collections.abc import Iterator

from retable.runner.plan.encoding import read_plan
from retable.runner.plan.head import PlanHead, read_head, writer_of
from retable.runner.plan.plan import Plan
from retable.runner.runs.folder import RunFolder
from retable.runner.runs.journal import DONE, Record, is_completed, is_ended, read_journal


def list_runs(folders: list[RunFolder]) -> Iterator[str]:
    """Yield a line for each run."""
    if not folders:
        yield "no runs here; --run-dir names where they are"
    for folder in folders:
        head = read_head(folder.plan)
        if head is None:
            yield f"{folder.run_id}  its plan.json cannot be read"
            continue
        records = _records(folder)
        at = records[-1].at if records else "-"
        status = _status(folder, head, records)
        yield f"{folder.run_id}  {head.command:<8} {head.spec_name:<24} {status}  {at}"


def describe_run(folder: RunFolder) -> Iterator[str]:
    """Yield a line for each step of one run."""
    plan, records = read_plan(folder.plan), _records(folder)
    yield f"{plan.command} {folder.run_id} of {plan.spec_name}: {_status_of(plan, records)}"
    for step in plan.steps:
        own = [record for record in records if record.step == step.id]
        mark = own[-1].event if own else "pending"
        at = own[-1].at if own else ""
        yield f"  {mark:<14} {step.title:<60} {at}".rstrip()


def _records(folder: RunFolder) -> list[Record]:
    """Return a run's records."""
    return read_journal(folder.journal) if folder.journal.is_file() else []


def _status(folder: RunFolder, head: PlanHead, records: list[Record]) -> str:
    """Return the status of a run, whichever version of the program started it."""
    if head.is_readable:
        return _status_of(read_plan(folder.plan), records)
    if is_completed(records):
        return "completed"
    if is_ended(records):
        return "rolled back"
    return f"of format {head.format_version}: {writer_of(head.format_version)} can finish it"


def _status_of(plan: Plan, records: list[Record]) -> str:
    """Return the status of a run."""
    if is_completed(records):
        return "completed"
    if is_ended(records):
        return "rolled back"
    if records and records[-1].event == "failed":
        return f"failed in {records[-1].step}"
    done = {record.step for record in records if record.event == DONE}
    return f"open, {len(done)} of {len(plan.steps)} steps done"
