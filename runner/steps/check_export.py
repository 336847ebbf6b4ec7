"""Checks that exports are whole and of the right table; every later step gets files from here."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.location import S3Prefix, open_export, parse_location
from retable.runner.export.manifest import ALTERED, Export
from retable.runner.export.prove_export import check_export
from retable.runner.export.spool import IN_PLACE, Holder
from retable.runner.export.windows import in_order
from retable.runner.failure import CheckFailed
from retable.runner.plan.export_steps import CheckExport, ExportProved
from retable.runner.plan.step import Link, link
from retable.runner.steps.world import World


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
