"""Counts the items of a restored table against those that were exported."""

from retable.runner.failure import CheckFailed
from retable.runner.plan.finish_steps import Compared, CountItems, ItemsCounted
from retable.runner.report.model import Check
from retable.runner.runs.journal import COMPARED
from retable.runner.steps.create_table import require_created_table
from retable.runner.steps.world import World


def count_items(step: CountItems, world: World) -> ItemsCounted:
    """Count the restored items; time to live may have deleted some of them before the export.

    Raises:
        CheckFailed: there are not as many as were exported.
    """
    description = require_created_table(step.create, world)
    found = 0
    for more in world.aws.tables.counts(description.name):
        found += more
        world.progress.advance(found, step.exported, "items")
    good = found >= step.exported if step.expires else found == step.exported
    check = Check(
        name="restored items",
        outcome="passed" if good else "failed",
        expected=step.exported,
        actual=found,
    )
    world.journal.note(step, COMPARED, Compared(checks=(check,)))
    if not good:
        least = "at least " if step.expires else ""
        message = f"{description.name} was restored with {found:,} items, expected {least}"
        message += f"{step.exported:,}, which were exported behind the freeze"
        raise CheckFailed(message, "the table stays fenced; both backups are kept")
    return ItemsCounted(items=found, exported=step.exported)
