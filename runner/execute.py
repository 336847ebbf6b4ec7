"""Carrying a plan out, step by step, and turning back where it may not go on.

Each step's effect comes first and its record after, so a killed run repeats the step it was in
(I2). Verification is never taken from memory (I4).
"""

from collections.abc import Iterator

from retable.runner.explain import title
from retable.runner.failure import CheckFailed, Failure, Stale
from retable.runner.journal import RUN, Journal
from retable.runner.plan import (
    Approve,
    BackUp,
    CheckExport,
    ConvertFiles,
    CreateTable,
    DeleteTable,
    DryRun,
    EnablePitr,
    FreezeSource,
    LiftFence,
    LoadItems,
    MakeExport,
    MergeExports,
    Plan,
    RestoreSettings,
    ScanTable,
    Settle,
    StageItems,
    Step,
    Unprotect,
    UseExport,
    UseTable,
    VerifyTable,
)
from retable.runner.steps.approve import approve
from retable.runner.steps.backup import back_up
from retable.runner.steps.bulk import account_for_import, bulk_put, import_table, stage
from retable.runner.steps.convert import convert
from retable.runner.steps.create import create_table, lift_fence, use_table
from retable.runner.steps.delete import delete_table, protect_again, unprotect
from retable.runner.steps.dry_run import dry_run
from retable.runner.steps.export import check_made_export, enable_pitr, make_export, use_export
from retable.runner.steps.freeze import freeze_source, settle, thaw
from retable.runner.steps.load import load
from retable.runner.steps.merge import merge_exports
from retable.runner.steps.scan import scan_table
from retable.runner.steps.settings import restore_settings
from retable.runner.steps.verify import verify
from retable.runner.world import Evidence, World


def execute(world: World) -> None:
    """Carry out every step of the plan that is not done yet.

    Raises:
        CheckFailed: something is wrong with the data or a table. Before the delete, the source's
            policy and protection have been put back and the run has ended.
        Stale: the final export is outside what was approved; likewise.
        Stopped: the world stopped us; resuming goes on with the same step.
    """
    for step in world.plan.steps:
        if world.journal.evidence(step.id) is None or isinstance(step, VerifyTable):
            _carry_out(step, world)
        else:
            world.progress.start(step.id, title(step))
            world.progress.finish("done before")
    world.journal.record(RUN, "completed")


def retreat(world: World) -> bool:
    """Put the source back as it was, if nothing was deleted yet, and end the run.

    Returns whether it could be done.
    """
    if is_past_the_delete(world.plan, world.journal):
        return False
    for step in reversed(world.plan.steps):
        if world.journal.records(step.id):
            world.require_custody()
            match step:
                case Unprotect():
                    protect_again(step, world)
                case FreezeSource():
                    thaw(step, world)
                case _:
                    pass
    world.journal.record(RUN, "ended")
    return True


def is_past_the_delete(plan: Plan, journal: Journal) -> bool:
    """Return whether the delete has been begun, after which there is no way back."""
    return any(
        journal.records(step.id, "intent") for step in plan.steps if isinstance(step, DeleteTable)
    )


def frozen_steps(plan: Plan, journal: Journal) -> Iterator[FreezeSource]:
    """Yield the freeze that is in force, as far as the journal knows."""
    if journal.records(RUN, "ended"):
        return
    for step in plan.steps:
        if isinstance(step, FreezeSource) and journal.records(step.id):
            yield step


def _carry_out(step: Step, world: World) -> None:
    """Do one step and record it; on a finding before the delete, turn back."""
    world.progress.start(step.id, title(step))
    world.journal.record(step.id, "begun")
    world.require_custody()
    try:
        evidence = perform(step, world)
    except (CheckFailed, Stale) as failure:
        world.progress.finish("failed")
        world.journal.record(step.id, "failed", {"message": failure.message})
        _turn_back(world)
        raise
    except Failure:
        world.progress.finish("stopped")
        raise
    # Recorded after the effect, never before: a crash between the two repeats the step.
    world.journal.record(step.id, "done", evidence)
    world.progress.finish("done")


def _turn_back(world: World) -> None:
    """Undo the freeze of a run that found something wrong before it made the target."""
    made = any(
        world.journal.records(step.id, "intent")
        for step in world.plan.steps
        if isinstance(step, CreateTable)
    )
    if not made and any(frozen_steps(world.plan, world.journal)) and retreat(world):
        world.progress.note(f"the freeze of {world.plan.source} was lifted; nothing was deleted")


def perform(step: Step, world: World) -> Evidence:  # noqa: C901, PLR0911, PLR0912 -- a table
    """Do what ``step`` says and return what it leaves behind."""
    match step:
        case EnablePitr():
            return enable_pitr(step, world)
        case MakeExport():
            return make_export(step, world)
        case ScanTable():
            return scan_table(step, world)
        case ConvertFiles():
            return convert(step, world)
        case UseExport():
            return use_export(step, world)
        case CheckExport():
            return check_made_export(step, world)
        case MergeExports():
            return merge_exports(step, world)
        case DryRun():
            return dry_run(step, world)
        case Approve():
            return approve(step, world)
        case FreezeSource():
            return freeze_source(step, world)
        case BackUp():
            return back_up(step, world)
        case Settle():
            return settle(step, world)
        case Unprotect():
            return unprotect(step, world)
        case DeleteTable():
            return delete_table(step, world)
        case StageItems():
            return stage(step, world)
        case CreateTable(imports=str()):
            return import_table(step, world)
        case CreateTable():
            return create_table(step, world)
        case UseTable():
            return use_table(step, world)
        case LoadItems(loader="import-table"):
            return account_for_import(step, world)
        case LoadItems(loader="bulk-put"):
            return bulk_put(step, world)
        case LoadItems():
            return load(step, world)
        case VerifyTable():
            return verify(step, world)
        case RestoreSettings():
            return restore_settings(step, world)
        case LiftFence():
            return lift_fence(step, world)
