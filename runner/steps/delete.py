"""Deletes the source. The gate before it is I1, proved again each time the step is entered."""

from datetime import datetime, timedelta

from retable.runner.failure import CheckFailed
from retable.runner.plan.bounds import max_rejects
from retable.runner.plan.export_steps import CheckExport, DryRun
from retable.runner.plan.source_steps import (
    DeleteTable,
    FreezeSource,
    FromBackup,
    FromEarlier,
    FromExport,
    Removal,
    Removed,
)
from retable.runner.plan.step import Link, requests_of
from retable.runner.runs.journal import INTENT
from retable.runner.steps.back_up import require_available
from retable.runner.steps.check_export import checked_files
from retable.runner.steps.create_table import fence_at_creation, target_arn
from retable.runner.steps.freeze_source import frozen_since, require_same_table
from retable.runner.steps.world import World
from retable.runner.table.resource_policy import has_freeze
from retable.runner.table.validate_requests import require_valid

FRESH = timedelta(minutes=15)
"""How old a list of later writes may be where nothing stops writers."""


def delete_table(step: DeleteTable, world: World) -> Removed:
    """Delete the planned physical table and wait until it is deleted.

    A repeated step looks first: a deleted table is done, a DELETING one is waited for, and one
    of that name with another TableId is never deleted.

    Raises:
        CheckFailed: something that must be proved before a delete is not (I1).
    """
    tables = world.aws.tables
    requested_before = bool(world.journal.records(step.id, INTENT))
    description = tables.describe(step.table)
    if requested_before and (description is None or (description.table_id or "") != step.table_id):
        return Removed(table=step.table, table_id=step.table_id)
    if not (requested_before and description is not None and description.status == "DELETING"):
        require_provably_safe_to_delete(step, world)
        world.journal.record(step.id, INTENT, {"table_id": step.table_id})
        tables.delete(step.table)
    tables.wait_deleted(step.table, step.table_id, clock=world.clock, progress=world.progress)
    return Removed(table=step.table, table_id=step.table_id)


def require_provably_safe_to_delete(step: Removal, world: World) -> None:
    """Prove everything that I1 requires, from AWS and the journal as they are now.

    Raises:
        CheckFailed: the first thing that does not hold.
    """
    _require_approval(step, world)
    require_same_table(world, step.table_id)
    _require_fence(step, world)
    _require_backup(step, world)
    if isinstance(step.successor, FromBackup):
        # The table is restored with what the service itself reported of it: a check of ours that
        # is stricter than the service's must not stand between a lost table and its backup.
        require_available(step.successor.backup_arn, world)
        return
    _require_whole(step, step.successor.check, world)
    if isinstance(step.successor, FromEarlier):
        _require_changes_listed(step, step.successor, world)
    else:
        _require_final_export(step.successor, world)
    _require_dry_run(step.successor.check, step.successor.dry_run, world)
    _require_valid_requests(world)


def _require_approval(step: Removal, world: World) -> None:
    approval = world.evidence(step.approval)
    if approval.fingerprint != world.fingerprint or approval.deletes != step.table:
        message = f"the approval on record is not for deleting {step.table} by this plan"
        raise CheckFailed(message, "start a new run")


def _require_fence(step: Removal, world: World) -> None:
    if step.freeze is None:
        return
    present = world.aws.tables.policies.get(world.plan.at(step.freeze).table_arn)
    if present is None or not has_freeze(present.text):
        message = f"{step.table} is no longer frozen"
        raise CheckFailed(message, "someone changed its policy; start a new run")


def _require_backup(step: Removal, world: World) -> None:
    require_available(world.evidence(step.backup).arn, world)


def _require_changes_listed(step: Removal, successor: FromEarlier, world: World) -> None:
    """Require that all writes since the export were listed, up to the end of writes."""
    listed = world.evidence(successor.changes)
    if successor.freeze is None:
        _require_fresh(step, listed.listed_at, world)
        return
    _require_settled(
        successor.freeze,
        listed.until,
        successor.settle_seconds,
        "the list of later writes ends",
        world,
    )


def _require_fresh(step: Removal, listed_at: datetime, world: World) -> None:
    """Require that the list of later writes is recent: writers are not stopped.

    A table that its stack has already retained is exempt: its deletion has begun.
    """
    removals = (one for one in world.plan.steps if isinstance(one, Removal))
    begun = any(world.journal.evidence(one) is not None for one in removals)
    age = world.aws.tables.service_time(step.table) - listed_at
    if age > FRESH and not begun:
        minutes = int(age.total_seconds() // 60)
        message = f"what was written to {step.table} was last listed {minutes} minutes ago"
        raise CheckFailed(message, "its writers are not stopped; start a new run")


def _require_final_export(successor: FromExport, world: World) -> None:
    """Require that the export is of a time late enough after the freeze."""
    exported = world.evidence(successor.check).export_time
    seconds = successor.settle_seconds
    _require_settled(successor.freeze, exported, seconds, "the final export is of", world)


def _require_whole(step: Removal, check: Link[CheckExport], world: World) -> None:
    """Require that this process has checked the files, and that they are of this table."""
    files, checked = checked_files(check, world), world.evidence(check)
    if checked.table_id != step.table_id:
        message = f"the export is of TableId {checked.table_id}, not {step.table_id}"
        raise CheckFailed(message)
    if sum(file.item_count for file in files) != checked.item_count:
        message = f"the export no longer has the {checked.item_count} items it was checked with"
        raise CheckFailed(message)


def _require_settled(
    freeze: Link[FreezeSource], moment: datetime, seconds: int, what: str, world: World
) -> None:
    waited = (moment - frozen_since(freeze, world)).total_seconds()
    if waited < seconds:
        message = (
            f"{what} {int(waited)} s after the freeze was first seen, expected at least {seconds} s"
        )
        raise CheckFailed(message, "start a new run")


def _require_dry_run(check: Link[CheckExport], dry_run: Link[DryRun], world: World) -> None:
    figures, exported = world.evidence(dry_run), world.evidence(check).item_count
    if figures.read != exported:
        message = f"the dry run covered {figures.read} of {exported} exported items"
        raise CheckFailed(message)
    if figures.rejected > max_rejects(world.spec, figures.read) or figures.unresolved_keys:
        message = "the dry run of the export is not clean"
        raise CheckFailed(message)


def _require_valid_requests(world: World) -> None:
    """Validate every later request while the old table still exists."""
    arn = target_arn(world)
    require_valid(requests_of(world.plan.steps, arn, fence_at_creation(arn, world)))
