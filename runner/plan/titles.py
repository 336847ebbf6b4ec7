"""What each step is called: the line that a reader agrees to, and the sign before it."""

from retable.runner.plan.plan import (
    AdoptTable,
    CheckExport,
    ClearStage,
    ConvertFiles,
    CountItems,
    CreateTable,
    DeployStack,
    DeployTable,
    DryRun,
    EnablePitr,
    ExportStep,
    LiftFence,
    LoadItems,
    MakeExport,
    MergeExports,
    RestoreBackup,
    RestoreSettings,
    ScanTable,
    StageItems,
    Step,
    TargetExport,
    TargetStep,
    UseExport,
    UseTable,
    VerifyTable,
)
from retable.runner.plan.plan_settings import CompareSettings
from retable.runner.plan.source_steps import (
    Approve,
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

WHEN = {
    "absent": "without the table",
    "present": "with the table",
    "final": "as it stays",
    "original": "as it was",
}
"""The words for the states of a stack."""
CONFLICTS = {
    "overwrite": "",
    "keep": ", keeping items that are there",
    "fail": ", stopping at an item that is there",
}


def title(step: Step) -> str:
    """Return the line a user reads about ``step`` before agreeing to it and while it runs."""
    if isinstance(step, ExportStep):
        return _export_title(step)
    if isinstance(step, SourceStep):
        return _source_title(step)
    return _target_title(step)


def symbol(step: Step) -> str:  # noqa: PLR0911 -- a table
    """Return the sign that stands before a step."""
    match step:
        case DropFromStack() | DeleteTable():
            return "-"
        case CreateTable() | DeployTable() | RestoreBackup() | BackUp():
            return "+"
        case MakeExport() | ScanTable() | ConvertFiles():
            return "+"
        case LoadItems() | StageItems():
            return ">"
        case VerifyTable() | CountItems() | CheckExport() | MergeExports() | DryRun():
            return "?"
        case ListChanges() | CompareSettings():
            return "?"
        case Approve():
            return "!"
        case UseExport() | UseTable():
            return "="
        case Settle():
            return ""
        case _:
            return "~"


def _export_title(step: ExportStep) -> str:  # noqa: PLR0911 -- a table
    match step:
        case EnablePitr():
            return f"turn on point-in-time recovery of {step.table}"
        case MakeExport():
            moment = "" if step.at is None else f" as of {step.at}"
            return f"make the {_of(step.role)}export{moment} into s3://{step.bucket}/{step.prefix}"
        case ScanTable():
            kind = "consistent " if step.consistent else ""
            rate = f" at {step.rate:,} read units a second" if step.rate else ""
            return (
                f"make the {_of(step.role)}export by a {kind}scan of {step.table} "
                f"in {step.segments} segments{rate}"
            )
        case ConvertFiles():
            return f"make an export of the {step.format} files in {step.location}"
        case UseExport():
            return f"use the finished export {step.export_id}{_and(step.incrementals)}"
        case CheckExport():
            return f"check every digest and count of the {_of(step.role)}export"
        case MergeExports():
            return "merge the changes of the incremental exports"
        case DryRun(sample=int(sample)):
            return f"dry run over {sample:,} items of the {_of(step.role)}export"
        case DryRun():
            return f"dry run over every item of the {_of(step.role)}export"


def _source_title(step: SourceStep) -> str:  # noqa: C901, PLR0911 -- a table
    match step:
        case Approve():
            return "approve"
        case FreezeSource():
            return f"freeze writers of {_name(step.table_arn)}"
        case BackUp():
            return f"back up {step.table}"
        case Settle():
            return f"let the freeze settle for {step.seconds} s"
        case ListChanges():
            return f"list what was written to {_name(step.table_arn)} after the export"
        case Unprotect():
            return f"turn off deletion protection of {step.table}"
        case ForgetTable():
            return f"deploy {step.stack.stack_name} without {step.table}, which is gone"
        case DropFromStack(retains=True):
            return f"deploy {step.stack.stack_name} without {step.table}, which stays behind"
        case DropFromStack():
            return f"deploy {step.stack.stack_name} without {step.table}, which deletes it"
        case DeleteTable():
            return f"delete {step.table}"


def _target_title(step: TargetStep) -> str:  # noqa: C901, PLR0911, PLR0912 -- a table
    match step:
        case StageItems():
            return f"stage the items in s3://{step.bucket}/{step.prefix}"
        case CreateTable(imports=str()):
            return f"import {step.request['TableName']} from what is staged, then fence it"
        case CreateTable():
            return f"create {step.request['TableName']}, fenced"
        case DeployStack():
            return f"deploy {step.stack.stack_name} {WHEN[step.stack.variant]}"
        case DeployTable():
            name = step.request["TableName"] if step.named else step.logical_id
            return f"deploy {step.stack.stack_name} with {name}, and fence it"
        case AdoptTable():
            return f"take the table into {step.stack.stack_name} as {step.logical_id}"
        case UseTable():
            return f"use the table {step.table}, which is there already"
        case LoadItems(loader="import-table"):
            return "account for what was imported"
        case LoadItems(loader="bulk-put"):
            return "load the items by a bulk operation of DynamoDB's own"
        case LoadItems():
            rate = f" at {step.rate:,} write units a second" if step.rate else ""
            return f"load the items{rate}{CONFLICTS[step.on_conflict]}"
        case VerifyTable(export=TargetExport() as export):
            return f"verify both sides by an export into s3://{export.bucket}/{export.prefix}"
        case VerifyTable():
            return "verify both sides"
        case RestoreBackup():
            return f"restore {step.request['TableName']} from its backup, and fence it"
        case CountItems():
            return "count the items that came back"
        case RestoreSettings():
            return "restore settings"
        case LiftFence():
            return "lift the fence"
        case CompareSettings():
            return "compare the settings"
        case ClearStage():
            return "delete what was staged"


def _and(incrementals: tuple[str, ...]) -> str:
    """Return the words for the incremental exports that go with a full one."""
    if not incrementals:
        return ""
    if len(incrementals) == 1:
        return f" and the incremental one {incrementals[0]}"
    return f" and {len(incrementals):,} incremental ones, {incrementals[0]} to {incrementals[-1]}"


def _of(role: str) -> str:
    """Return the word for an export's role, with a space, or nothing where there is just one."""
    return "" if role == "only" else f"{role} "


def _name(arn: str) -> str:
    """Return a table's name from its ARN."""
    return arn.rpartition("/")[2]
