"""Restores a table from its backup, fences it, and counts the restored items."""

from retable.runner.failure import CheckFailed, Stopped
from retable.runner.plan.finish_steps import Compared, CountItems, ItemsCounted
from retable.runner.plan.target_steps import RestoreBackup, TableMade
from retable.runner.report.model import Check
from retable.runner.runs.journal import COMPARED
from retable.runner.steps.back_up import require_available
from retable.runner.steps.create import (
    await_fence,
    require_absent,
    require_created_table,
    require_planned_key,
)
from retable.runner.steps.wait import patiently
from retable.runner.steps.world import World
from retable.runner.table.settings import TableDescription

RESTORE_DEADLINE_SECONDS = 48 * 3600.0
"""AWS promises no time; restores of large tables with many indexes were seen to take a day."""


def restore_backup(step: RestoreBackup, world: World) -> TableMade:
    """Restore the table from its backup and fence it as soon as it is ACTIVE.

    A repeated step reuses the table it restored, whose description names the backup.

    Raises:
        CheckFailed: another table has that name, or the backup is not available.
        Stopped: the table was not ACTIVE in time.
    """
    tables, name = world.aws.tables, str(step.request["TableName"])
    require_absent(step, name, world)
    if tables.describe(name) is None:
        require_available(step.backup_arn, world)
        tables.restore_backup(step.backup_arn, name, step.request.get("SSESpecification"))
    description = _await_active(name, world)
    if tables.restored_from(name) != step.backup_arn:
        message = f"the table {name} that exists now was not restored from the backup"
        raise CheckFailed(message, "someone else created it; find out who before you resume")
    require_planned_key(description, world)
    return TableMade(
        table=name,
        table_id=description.table_id,
        arn=description.arn,
        fenced=await_fence(description, world),
    )


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


def _await_active(name: str, world: World) -> TableDescription:
    """Return the restored table once it can be read and written."""
    tables = world.aws.tables
    for _ in patiently(world, RESTORE_DEADLINE_SECONDS, f"the restore of {name}"):
        description = tables.describe(name)
        if description is not None and description.status == "ACTIVE":
            return description
    message = f"the table {name} is still being restored"
    raise Stopped(message, "resume: the step continues to wait")
