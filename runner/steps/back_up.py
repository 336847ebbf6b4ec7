"""Backs the source up, so that it can be restored whatever follows."""

from retable.runner.failure import CheckFailed, Stopped
from retable.runner.plan.source_steps import BackedUp, BackUp
from retable.runner.runs.journal import INTENT
from retable.runner.steps.freeze_source import require_same_table
from retable.runner.steps.wait import patiently
from retable.runner.steps.world import World

AVAILABLE = "AVAILABLE"
BACKUP_DEADLINE_SECONDS = 24 * 3600.0
"""AWS promises no time for a backup; a day is longer than any reported one."""


def back_up(step: BackUp, world: World) -> BackedUp:
    """Make the backup, or find the one this run made, and wait until it is AVAILABLE.

    Its name follows from the run, so a repeated step finds it instead of making a second one.

    Raises:
        Stopped: it did not become AVAILABLE in time.
    """
    require_same_table(world, step.table_id)
    name = f"retable-{world.folder.run_id}"
    world.journal.record(step.id, INTENT, {"backup": name})
    arn = world.aws.tables.create_backup(step.table, name)
    for _ in patiently(world, BACKUP_DEADLINE_SECONDS, f"the backup {name}"):
        status = world.aws.tables.backup_status(arn)
        if status == AVAILABLE:
            return BackedUp(arn=arn, name=name)
        if status != "CREATING":
            break
    message = f"the backup {name} of {step.table} is {status}, expected {AVAILABLE}"
    raise Stopped(message, "resume, or contact AWS Support")


def require_available(arn: str, world: World) -> None:
    """Require that a backup is available.

    Raises:
        CheckFailed: it is not.
    """
    status = world.aws.tables.backup_status(arn)
    if status != AVAILABLE:
        message = f"the backup {arn} is {status}, expected {AVAILABLE}"
        raise CheckFailed(message)
