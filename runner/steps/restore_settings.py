"""Gives the target the settings that were captured before the first change (I8)."""

from retable.runner.plan.finish_steps import RestoreSettings, SettingsRestored
from retable.runner.steps.attach_services import attach
from retable.runner.steps.create_table import require_created_table
from retable.runner.steps.world import World
from retable.runner.table.settings import Attached, TableSettings


def restore_settings(step: RestoreSettings, world: World) -> SettingsRestored:
    """Apply each setting that differs, and wait for ACTIVE in between; idempotent.

    They come after verification: a stream would carry an INSERT for every loaded item, and TTL
    would delete items while they are compared.
    """
    description = require_created_table(step.create, world)
    tables, name = world.aws.tables, description.name
    present = tables.settings(name)
    changed: list[str] = []
    if step.tags != dict(present.tags if present else {}):
        tables.set_tags(description.arn, step.tags)
        changed.append("tags")
    if step.ttl is not None and (present is None or present.ttl != step.ttl):
        tables.set_ttl(name, step.ttl)
        changed.append("ttl")
    if not _recovers(step, present):
        # Turned off as well: a verification by export turns it on for itself.
        tables.set_pitr(name, enabled=step.pitr, days=step.pitr_days)
        changed.append("point_in_time_recovery")
    if step.stream is not None and description.stream != step.stream:
        tables.set_stream(name, step.stream)
        changed.append("stream")
        tables.wait_active(name, clock=world.clock, progress=world.progress)
    attached = present.attached if present else Attached()
    changed += attach(step.attached, attached, name, world)
    if step.deletion_protection and not description.deletion_protection:
        tables.set_deletion_protection(name, enabled=True)
        changed.append("deletion_protection")
        tables.wait_active(name, clock=world.clock, progress=world.progress)
    return SettingsRestored(restored=tuple(changed))


def _recovers(step: RestoreSettings, present: TableSettings | None) -> bool:
    """Return whether point-in-time recovery is as planned."""
    if present is None or present.pitr != step.pitr:
        return False
    return not step.pitr or step.pitr_days in (None, present.pitr_days)
