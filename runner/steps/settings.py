"""Giving the target the settings that were captured before the first change (I8)."""

from retable.runner.plan import RestoreSettings
from retable.runner.steps.create import require_created_table
from retable.runner.world import Evidence, World


def restore_settings(step: RestoreSettings, world: World) -> Evidence:
    """Apply each setting that differs, and wait for ACTIVE between; harmless when repeated.

    They come after verification: a stream would carry an INSERT for every loaded item, and TTL
    would delete items while they are compared.
    """
    description = require_created_table(step.create, world)
    tables, name = world.aws.tables, description.name
    present = tables.settings(name)
    changed = []
    if step.tags != dict(present.tags if present else {}):
        tables.set_tags(description.arn, step.tags)
        changed.append("tags")
    if step.ttl is not None and (present is None or present.ttl != step.ttl):
        tables.set_ttl(name, step.ttl)
        changed.append("ttl")
    if step.pitr and not (present and present.pitr):
        tables.set_pitr(name, enabled=True, days=step.pitr_days)
        changed.append("point_in_time_recovery")
    if step.stream is not None and description.stream != step.stream:
        tables.set_stream(name, step.stream)
        changed.append("stream")
        tables.wait_active(name, clock=world.clock, progress=world.progress)
    if step.deletion_protection and not description.deletion_protection:
        tables.set_deletion_protection(name, enabled=True)
        changed.append("deletion_protection")
        tables.wait_active(name, clock=world.clock, progress=world.progress)
    return {"restored": changed}
