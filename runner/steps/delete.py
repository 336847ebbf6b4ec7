"""Deleting the source. The gate before it is I1, made anew each time this step is entered."""

from datetime import datetime, timedelta

from retable.runner.failure import CheckFailed
from retable.runner.plan.bounds import max_rejects
from retable.runner.plan.source_steps import (
    DeleteTable,
    FreezeSource,
    FromBackup,
    FromEarlier,
    FromExport,
    Removal,
    Unprotect,
)
from retable.runner.plan.step_requests import target_requests
from retable.runner.steps.back_up import require_available
from retable.runner.steps.create import fence_at_birth, target_arn
from retable.runner.steps.freeze import frozen_since, require_same_table
from retable.runner.steps.make_export import checked_files
from retable.runner.steps.world import Evidence, World
from retable.runner.table.resource_policy import has_freeze
from retable.runner.table.validate_requests import require_valid

FRESH = timedelta(minutes=15)
"""How old a list of later writes may be where nothing stops writers."""


def unprotect(step: Unprotect, world: World) -> Evidence:
    """Turn deletion protection off; again is harmless."""
    require_same_table(world, step.table_id)
    tables = world.aws.tables
    tables.set_deletion_protection(step.table, enabled=False)
    tables.wait_active(step.table, clock=world.clock, progress=world.progress)
    return {"table": step.table}


def protect_again(step: Unprotect, world: World) -> None:
    """Turn deletion protection back on where the run turns back."""
    description = world.aws.tables.describe(step.table)
    if description is not None and description.table_id == step.table_id:
        world.aws.tables.set_deletion_protection(step.table, enabled=True)


def delete_table(step: DeleteTable, world: World) -> Evidence:
    """Delete the planned physical table and wait until it is gone.

    A repeated step looks first: gone is done, being deleted is waited for, and a table of that
    name with another TableId is never deleted.

    Raises:
        CheckFailed: something that must be proved before a delete is not (I1).
    """
    tables = world.aws.tables
    asked_before = world.journal.last(step.id, "intent") is not None
    description = tables.describe(step.table)
    if asked_before and (description is None or (description.table_id or "") != step.table_id):
        return {"table": step.table, "table_id": step.table_id}
    if not (asked_before and description is not None and description.status == "DELETING"):
        require_provably_safe_to_delete(step, world)
        world.journal.record(step.id, "intent", {"table_id": step.table_id})
        tables.delete(step.table)
    tables.wait_deleted(step.table, step.table_id, clock=world.clock, progress=world.progress)
    return {"table": step.table, "table_id": step.table_id}


def require_provably_safe_to_delete(step: Removal, world: World) -> None:
    """Prove everything that I1 asks for, from the world and the journal as they are now.

    Raises:
        CheckFailed: the first thing that does not hold.
    """
    _require_approval(step, world)
    require_same_table(world, step.table_id)
    _require_fence(step, world)
    _require_backup(step, world)
    if isinstance(step.successor, FromBackup):
        # What comes back is what the service itself told of this table: no rule of ours, should it
        # be stricter than the service's, may stand between a lost table and its backup.
        require_available(step.successor.backup_arn, world)
        return
    if isinstance(step.successor, FromEarlier):
        _require_changes_told(step, step.successor, world)
        _require_dry_run(step.successor.check, step.successor.dry_run, world)
    else:
        _require_final_export(step, step.successor, world)
        _require_dry_run(step.successor.final_check, step.successor.final_dry_run, world)
    _require_valid_requests(world)


def _require_approval(step: Removal, world: World) -> None:
    approval = world.evidence(step.approval)
    if approval["fingerprint"] != world.fingerprint or approval["deletes"] != step.table:
        message = f"the approval on record is not for deleting {step.table} by this plan"
        raise CheckFailed(message, "start a new run")


def _require_fence(step: Removal, world: World) -> None:
    if step.freeze is None:
        return
    freeze = world.plan.step(step.freeze)
    present = (
        world.aws.tables.policies.get(freeze.table_arn)
        if isinstance(freeze, FreezeSource)
        else None
    )
    if present is None or not has_freeze(present.text):
        message = f"{step.table} is not frozen any more"
        raise CheckFailed(message, "someone changed its policy; start a new run")


def _require_backup(step: Removal, world: World) -> None:
    require_available(str(world.evidence(step.backup)["arn"]), world)


def _require_changes_told(step: Removal, made: FromEarlier, world: World) -> None:
    """The export is whole, and all that was written since, up to the end of writes, was told."""
    _require_whole(step, made.check, world)
    told = world.evidence(made.changes)
    if step.freeze is None:
        _require_fresh(step, datetime.fromisoformat(str(told["listed_at"])), world)
        return
    until = datetime.fromisoformat(str(told["until"]))
    _require_settled(step, until, made.settle_seconds, "the list of later writes ends", world)


def _require_fresh(step: Removal, listed_at: datetime, world: World) -> None:
    """A list of later writes says nothing of those after it, which nothing stops.

    A table that its stack has let go of is past that: what is left to do does not wait.
    """
    removals = (one for one in world.plan.steps if isinstance(one, Removal))
    begun = any(world.journal.evidence(one.id) is not None for one in removals)
    age = world.aws.tables.service_time(step.table) - listed_at
    if age > FRESH and not begun:
        minutes = int(age.total_seconds() // 60)
        message = f"what was written to {step.table} was last listed {minutes} minutes ago"
        raise CheckFailed(message, "its writers are not stopped; start a new run")


def _require_final_export(step: Removal, made: FromExport, world: World) -> None:
    """The files are proved by this process, and the export began late enough after the fence."""
    _require_whole(step, made.final_check, world)
    exported = datetime.fromisoformat(str(world.evidence(made.final_check)["export_time"]))
    _require_settled(step, exported, made.settle_seconds, "the final export is of", world)


def _require_whole(step: Removal, check: str, world: World) -> None:
    files, checked = checked_files(check, world), world.evidence(check)
    if checked["table_id"] != step.table_id:
        message = f"the export is of TableId {checked['table_id']}, not {step.table_id}"
        raise CheckFailed(message)
    if sum(file.item_count for file in files) != checked["item_count"]:
        message = f"the export has not the {checked['item_count']} items it was checked with"
        raise CheckFailed(message)


def _require_settled(
    step: Removal, moment: datetime, seconds: int, what: str, world: World
) -> None:
    if step.freeze is None:
        raise TypeError(step.id)
    waited = (moment - frozen_since(step.freeze, world)).total_seconds()
    if waited < seconds:
        message = (
            f"{what} {int(waited)} s after the freeze was first seen, expected at least {seconds} s"
        )
        raise CheckFailed(message, "start a new run")


def _require_dry_run(check: str, dry_run: str, world: World) -> None:
    facts, exported = world.evidence(dry_run), world.evidence(check)["item_count"]
    if facts["read"] != exported:
        message = f"the dry run covered {facts['read']} of {exported} exported items"
        raise CheckFailed(message)
    if facts["rejected"] > max_rejects(world.spec, facts["read"]) or facts["unresolved_keys"]:
        message = "the dry run of the export is not clean"
        raise CheckFailed(message)


def _require_valid_requests(world: World) -> None:
    """Every later request is built and validated while the old table is still there."""
    arn = target_arn(world)
    require_valid(target_requests(world.plan.steps, arn, fence_at_birth(arn, world)))
