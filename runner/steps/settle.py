"""Waits until the freeze has been in force long enough for an export behind it (I1)."""

from retable.runner.failure import CheckFailed
from retable.runner.plan.source_steps import Settle, Settled
from retable.runner.steps.freeze_source import frozen_since
from retable.runner.steps.world import World
from retable.runner.table.resource_policy import has_freeze


def settle(step: Settle, world: World) -> Settled:
    """Wait until the freeze has been in force for ``step.seconds`` by the service's clock (I1).

    Raises:
        CheckFailed: the freeze was removed meanwhile.
    """
    arn = world.plan.at(step.freeze).table_arn
    seen_at = frozen_since(step.freeze, world)
    while True:
        present = world.aws.tables.policies.get(arn)
        if present is None or not has_freeze(present.text):
            message = f"the freeze of {world.plan.source} was removed by someone else"
            raise CheckFailed(message, "find out who writes its policy, then start a new run")
        waited = (present.seen_at - seen_at).total_seconds()
        if waited >= step.seconds:
            return Settled(waited_seconds=int(waited))
        world.progress.note(f"settling: {int(waited)} of {step.seconds} s since the freeze")
        world.clock.sleep(min(15.0, step.seconds - waited))
