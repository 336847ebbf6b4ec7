"""Reading the source by scan, into an export that is then checked like any other."""

import hashlib
from datetime import datetime

from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.export.place import place_at
from retable.runner.export.scan_export import ScanRequest, ScanTarget, scan_export
from retable.runner.export.write_export import ExportHead
from retable.runner.plan.plan import ScanTable
from retable.runner.steps.freeze import require_same_table
from retable.runner.steps.world import Evidence, World

NO_TABLE_ID = "none"
"""What the manifest says of a table whose endpoint knows no TableIds."""


def scan_table(step: ScanTable, world: World) -> Evidence:
    """Scan the table into an export, going on with the one that was begun.

    Raises:
        CheckFailed: the table is not the one that was planned for.
        Stopped: the table or S3 does not answer, or the disk is full.
    """
    require_same_table(world, step.table_id or "")
    export_id, began = _begun(step, world)
    text = step.location or world.folder.portable(world.folder.scan)
    location = parse_location(world.folder.locate(text), world.spec.origin.folder)
    in_s3 = isinstance(location, S3Prefix)
    place, prefix = place_at(location, world.aws.objects if in_s3 else None, world.folder.spool)
    head = ExportHead(
        table_arn=step.table_arn,
        table_id=step.table_id or NO_TABLE_ID,
        bucket=location.bucket if isinstance(location, S3Prefix) else "none",
        prefix=prefix,
        export_id=export_id,
        export_time=began,
    )
    count = scan_export(
        world.aws.tables,
        ScanRequest(
            table=step.table, segments=step.segments, rate=step.rate, consistent=step.consistent
        ),
        ScanTarget(head=head, place=place, notes=world.folder.scan / f"{export_id}.segments"),
        world.clock,
        world.progress,
    )
    return {
        "export_id": export_id,
        "location": text,
        "export_time": began.isoformat(),
        "item_count": count,
    }


def _begun(step: ScanTable, world: World) -> tuple[str, datetime]:
    """Return the id of the export and when it was begun, by the service's clock.

    All of it is at least as new as that: a scan sees what was written before it began.
    """
    known = world.journal.last(step.id, "intent")
    if known is not None:
        return str(known["export_id"]), datetime.fromisoformat(str(known["began"]))
    began = world.aws.tables.service_time(step.table)
    seed = f"{world.folder.run_id}/{step.id}".encode()
    tail = hashlib.blake2b(seed, digest_size=4).hexdigest()
    export_id = f"{int(began.timestamp() * 1000):014d}-{tail}"
    world.journal.record(step.id, "intent", {"export_id": export_id, "began": began.isoformat()})
    return export_id, began
