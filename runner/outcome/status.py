"""Where runs stand, in words, from their plans and journals. Asks nobody and changes nothing."""

from collections.abc import Iterator

from retable.runner.plan.encoding import read_plan
from retable.runner.plan.plan import Plan
from retable.runner.runs.folder import RunFolder
from retable.runner.runs.journal import Record, is_completed, is_ended, read_journal


def list_runs(folders: list[RunFolder]) -> Iterator[str]:
    """Yield a line for each run."""
    if not folders:
        yield "no runs here; --run-dir names where they lie"
    for folder in folders:
        plan, records = _read(folder)
        at = records[-1].at if records else "-"
        word = _word(plan, records)
        yield f"{folder.run_id}  {plan.command:<8} {plan.spec_name:<24} {word}  {at}"


def describe_run(folder: RunFolder) -> Iterator[str]:
    """Yield a line for each step of one run."""
    plan, records = _read(folder)
    yield f"{plan.command} {folder.run_id} of {plan.spec_name}: {_word(plan, records)}"
    for step in plan.steps:
        own = [record for record in records if record.step == step.id]
        mark = own[-1].event if own else "pending"
        at = own[-1].at if own else ""
        yield f"  {mark:<14} {step.title:<60} {at}".rstrip()


def _read(folder: RunFolder) -> tuple[Plan, list[Record]]:
    """Return a run's plan and its records."""
    records = read_journal(folder.journal) if folder.journal.is_file() else []
    return read_plan(folder.plan), records


def _word(plan: Plan, records: list[Record]) -> str:
    """Return the word for how far a run is."""
    if is_completed(records):
        return "completed"
    if is_ended(records):
        return "turned back"
    if records and records[-1].event == "failed":
        return f"failed in {records[-1].step}"
    done = {record.step for record in records if record.event == "done"}
    return f"open, {len(done)} of {len(plan.steps)} steps done"
