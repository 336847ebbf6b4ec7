"""What a run says at its end: what its export does not hold, whether to move to the new table."""

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


def ending(
    plan: Plan, checked: ExportProved | None, changes: ChangesListed | None, listed: str
) -> Iterator[str]:
    """Yield the words for a finished run.

    ``checked`` is what proved the export it loaded; ``changes`` what is known of later writes,
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
    """Yield what is left to people after a run beside the source, in the order of doing."""
    if plan.command != "run" or plan.strategy != "side-by-side":
        return
    if not _freezes(plan):
        yield (
            f"stop what writes to {plan.source}: what it wrote after the export is not in "
            f"{plan.target}"
        )
    switches = any(isinstance(step, DeployStack) for step in plan.steps)
    yield f"{'see that' if switches else 'let'} the application use{'s' * switches} {plan.target}"
    if _freezes(plan):
        yield f"take the statement RetableFreeze off the policy of {plan.source}"
    yield f"delete {plan.source} once it is not missed"


def left_behind(plan: Plan, records: Sequence[Record]) -> Iterator[str]:
    """Yield what a run that turned back has made and leaves: it deletes nothing that it made."""
    begun = {record.step for record in records}
    asked = {record.step for record in records if record.event in {INTENT, DONE}}
    for step in plan.steps:
        match step:
            case CreateTable() | ImportTable() if step.id in asked:
                yield (
                    f"{plan.target}, which the run made, is there with what was loaded so far, and "
                    "fenced: delete it before another run"
                )
            case ForgetTable() | DeployTable() | AdoptTable() | DeployStack() if step.id in begun:
                stack = step.stack
                yield (
                    f"the deployment of {stack.stack_name} {stack.words} was begun: deploy "
                    "the app as it was, and see that its table is as it shall be"
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
