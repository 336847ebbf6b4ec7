"""Carries out one step of any kind: the one table from kinds of steps to their functions."""

from retable.runner.plan.export_steps import (
    Approve,
    CheckExport,
    ConvertFiles,
    DryRun,
    EnablePitr,
    ExportStep,
    MakeExport,
    MergeExports,
    ScanTable,
    UseExport,
)
from retable.runner.plan.finish_steps import (
    ClearStage,
    CompareSettings,
    CountItems,
    FinishStep,
    LiftFence,
    RestoreSettings,
    VerifyTable,
)
from retable.runner.plan.plan import Step
from retable.runner.plan.source_steps import (
    BackUp,
    DeleteTable,
    DropFromStack,
    ForgetTable,
    FreezeSource,
    ListChanges,
    Settle,
    SourceStep,
    Unprotect,
)
from retable.runner.plan.target_steps import (
    AccountForImport,
    AdoptTable,
    BulkPutItems,
    CreateTable,
    DeployStack,
    DeployTable,
    EnableTargetPitr,
    ImportTable,
    LoadItems,
    RestoreBackup,
    StageItems,
    TargetStep,
    UseTable,
)
from retable.runner.steps.approve import approve
from retable.runner.steps.back_up import back_up
from retable.runner.steps.bulk_put import bulk_put
from retable.runner.steps.check_export import check_made_export
from retable.runner.steps.compare_settings import compare_settings
from retable.runner.steps.convert_files import convert
from retable.runner.steps.count_items import count_items
from retable.runner.steps.create_table import create_table
from retable.runner.steps.delete import delete_table
from retable.runner.steps.deploy_stack import (
    adopt_table,
    deploy_stack,
    deploy_table,
    drop_from_stack,
    forget_table,
)
from retable.runner.steps.dry_run import dry_run
from retable.runner.steps.enable_pitr import enable_pitr, enable_target_pitr
from retable.runner.steps.freeze_source import freeze_source
from retable.runner.steps.import_table import account_for_import, import_table
from retable.runner.steps.lift_fence import lift_fence
from retable.runner.steps.list_changes import list_changes
from retable.runner.steps.load_items import load
from retable.runner.steps.make_export import make_export
from retable.runner.steps.merge_exports import merge_exports
from retable.runner.steps.restore_backup import restore_backup
from retable.runner.steps.restore_settings import restore_settings
from retable.runner.steps.scan_table import scan_table
from retable.runner.steps.settle import settle
from retable.runner.steps.stage_items import clear_stage, stage
from retable.runner.steps.unprotect import unprotect
from retable.runner.steps.use_export import use_export
from retable.runner.steps.use_table import use_table
from retable.runner.steps.verify_table import verify
from retable.runner.steps.world import World


def perform(step: Step, world: World) -> object:
    """Carry out ``step`` and return its evidence."""
    if isinstance(step, ExportStep):
        return _perform_on_export(step, world)
    if isinstance(step, SourceStep):
        return _perform_on_source(step, world)
    if isinstance(step, TargetStep):
        return _perform_on_target(step, world)
    return _finish(step, world)


def _perform_on_export(step: ExportStep, world: World) -> object:  # noqa: PLR0911 -- a table
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


def _perform_on_source(step: SourceStep, world: World) -> object:  # noqa: PLR0911 -- a table
    match step:
        case FreezeSource():
            return freeze_source(step, world)
        case BackUp():
            return back_up(step, world)
        case Settle():
            return settle(step, world)
        case ListChanges():
            return list_changes(step, world)
        case Unprotect():
            return unprotect(step, world)
        case DropFromStack():
            return drop_from_stack(step, world)
        case ForgetTable():
            return forget_table(step, world)
        case DeleteTable():
            return delete_table(step, world)


def _perform_on_target(step: TargetStep, world: World) -> object:  # noqa: C901, PLR0911 -- a table
    match step:
        case StageItems():
            return stage(step, world)
        case CreateTable():
            return create_table(step, world)
        case ImportTable():
            return import_table(step, world)
        case DeployTable():
            return deploy_table(step, world)
        case RestoreBackup():
            return restore_backup(step, world)
        case UseTable():
            return use_table(step, world)
        case EnableTargetPitr():
            return enable_target_pitr(step, world)
        case AdoptTable():
            return adopt_table(step, world)
        case DeployStack():
            return deploy_stack(step, world)
        case LoadItems():
            return load(step, world)
        case BulkPutItems():
            return bulk_put(step, world)
        case AccountForImport():
            return account_for_import(step, world)


def _finish(step: FinishStep, world: World) -> object:
    match step:
        case CountItems():
            return count_items(step, world)
        case VerifyTable():
            return verify(step, world)
        case RestoreSettings():
            return restore_settings(step, world)
        case LiftFence():
            return lift_fence(step, world)
        case CompareSettings():
            return compare_settings(step, world)
        case ClearStage():
            return clear_stage(step, world)
