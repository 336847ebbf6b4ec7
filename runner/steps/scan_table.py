"""Reads the source with a scan into an export, which is then checked like any other."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from retable.runner.export.destination import place_at
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.export.scan_export import ScanRequest, ScanTarget, scan_export
from retable.runner.export.write_export import ExportHead
from retable.runner.plan.export_steps import ExportFinished, ScanTable
from retable.runner.runs.journal import INTENT
from retable.runner.steps.freeze_source import require_same_table
from retable.runner.steps.world import World

NO_TABLE_ID = "none"
"""The manifest's TableId for a table whose endpoint has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The export that a scan writes, and when it began by the service's clock."""

    export_id: str
    began: datetime


def scan_table(step: ScanTable, world: World) -> ExportFinished:
    """Scan the table into an export, or resume the one that was begun.

    Raises:
        CheckFailed: the table is not the one that was planned for.
        Stopped: the table or S3 does not answer, or the disk is full.
    """
    require_same_table(world, step.table_id or "")
    scan = _begun(step, world)
    text = step.location or world.folder.portable(world.folder.scan)
    location = parse_location(world.folder.locate(text), world.spec.origin.folder)
    in_s3 = isinstance(location, S3Prefix)
    place, prefix = place_at(location, world.aws.objects if in_s3 else None, world.folder.spool)
    head = ExportHead(
        table_arn=step.table_arn,
        table_id=step.table_id or NO_TABLE_ID,
        bucket=location.bucket if isinstance(location, S3Prefix) else "none",
        prefix=prefix,
        export_id=scan.export_id,
        export_time=scan.began,
    )
    count = scan_export(
        world.aws.tables,
        ScanRequest(
            table=step.table, segments=step.segments, rate=step.rate, consistent=step.consistent
        ),
        ScanTarget(head=head, place=place, notes=world.folder.scan / f"{scan.export_id}.segments"),
        world.clock,
        world.progress,
    )
    return ExportFinished(
        export_id=scan.export_id, location=text, export_time=scan.began, item_count=count
    )


def _begun(step: ScanTable, world: World) -> Begun:
    """Return the scan that was begun, or begin one.

    Every item is at least as new as that time: a scan sees what was written before it began.
    """
    known = world.journal.noted(step, INTENT, Begun)
    if known:
        return known[-1]
    began = world.aws.tables.service_time(step.table)
    seed = f"{world.folder.run_id}/{step.id}".encode()
    tail = hashlib.blake2b(seed, digest_size=4).hexdigest()
    begun = Begun(export_id=f"{int(began.timestamp() * 1000):014d}-{tail}", began=began)
    world.journal.note(step, INTENT, begun)
    return begun
