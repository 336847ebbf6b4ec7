"""Turns point-in-time recovery on, and off again where the run rolls back."""

from retable.runner.plan.export_steps import EnablePitr, PitrEnabled
from retable.runner.plan.target_steps import EnableTargetPitr
from retable.runner.steps.world import World


def enable_pitr(step: EnablePitr, world: World) -> PitrEnabled:
    """Turn point-in-time recovery on and wait until exports are possible; idempotent."""
    return _enable_pitr(step.table, world)


def enable_target_pitr(step: EnableTargetPitr, world: World) -> PitrEnabled:
    """Turn it on for the new table, whatever CloudFormation named it; idempotent."""
    return _enable_pitr(world.evidence(step.create).table, world)


def _enable_pitr(table: str, world: World) -> PitrEnabled:
    world.aws.tables.enable_pitr(table, clock=world.clock, progress=world.progress)
    return PitrEnabled(table=table)


def disable_pitr(step: EnablePitr, world: World) -> None:
    """Turn point-in-time recovery off again where the run rolls back; it was off before."""
    settings = world.plan.settings
    if settings is None:
        return
    description = world.aws.tables.describe(step.table)
    if description is not None and description.table_id == settings.description.table_id:
        world.aws.tables.set_pitr(step.table, enabled=settings.pitr, days=settings.pitr_days)
