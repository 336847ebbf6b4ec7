"""Making an export and proving it whole."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from retable.runner.aws.exports import ExportRequest, ExportState
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.location import S3Prefix, open_export, parse_location
from retable.runner.export.manifest import ALTERED, Export
from retable.runner.export.prove_export import check_export
from retable.runner.export.spool import IN_PLACE, Holder
from retable.runner.export.windows import in_order
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.plan.plan import CheckExport, EnablePitr, MakeExport, UseExport
from retable.runner.steps.world import Evidence, World

EXPORT_FAILED = "export-failed"
ENDED = (EXPORT_FAILED,)
"""The events that use an export up: it keeps its token, so a failure moves on to another one."""


def enable_pitr(step: EnablePitr, world: World) -> Evidence:
    """Turn point-in-time recovery on and wait until exports are possible; again is harmless."""
    table = str(world.evidence(step.create)["table"]) if step.create else step.table
    world.aws.tables.enable_pitr(table, clock=world.clock, progress=world.progress)
    return {"table": table}


def disable_pitr(step: EnablePitr, world: World) -> None:
    """Turn point-in-time recovery off again where the run turns back; it was off before."""
    settings = world.plan.settings
    if settings is None or step.table != settings.description.name:
        return
    description = world.aws.tables.describe(step.table)
    if description is not None and description.table_id == settings.description.table_id:
        world.aws.tables.set_pitr(step.table, enabled=settings.pitr, days=settings.pitr_days)


def make_export(step: MakeExport, world: World) -> Evidence:
    """Start the export, or find the one that was started, and wait until it is COMPLETED.

    Raises:
        Stopped: the service could not export; resuming starts another export.
    """
    arn = export_under_way(step.id, ENDED, world)
    if arn is None:
        wanted = ExportRequest(
            table_arn=step.table_arn,
            bucket=step.bucket,
            prefix=step.prefix,
            format=step.format,
            bucket_owner=step.bucket_owner,
            kms_key=step.kms_key,
            at=None if step.at is None else datetime.fromisoformat(step.at),
        )
        arn = start_export(step.id, ENDED, wanted, world)
    state = completed_export(step.id, arn, world)
    return {
        "export_id": state.id,
        "location": f"s3://{step.bucket}/{step.prefix}",
        "export_time": state.export_time.isoformat() if state.export_time else None,
        "item_count": state.item_count,
    }


def export_under_way(step_id: str, ended: Sequence[str], world: World) -> str | None:
    """Return the ARN of the export that the step has started; ``None`` if there is none to take.

    Each record of an event in ``ended`` has used one up.
    """
    started = world.journal.records(step_id, "started-export")
    if len(started) > _used_up(step_id, ended, world):
        return str(started[-1].data["arn"])
    return None


def start_export(step_id: str, ended: Sequence[str], wanted: ExportRequest, world: World) -> str:
    """Start an export for the step and return its ARN.

    The client token is journaled before the call and follows from the run, so a repeated call
    gives the same export for 8 hours (ExportTableToPointInTime's ClientToken). Once that export is
    used up, the token is another one.
    """
    token = f"{world.folder.run_id}-{step_id}-{_used_up(step_id, ended, world) + 1}"
    world.journal.record(step_id, "intent", {"client_token": token})
    arn = world.aws.exports.start(wanted, token)
    world.journal.record(step_id, "started-export", {"arn": arn})
    return arn


def completed_export(step_id: str, arn: str, world: World) -> ExportState:
    """Wait until the export is COMPLETED.

    Raises:
        Stopped: the service could not export; resuming starts another export.
    """
    state = world.aws.exports.wait(arn, clock=world.clock, progress=world.progress)
    if state.status != "COMPLETED":
        world.journal.record(step_id, EXPORT_FAILED, {"arn": arn})
        message = f"the export {arn} is {state.status}: {state.failure or 'no reason given'}"
        raise Stopped(message, "put the cause right, then resume; it exports again")
    return state


def _used_up(step_id: str, ended: Sequence[str], world: World) -> int:
    """Return how many exports of the step are of no use any more."""
    return sum(len(world.journal.records(step_id, event)) for event in ended)


def use_export(step: UseExport, world: World) -> Evidence:
    """Name the finished exports that are taken."""
    del world
    return {
        "export_id": step.export_id,
        "location": step.location,
        "incrementals": list(step.incrementals),
    }


def check_made_export(step: CheckExport, world: World) -> Evidence:
    """Prove every digest and every count of the exports, and that they are of the right table.

    Raises:
        CheckFailed: an export is not whole, or is of another table, or there is a gap.
    """
    exports, files = _prove(step, world)
    full, last = exports[0], exports[-1]
    claimed = world.evidence(step.export).get("item_count")
    if claimed is not None and claimed != full.item_count:
        message = (
            f"export {full.id}: DescribeExport says {claimed} items, "
            f"its manifest says {full.item_count}"
        )
        raise CheckFailed(message)
    return {
        "export_id": full.id,
        "table_id": full.table_id,
        "export_time": last.export_time.isoformat(),
        "item_count": sum(export.item_count for export in exports),
        "data_files": len(files),
    }


def checked_files(check_id: str, world: World) -> tuple[CheckedFile, ...]:
    """Return the data files of a ``CheckExport`` step, proved whole by this process.

    A resumed run has no memory of the proof, so it is made again.

    Raises:
        CheckFailed: the export is no longer what it was.
    """
    if check_id not in world.checked:
        step = world.plan.step(check_id)
        if not isinstance(step, CheckExport):
            raise TypeError(check_id)
        _prove(step, world)
    return world.checked[check_id]


def holder_of(check_id: str, world: World) -> Holder:
    """Return what has the data files of a ``CheckExport`` step at hand."""
    return world.spool if any(file.stored for file in checked_files(check_id, world)) else IN_PLACE


def exports_of(check_id: str, world: World) -> tuple[Export, ...]:
    """Return the manifests of the exports that the ``CheckExport`` step ``check_id`` proves.

    The full one comes first, the incremental ones follow in the order of their windows.
    """
    step = world.plan.step(check_id)
    if not isinstance(step, CheckExport):
        raise TypeError(check_id)
    return _open(step, world)


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
    world.checked[step.id] = tuple(files)
    return exports, world.checked[step.id]


def _require_distinct(files: Sequence[CheckedFile]) -> None:
    """Refuse two exports that name one data file: a file is known by its key from here on.

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
    """Read the manifests of the exports that ``step`` is about, and see that they join."""
    location, objects = _place(step, world)
    named = world.evidence(step.export)
    full = open_export(location, str(named["export_id"]), objects)
    added = [open_export(location, name, objects) for name in named.get("incrementals", ())]
    return (full, *in_order(full, added))


def _place(step: CheckExport, world: World) -> tuple[Any, Any]:
    """Return the export's location, and what reads it where that is S3."""
    text = world.folder.locate(str(world.evidence(step.export)["location"]))
    location = parse_location(text, world.spec.origin.folder)
    return location, world.aws.objects if isinstance(location, S3Prefix) else None
