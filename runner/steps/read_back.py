"""Reads the rebuilt table back into the actual ledger: with a scan, or by an export of it.

``verify`` compares it with what it must hold.
"""

import shutil
from collections.abc import Sequence

from retable.runner.aws.exports import ExportState
from retable.runner.engine.local import map_files
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.location import S3Prefix, open_export
from retable.runner.export.manifest import Export
from retable.runner.export.prove_export import check_export
from retable.runner.failure import CheckFailed
from retable.runner.ledger.independent import agree, count_export
from retable.runner.ledger.questions import Ledger
from retable.runner.plan.bounds import checksum_attributes
from retable.runner.plan.finish_steps import TargetExport, VerifyTable
from retable.runner.report.model import Check
from retable.runner.steps.make_export import (
    EXPORT_FAILED,
    completed_export,
    export_under_way,
    start_export,
)
from retable.runner.steps.world import World
from retable.runner.table.settings import TableDescription
from retable.runner.verify.scan_back import read_table
from retable.runner.verify.write_items import write_items
from retable.transforms.describe import Described
from retable.transforms.project import Projected

SEGMENTS = 8
"""Scan segments read in parallel."""
ENDED = (EXPORT_FAILED, "failed")
"""The events that use an export up. A failed verification is followed by another export: the
table may have been corrected. One that passed is repeated over its own, since the fence still held
when it was made."""
NOTE_SECONDS = 15.0


def read_back(step: VerifyTable, world: World) -> tuple[Check, ...]:
    """Read the table into a fresh actual ledger and return the checks of the reading itself.

    Raises:
        CheckFailed: the table holds something that is not an item, or its export is incomplete.
        Stopped: it cannot be read.
    """
    actual = world.folder.actual
    shutil.rmtree(actual, ignore_errors=True)
    actual.mkdir(parents=True)
    if step.export is not None:
        return (_read_export(step, step.export, world),)
    read_table(
        world.aws.tables,
        step.table,
        world.plan.key,
        actual,
        segments=SEGMENTS,
        items=actual / "items" if world.spec.verify.queries else None,
        progress=world.progress,
        attributes=checksum_attributes(world.spec),
    )
    return ()


def _read_export(step: VerifyTable, target: TargetExport, world: World) -> Check:
    """Export the table, check the export and describe every item in it."""
    table = world.aws.tables.describe(step.table)
    if table is None:
        message = f"the table {step.table} is deleted"
        raise CheckFailed(message, "someone else deleted it")
    location = S3Prefix(target.bucket, target.prefix)
    state = _exported(step, target, table, world)
    export = open_export(location, state.id, world.aws.objects)
    _require_of(export, state, table)
    files = check_export(export, location, world.spool, world.progress)
    _describe(files, export, world)
    return Check(
        name=f"items in export {export.id} of {step.table}",
        outcome="passed",
        expected=export.item_count,
        actual=Ledger(world.folder.actual).counts().results,
        message=f"as of {export.export_time.isoformat()}",
    )


def _exported(
    step: VerifyTable, target: TargetExport, table: TableDescription, world: World
) -> ExportState:
    """Return the finished export of the table, made now unless one is under way."""
    arn = export_under_way(step, ENDED, world)
    if arn is None:
        _settle(target.settle_seconds, world)
        arn = start_export(step, ENDED, target.of(table.arn), world)
    return completed_export(step, arn, world)


def _settle(seconds: int, world: World) -> None:
    """Wait until any export requested now includes the last write."""
    left = float(seconds)
    while left > 0:
        world.progress.note(f"settling: {seconds - int(left)} of {seconds} s before the export")
        world.clock.sleep(min(NOTE_SECONDS, left))
        left -= NOTE_SECONDS


def _require_of(export: Export, state: ExportState, table: TableDescription) -> None:
    """Compare the export with the table it must be of, and with what the service says about it.

    Raises:
        CheckFailed: it is of another table, or the counts disagree.
    """
    if (export.table_id, export.table_arn) != (table.table_id, table.arn):
        message = (
            f"export {export.id} is of {export.table_arn} with TableId {export.table_id}; "
            f"{table.arn} has TableId {table.table_id}"
        )
        raise CheckFailed(message, "someone else replaced the table")
    if state.item_count is not None and state.item_count != export.item_count:
        message = (
            f"export {export.id}: DescribeExport says {state.item_count} items, "
            f"its manifest says {export.item_count}"
        )
        raise CheckFailed(message)


def _describe(files: Sequence[CheckedFile], export: Export, world: World) -> None:
    """Describe every exported item into the actual ledger, as a scan does, and count twice.

    Raises:
        CheckFailed: a line is not an item of the table, or the counters disagree.
    """
    actual, attributes = world.folder.actual, checksum_attributes(world.spec)
    described = Described(world.plan.key)
    tally = map_files(
        described if attributes is None else Projected(described, attributes),
        files,
        actual,
        world.folder.quarantine / actual.name,
        processes=world.processes,
        progress=world.progress,
        holder=world.spool,
    )
    if tally.rejected:
        message = f"export {export.id} has {tally.rejected:,} lines that are not items of the table"
        raise CheckFailed(message, "the table's key is not the spec's, or the export is damaged")
    agree(count_export(files, holder=world.spool), Ledger(actual), export)
    if world.spec.verify.queries:
        write_items(files, world.plan.key, actual / "items", world.spool)
