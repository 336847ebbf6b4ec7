"""Turns deletion protection off, and on again where the run rolls back."""

from retable.runner.plan.source_steps import Unprotect, Unprotected
from retable.runner.steps.freeze_source import require_same_table
from retable.runner.steps.world import World


def unprotect(step: Unprotect, world: World) -> Unprotected:
    """Turn deletion protection off; idempotent."""
    require_same_table(world, step.table_id)
    tables = world.aws.tables
    tables.set_deletion_protection(step.table, enabled=False)
    tables.wait_active(step.table, clock=world.clock, progress=world.progress)
    return Unprotected(table=step.table)


def protect_again(step: Unprotect, world: World) -> None:
    """Turn deletion protection back on where the run rolls back."""
    description = world.aws.tables.describe(step.table)
    if description is not None and description.table_id == step.table_id:
        world.aws.tables.set_deletion_protection(step.table, enabled=True)
