"""Makes an export and checks that it is complete."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from retable.runner.aws.exports import ExportState
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.location import S3Prefix, open_export, parse_location
from retable.runner.export.manifest import ALTERED, Export
from retable.runner.export.prove_export import check_export
from retable.runner.export.spool import IN_PLACE, Holder
from retable.runner.export.windows import in_order
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.plan.export_steps import (
    CheckExport,
    EnablePitr,
    ExportFinished,
    ExportProved,
    MakeExport,
    PitrEnabled,
    UseExport,
)
from retable.runner.plan.step import Link, StepOf, link
from retable.runner.plan.target_steps import EnableTargetPitr
from retable.runner.runs.journal import REQUESTED
from retable.runner.steps.world import World
from retable.runner.table.export_request import ExportRequest

STARTED, EXPORT_FAILED = "started-export", "export-failed"
ENDED = (EXPORT_FAILED,)
"""The events after which an export is not used again: a failed one is followed by another token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The client token of a request, which is journaled before it is sent."""

    client_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStarted:
    """An export that the service has accepted, or one that failed."""

    arn: str


def enable_pitr(step: EnablePitr, world: World) -> PitrEnabled:
    """Turn point-in-time recovery on and wait until exports are possible; idempotent."""
    return _enable_pitr(step.table, world)


def enable_target_pitr(step: EnableTargetPitr, world: World) -> PitrEnabled:
    """Turn it on for the new table, whatever CloudFormation named it; idempotent."""
    return _enable_pitr(world.evidence(step.create).table, world)


def _enable_pitr(table: str, world: World) -> PitrEnabled:
    world.aws.tables.enable_pitr(table, clock=world.clock, progress=world.progress)
    return PitrEnabled(table=table)


def disable_pitr(step: EnablePitr, world: World) -> None:
    """Turn point-in-time recovery off again where the run rolls back; it was off before."""
    settings = world.plan.settings
    if settings is None:
        return
    description = world.aws.tables.describe(step.table)
    if description is not None and description.table_id == settings.description.table_id:
        world.aws.tables.set_pitr(step.table, enabled=settings.pitr, days=settings.pitr_days)


def make_export(step: MakeExport, world: World) -> ExportFinished:
    """Start the export, or find the one that was started, and wait until it is COMPLETED.

    Raises:
        Stopped: the service could not export; resuming starts another export.
    """
    arn = export_under_way(step, ENDED, world)
    if arn is None:
        request = ExportRequest(
            table_arn=step.table_arn,
            bucket=step.bucket,
            prefix=step.prefix,
            format=step.format,
            bucket_owner=step.bucket_owner,
            kms_key=step.kms_key,
            at=None if step.at is None else datetime.fromisoformat(step.at),
        )
        arn = start_export(step, ENDED, request, world)
    state = completed_export(step, arn, world)
    return ExportFinished(
        export_id=state.id,
        location=f"s3://{step.bucket}/{step.prefix}",
        export_time=state.export_time,
        item_count=state.item_count,
    )


def export_under_way(step: StepOf[Any], ended: Sequence[str], world: World) -> str | None:
    """Return the ARN of the export that the step has started; ``None`` if there is none to use.

    Each record of an event in ``ended`` has used one up.
    """
    started = world.journal.noted(step, STARTED, ExportStarted)
    return started[-1].arn if len(started) > _used_up(step, ended, world) else None


def start_export(
    step: StepOf[Any], ended: Sequence[str], request: ExportRequest, world: World
) -> str:
    """Start an export for the step and return its ARN.

    The client token is journaled before the call and follows from the run, so a repeated call
    gives the same export for 8 hours (ExportTableToPointInTime's ClientToken). Once that export is
    used up, the token is another one.
    """
    token = f"{world.folder.run_id}-{step.id}-{_used_up(step, ended, world) + 1}"
    world.journal.note(step, REQUESTED, Token(client_token=token))
    arn = world.aws.exports.start(request, token)
    world.journal.note(step, STARTED, ExportStarted(arn=arn))
    return arn


def completed_export(step: StepOf[Any], arn: str, world: World) -> ExportState:
    """Wait until the export is COMPLETED.

    Raises:
        Stopped: the service could not export; resuming starts another export.
    """
    state = world.aws.exports.wait(arn, clock=world.clock, progress=world.progress)
    if state.status != "COMPLETED":
        world.journal.note(step, EXPORT_FAILED, ExportStarted(arn=arn))
        message = f"the export {arn} is {state.status}: {state.failure or 'no reason given'}"
        raise Stopped(message, "fix the cause, then resume; it exports again")
    return state


def _used_up(step: StepOf[Any], ended: Sequence[str], world: World) -> int:
    """Return how many exports of the step are used up."""
    return sum(len(world.journal.records(step.id, event)) for event in ended)


def use_export(step: UseExport, world: World) -> ExportFinished:
    """Name the finished exports that are used."""
    del world
    return ExportFinished(
        export_id=step.export_id, location=step.location, incrementals=step.incrementals
    )


def check_made_export(step: CheckExport, world: World) -> ExportProved:
    """Check every digest and every count of the exports, and that they are of the right table.

    Raises:
        CheckFailed: an export is incomplete, or is of another table, or there is a gap.
    """
    exports, files = _prove(step, world)
    full, last = exports[0], exports[-1]
    claimed = world.evidence(step.export).item_count
    if claimed is not None and claimed != full.item_count:
        message = (
            f"export {full.id}: DescribeExport says {claimed} items, "
            f"its manifest says {full.item_count}"
        )
        raise CheckFailed(message)
    return ExportProved(
        export_id=full.id,
        table_id=full.table_id,
        export_time=last.export_time,
        item_count=sum(export.item_count for export in exports),
        data_files=len(files),
    )


def checked_files(check: Link[CheckExport], world: World) -> tuple[CheckedFile, ...]:
    """Return the data files of a ``CheckExport`` step, checked by this process.

    A resumed run does not trust an earlier process's check, so it is repeated.

    Raises:
        CheckFailed: the export is no longer what it was.
    """
    if check not in world.checked:
        _prove(world.plan.at(check), world)
    return world.checked[check]


def holder_of(check: Link[CheckExport], world: World) -> Holder:
    """Return what holds the data files of a ``CheckExport`` step on this machine."""
    return world.spool if any(file.stored for file in checked_files(check, world)) else IN_PLACE


def exports_of(check: Link[CheckExport], world: World) -> tuple[Export, ...]:
    """Return the manifests of the exports that a ``CheckExport`` step checks.

    The full one comes first, the incremental ones follow in the order of their windows.
    """
    return _open(world.plan.at(check), world)


def _prove(step: CheckExport, world: World) -> tuple[tuple[Export, ...], tuple[CheckedFile, ...]]:
    """Open the exports, compare what they are of, check their files and remember them."""
    exports = _open(step, world)
    full = exports[0]
    if step.table_id is not None and full.table_id != step.table_id:
        message = (
            f"export {full.id} is of the table with TableId {full.table_id}; "
            f"{world.plan.source} has TableId {step.table_id}"
        )
        raise CheckFailed(message, "name an export of the table as it is now")
    name = full.table_arn.rpartition("/")[2]
    if name != world.plan.source:
        message = f"export {full.id} is of the table {name}, expected {world.plan.source}"
        raise CheckFailed(message, "check source.export.location and id")
    location, _ = _place(step, world)
    spool = world.spool if isinstance(location, S3Prefix) else None
    files: list[CheckedFile] = []
    for place, export in enumerate(exports):
        checked = check_export(export, location, spool, world.progress)
        files += [replace(file, place=place) for file in checked]
    _require_distinct(files)
    world.checked[link(step)] = tuple(files)
    return exports, tuple(files)


def _require_distinct(files: Sequence[CheckedFile]) -> None:
    """Refuse two exports that name one data file: files are identified by key from here on.

    Raises:
        CheckFailed: naming the file.
    """
    seen: set[str] = set()
    for file in files:
        if file.key in seen:
            message = f"two of the exports name the data file {file.key}"
            raise CheckFailed(message, ALTERED)
        seen.add(file.key)


def _open(step: CheckExport, world: World) -> tuple[Export, ...]:
    """Read the manifests of the exports of ``step``, and require that their windows join."""
    location, objects = _place(step, world)
    named = world.evidence(step.export)
    full = open_export(location, named.export_id, objects)
    added = [open_export(location, name, objects) for name in named.incrementals]
    return (full, *in_order(full, added))


def _place(step: CheckExport, world: World) -> tuple[Any, Any]:
    """Return the export's location, and what reads it where that is S3."""
    text = world.folder.locate(world.evidence(step.export).location)
    location = parse_location(text, world.spec.origin.folder)
    return location, world.aws.objects if isinstance(location, S3Prefix) else None
