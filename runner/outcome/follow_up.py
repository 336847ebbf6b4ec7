"""What is left to do after a run: writes its export lacks, and whether to cut over."""

from collections.abc import Iterator, Sequence

from retable.runner.plan.export_steps import ExportProved
from retable.runner.plan.plan import Plan
from retable.runner.plan.source_steps import ChangesListed, ForgetTable, FreezeSource
from retable.runner.plan.target_steps import (
    AdoptTable,
    CreateTable,
    DeployStack,
    DeployTable,
    ImportTable,
)
from retable.runner.runs.journal import DONE, INTENT, Record


def follow_up(
    plan: Plan, checked: ExportProved | None, changes: ChangesListed | None, listed: str
) -> Iterator[str]:
    """Yield the notes for a finished run.

    ``checked`` is the proof of the export it loaded; ``changes`` is what is known of later writes,
    whose items the file ``listed`` names.
    """
    if plan.command != "run" or checked is None:
        return
    if plan.strategy == "side-by-side":
        yield _verdict(plan, checked)
    if plan.strategy == "side-by-side" and changes is None and not _freezes(plan):
        yield (
            f"what was written to {plan.source} since then is not listed: that needs a native "
            "export that the run makes itself"
        )
    if changes is not None:
        yield (
            f"{changes.changes:,} items of {plan.source} were written after its export, up to "
            f"{changes.until.isoformat()}: {changes.written:,} put, {changes.deleted:,} deleted; "
            f"{listed} has their keys"
        )


def cut_over(plan: Plan) -> Iterator[str]:
    """Yield what to do by hand after a run beside the source, in order."""
    if plan.command != "run" or plan.strategy != "side-by-side":
        return
    if not _freezes(plan):
        yield (
            f"stop all writers of {plan.source}: what they wrote after the export is not in "
            f"{plan.target}"
        )
    switches = any(isinstance(step, DeployStack) for step in plan.steps)
    if switches:
        yield f"check that the application uses {plan.target}"
    else:
        yield f"switch the application to {plan.target}"
    if _freezes(plan):
        yield f"remove the statement RetableFreeze from the policy of {plan.source}"
    yield f"delete {plan.source} once nothing needs it"


def left_behind(plan: Plan, records: Sequence[Record]) -> Iterator[str]:
    """Yield what a run that was rolled back leaves behind: it deletes nothing that it created."""
    begun = {record.step for record in records}
    requested = {record.step for record in records if record.event in {INTENT, DONE}}
    for step in plan.steps:
        match step:
            case CreateTable() | ImportTable() if step.id in requested:
                yield (
                    f"{plan.target}, which the run created, holds what was loaded so far and is "
                    "fenced: delete it before another run"
                )
            case ForgetTable() | DeployTable() | AdoptTable() | DeployStack() if step.id in begun:
                stack = step.stack
                yield (
                    f"the deployment of {stack.stack_name} {stack.words} was started: deploy "
                    "the app as it was before, and check its table"
                )


def _freezes(plan: Plan) -> bool:
    return any(isinstance(step, FreezeSource) for step in plan.steps)


def _verdict(plan: Plan, checked: ExportProved) -> str:
    """Return whether the application may move to the new table."""
    if _freezes(plan):
        return f"ready for cut-over: {'; then '.join(cut_over(plan))}"
    return (
        f"verified as of {checked.export_time.isoformat()}, not ready for cut-over: "
        f"what was written to {plan.source} since then is not in {plan.target}"
    )
