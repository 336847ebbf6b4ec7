"""What a run says at its end: what its export does not hold, whether to move to the new table."""

from collections.abc import Iterator, Mapping
from typing import Any

from retable.runner.plan import Plan
from retable.runner.source_steps import FreezeSource

Facts = Mapping[str, Any]


def ending(plan: Plan, checked: Facts, changes: Facts, listed: str) -> Iterator[str]:
    """Yield the words for a finished run.

    ``checked`` is what proved the export it loaded; ``changes`` what is known of later writes,
    whose items the file ``listed`` names.
    """
    if plan.command != "run" or "export_time" not in checked:
        return
    if plan.strategy == "side-by-side":
        yield _cut_over(plan, checked)
    if changes:
        yield (
            f"{changes['changes']:,} items of {plan.source} were written after its export, up to "
            f"{changes['until']}: {changes['written']:,} put, {changes['deleted']:,} deleted; "
            f"{listed} has their keys"
        )


def _cut_over(plan: Plan, checked: Facts) -> str:
    """Return whether the application may move to the new table."""
    if any(isinstance(step, FreezeSource) for step in plan.steps):
        return (
            f"ready for cut-over: let the application use {plan.target}, take the policy's "
            f"statement RetableFreeze off {plan.source}, and delete it once it is not missed"
        )
    return (
        f"verified as of {checked['export_time']}, not ready for cut-over: what was written to "
        f"{plan.source} since then is not in {plan.target}"
    )
