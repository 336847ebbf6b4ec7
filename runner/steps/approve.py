"""Approval: someone, or a flag, agrees to this plan and to these bounds, before anything stops."""

from retable.runner.failure import Refused
from retable.runner.plan.source_steps import Approve
from retable.runner.steps.dry_run import bounds_of
from retable.runner.steps.world import Evidence, World


def approve(step: Approve, world: World) -> Evidence:
    """Ask for leave and bind it to the plan's fingerprint and to bounds from the rehearsal.

    Raises:
        Refused: leave was not given; nothing was stopped or deleted.
    """
    facts = world.evidence(step.dry_run) if step.dry_run else {}
    by = world.approve(world.plan, facts)
    if by is None:
        message = "the plan was not approved"
        raise Refused(message, "nothing was frozen or deleted")
    return {
        "by": by,
        "fingerprint": world.fingerprint,
        "deletes": step.deletes,
        "bounds": dict(bounds_of(facts, world.spec)) if step.dry_run else {},
    }
