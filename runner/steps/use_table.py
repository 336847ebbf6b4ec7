"""Loads into an existing table, if it is the one that was planned for."""

from retable.runner.failure import CheckFailed
from retable.runner.plan.target_steps import TableFound, UseTable
from retable.runner.steps.create_table import require_planned_key
from retable.runner.steps.world import World


def use_table(step: UseTable, world: World) -> TableFound:
    """Use the existing table, if it is the one that was planned for.

    Raises:
        CheckFailed: it is deleted, or another table has its name now.
    """
    description = world.aws.tables.describe(step.table)
    if description is None or description.table_id != step.table_id:
        message = f"the table {step.table} is not the one that the plan was made for"
        raise CheckFailed(message, "someone else deleted or replaced it; start a new run")
    require_planned_key(description, world)
    return TableFound(table=step.table, table_id=description.table_id, arn=description.arn)
