"""Restores a table from its backup and fences it."""

from retable.runner.failure import CheckFailed, Stopped
from retable.runner.plan.target_steps import RestoreBackup, TableMade
from retable.runner.steps.back_up import require_available
from retable.runner.steps.create_table import await_fence, require_absent, require_planned_key
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


def _await_active(name: str, world: World) -> TableDescription:
    """Return the restored table once it can be read and written."""
    tables = world.aws.tables
    for _ in patiently(world, RESTORE_DEADLINE_SECONDS, f"the restore of {name}"):
        description = tables.describe(name)
        if description is not None and description.status == "ACTIVE":
            return description
    message = f"the table {name} is still being restored"
    raise Stopped(message, "resume: the step continues to wait")
