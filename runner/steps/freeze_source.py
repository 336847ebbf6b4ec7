"""Denies writes to the source, and allows them again where the run rolls back."""

from datetime import datetime

from retable.runner.aws.errors import PolicyRefused
from retable.runner.aws.policy_calls import Policy
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.plan.source_steps import FreezeSource, Frozen
from retable.runner.plan.step import Link, link
from retable.runner.runs.journal import INTENT
from retable.runner.steps.wait import patiently
from retable.runner.steps.world import World
from retable.runner.table.resource_policy import denies_bulk, freeze_policy, has_freeze, own_policy

FREEZE_DEADLINE_SECONDS = 600.0
"""Resource policies are eventually consistent; AWS names no bound, so this one is generous."""


def freeze_source(step: FreezeSource, world: World) -> Frozen:
    """Deny item writes by the table's resource policy and wait until GetResourcePolicy shows it.

    The policy's other statements stay. Idempotent. Whether StartBulkPutItems
    is denied as well is up to the service: no source says that a policy may name it.

    Raises:
        Stopped: the policy does not show in time.
        CheckFailed: the table is not the one that was planned for.
    """
    tables = world.aws.tables
    require_same_table(world, step.table_id)
    present = tables.policies.get(step.table_arn)
    if present is None or not has_freeze(present.text):
        world.journal.record(step.id, INTENT, {"table": step.table_arn})
        _deny_writes(step, present, world)
    for _ in patiently(world, FREEZE_DEADLINE_SECONDS, "the freeze to show in the policy"):
        present = tables.policies.get(step.table_arn)
        if present is not None and has_freeze(present.text):
            return Frozen(
                seen_at=present.seen_at,
                revision=present.revision_id,
                bulk_writes="denied" if denies_bulk(present.text) else "allowed",
            )
    message = f"the freeze of {world.plan.source} did not show in its policy"
    raise Stopped(message, "resume: the step is repeated")


def denies_bulk_writes(world: World) -> bool:
    """Return whether the service accepted a freeze of this run that names StartBulkPutItems."""
    frozen = [link(step) for step in world.plan.steps if isinstance(step, FreezeSource)]
    return any(world.evidence(freeze).bulk_writes == "denied" for freeze in frozen)


def frozen_since(freeze: Link[FreezeSource], world: World) -> datetime:
    """Return when the freeze was first seen, by the service's clock."""
    return world.evidence(freeze).seen_at


def unfreeze(step: FreezeSource, world: World) -> None:
    """Remove the freeze (I8); what others have added to the policy meanwhile stays."""
    tables = world.aws.tables
    present = tables.policies.get(step.table_arn)
    own = own_policy(present.text) if present else None
    if present is None or own == present.text:
        return
    if own is None:
        tables.policies.delete(step.table_arn, present.revision_id)
    else:
        tables.policies.put(step.table_arn, own, present.revision_id)


def require_same_table(world: World, table_id: str) -> None:
    """Require that the source is still the physical table the plan was made for.

    Raises:
        CheckFailed: it is deleted, or another table has its name now.
    """
    description = world.aws.tables.describe(world.plan.source)
    found = description.table_id if description else "no table"
    if (found or "") != table_id:
        message = f"{world.plan.source} has TableId {found}; the plan is for {table_id}"
        raise CheckFailed(message, "someone else changed the table; start a new run")


def _deny_writes(step: FreezeSource, present: Policy | None, world: World) -> None:
    """Put the freeze, without StartBulkPutItems where the service rejects it."""
    own, revision = (present.text, present.revision_id) if present else (None, None)
    policies = world.aws.tables.policies
    try:
        policies.put(step.table_arn, freeze_policy(step.table_arn, own, bulk=True), revision)
    except PolicyRefused:
        policies.put(step.table_arn, freeze_policy(step.table_arn, own, bulk=False), revision)
        message = "this service accepts no StartBulkPutItems in a policy: make sure none is started"
        world.progress.note(message)
