"""Carries a plan out, step by step, and rolls back where it must not continue.

Each step's effect comes first and its record after, so a killed run repeats the step it was in
(I2). A verification is never taken over from an earlier process (I4).
"""

from collections.abc import Iterator

from retable.runner.failure import CheckFailed, Failure, Stale
from retable.runner.plan.export_steps import EnablePitr
from retable.runner.plan.finish_steps import LiftFence, VerifyTable
from retable.runner.plan.plan import Plan, Step
from retable.runner.plan.source_steps import DropFromStack, FreezeSource, Removal, Unprotect
from retable.runner.plan.target_steps import DeployStack, NewTable
from retable.runner.runs.journal import INTENT, RUN, Journal
from retable.runner.steps.deploy_stack import is_undropped
from retable.runner.steps.enable_pitr import disable_pitr
from retable.runner.steps.freeze_source import unfreeze
from retable.runner.steps.perform import perform
from retable.runner.steps.unprotect import protect_again
from retable.runner.steps.world import World


def execute(world: World) -> None:
    """Carry out every step of the plan that is not done yet.

    Raises:
        CheckFailed: something is wrong with the data or a table. Before the delete, the source's
            policy and protection have been put back and the run has ended.
        Stale: the final export is outside what was approved; likewise.
        Stopped: an external failure stopped the run; resuming continues with the same step.
    """
    for step in world.plan.steps:
        if world.journal.evidence(step) is None or _is_repeated(step, world):
            _carry_out(step, world)
        else:
            world.progress.start(step.id, step.title)
            world.progress.finish("done before")
    world.journal.record(RUN, "completed")


def _is_repeated(step: Step, world: World) -> bool:
    """Return whether a finished step is repeated when a run is resumed: a verification (I4).

    Once lifting the fence has begun, applications write and nothing can be compared.
    """
    later = world.plan.steps[world.plan.steps.index(step) + 1 :]
    lifting = (one for one in later if isinstance(one, LiftFence | DeployStack))
    return isinstance(step, VerifyTable) and not any(
        world.journal.records(one.id) for one in lifting
    )


def roll_back(world: World) -> bool:
    """Restore the source to what it was, if nothing was deleted yet, and end the run.

    Returns whether that was possible.
    """
    if is_past_the_delete(world.plan, world.journal) and not _is_undeleted(world):
        return False
    for step in reversed(world.plan.steps):
        if world.journal.records(step.id):
            world.require_lock()
            match step:
                case Unprotect():
                    protect_again(step, world)
                case FreezeSource():
                    unfreeze(step, world)
                case EnablePitr():
                    disable_pitr(step, world)
                case _:
                    pass
    world.journal.record(RUN, "ended")
    return True


def is_past_the_delete(plan: Plan, journal: Journal) -> bool:
    """Return whether the delete has begun, after which the run cannot be rolled back."""
    return any(journal.records(step.id, INTENT) for step in plan.steps if isinstance(step, Removal))


def _is_undeleted(world: World) -> bool:
    """Return whether the delete was refused or rolled back, so that the table is unchanged."""
    description = world.aws.tables.describe(world.plan.source)
    if description is None or description.status != "ACTIVE":
        return False
    removals = [step for step in world.plan.steps if isinstance(step, Removal)]
    return all(
        world.journal.evidence(step) is None
        and (description.table_id or "") == step.table_id
        and (not isinstance(step, DropFromStack) or is_undropped(step, world))
        for step in removals
    )


def frozen_steps(plan: Plan, journal: Journal) -> Iterator[FreezeSource]:
    """Yield the freeze that is in force, according to the journal."""
    if journal.records(RUN, "ended"):
        return
    for step in plan.steps:
        if isinstance(step, FreezeSource) and journal.records(step.id):
            yield step


def _carry_out(step: Step, world: World) -> None:
    """Do one step and record it; on a finding before the target is created, roll back."""
    world.progress.start(step.id, step.title)
    world.journal.record(step.id, "begun")
    world.require_lock()
    try:
        evidence = perform(step, world)
    except (CheckFailed, Stale) as failure:
        world.progress.finish("failed")
        world.journal.record(step.id, "failed", {"message": failure.message})
        _roll_back_on_finding(world)
        raise
    except Failure:
        world.progress.finish("stopped")
        raise
    # Recorded after the effect, never before: a crash between the two repeats the step.
    world.journal.finish(step, evidence)
    world.progress.finish("done")


def _roll_back_on_finding(world: World) -> None:
    """Roll back a run that found something wrong before it created the target."""
    made = any(
        world.journal.records(step.id, INTENT)
        for step in world.plan.steps
        if isinstance(step, NewTable)
    )
    frozen = any(frozen_steps(world.plan, world.journal))
    unprotected = any(
        world.journal.records(step.id) for step in world.plan.steps if isinstance(step, Unprotect)
    )
    if not made and (frozen or unprotected) and roll_back(world):
        undone = "the freeze of {} was lifted" if frozen else "{} is unchanged"
        world.progress.note(f"{undone.format(world.plan.source)}; nothing was deleted")
