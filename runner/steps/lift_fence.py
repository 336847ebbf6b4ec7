"""Lifts the fence of the target, which then has the policy that it keeps."""

from retable.runner.plan.finish_steps import FenceLifted, LiftFence
from retable.runner.steps.create_table import require_created_table
from retable.runner.steps.world import World
from retable.runner.table.resource_policy import without_fence


def lift_fence(step: LiftFence, world: World) -> FenceLifted:
    """Replace the fence by the policy that the target keeps; idempotent."""
    description = require_created_table(step.create, world)
    if not world.evidence(step.create).fenced:
        return FenceLifted(policy="none")
    tables = world.aws.tables
    present = tables.policies.get(description.arn)
    policy = step.policy
    if step.declared:
        policy = without_fence(present.text) if present else None
    if policy is not None:
        tables.policies.put(description.arn, policy, present.revision_id if present else None)
    elif present is not None:
        tables.policies.delete(description.arn, present.revision_id)
    return FenceLifted(policy="restored" if policy else "none")
