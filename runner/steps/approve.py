"""Approval: a person or a flag agrees to this plan and its bounds, before anything is frozen."""

from retable.runner.failure import Refused
from retable.runner.plan.export_steps import Approve, Approved
from retable.runner.steps.dry_run import bounds_of
from retable.runner.steps.world import World


def approve(step: Approve, world: World) -> Approved:
    """Ask for approval and bind it to the plan's fingerprint and to bounds from the rehearsal.

    Raises:
        Refused: it was not given; nothing was frozen or deleted.
    """
    figures = world.evidence(step.dry_run) if step.dry_run else None
    by = world.approve(world.plan, figures)
    if by is None:
        message = "the plan was not approved"
        raise Refused(message, "nothing was frozen or deleted")
    return Approved(
        by=by,
        fingerprint=world.fingerprint,
        deletes=step.deletes,
        bounds=bounds_of(figures, world.spec) if figures else None,
    )
