"""What a side-by-side run says of its end: whether the application may move to the new table."""

from collections.abc import Iterator, Mapping
from typing import Any

from retable.runner.plan import Plan
from retable.runner.source_steps import FreezeSource


def cut_over(plan: Plan, checked: Mapping[str, Any]) -> Iterator[str]:
    """Yield the words for a finished run; ``checked`` is what proved the export it loaded."""
    if plan.command != "run" or plan.strategy != "side-by-side" or "export_time" not in checked:
        return
    if any(isinstance(step, FreezeSource) for step in plan.steps):
        yield (
            f"ready for cut-over: let the application use {plan.target}, take the policy's "
            f"statement RetableFreeze off {plan.source}, and delete it once it is not missed"
        )
    else:
        yield (
            f"verified as of {checked['export_time']}, not ready for cut-over: what was written to "
            f"{plan.source} since then is not in {plan.target}"
        )
