"""Making an export outside of a run. ``cli.export`` reads the flags."""

import tempfile
from datetime import UTC
from pathlib import Path

from retable.runner.aws.session import Aws
from retable.runner.clock import SystemClock
from retable.runner.export.destination import place_at
from retable.runner.export.location import Location, S3Prefix, parse_location
from retable.runner.export.scan_export import ScanRequest, ScanTarget, scan_export
from retable.runner.export.write_export import ExportHead
from retable.runner.failure import Refused, Stopped
from retable.runner.planning.observe import export_format, require_ready
from retable.runner.progress import Progress
from retable.runner.steps.scan_table import NO_TABLE_ID
from retable.runner.table.export_request import ExportRequest
from retable.runner.table.settings import TableDescription
from retable.schema.spec import Spec


def export_source(spec: Spec, aws: Aws, token: str, progress: Progress) -> str:
    """Export the source table, wait until the export is finished and return its id.

    ``token`` is 16 random hex digits.

    Raises:
        Refused: the spec names no location that can be written, or the table does not exist.
        Stopped: the table could not be exported.
    """
    requested = spec.source.export
    if requested.kind == "files" or requested.location is None:
        message = f"kind: {requested.kind} without a location is exported only within a run"
        raise Refused(message, "give source.export.kind native or scan, and a location")
    location = parse_location(requested.location, spec.origin.folder)
    table = require_ready(aws.tables.describe(spec.source.table_name), spec.source.table_name)
    progress.start("export", f"export {table.name} to {requested.location}")
    if requested.kind == "scan":
        export_id = _scan(spec, aws, table, location=location, token=token, progress=progress)
    else:
        export_id = _native(spec, aws, table, location=location, token=token, progress=progress)
    progress.finish("done")
    return export_id


def _native(  # noqa: PLR0913 -- what to export, where to, and how
    spec: Spec,
    aws: Aws,
    table: TableDescription,
    *,
    location: Location,
    token: str,
    progress: Progress,
) -> str:
    """Let DynamoDB export the table."""
    requested = spec.source.export
    if not isinstance(location, S3Prefix):
        message = f"DynamoDB exports only to S3, not to {requested.location}"
        raise Refused(message, "give source.export.location as s3://bucket/prefix")
    request = ExportRequest(
        table_arn=table.arn,
        bucket=location.bucket,
        prefix=location.prefix,
        format=export_format(requested),
        bucket_owner=requested.bucket_owner,
        kms_key=requested.kms_key,
    )
    arn = aws.exports.start(request, f"retable-export-{token}")
    state = aws.exports.wait(arn, clock=SystemClock(), progress=progress)
    if state.status != "COMPLETED":
        message = f"the export {arn} is {state.status}: {state.failure or 'no reason given'}"
        raise Stopped(message)
    return state.id


def _scan(  # noqa: PLR0913 -- what to export, where to, and how
    spec: Spec,
    aws: Aws,
    table: TableDescription,
    *,
    location: Location,
    token: str,
    progress: Progress,
) -> str:
    """Scan the table into an export. One that was stopped is not resumed: nothing records it."""
    requested = spec.source.export
    began = aws.tables.service_time(table.name).astimezone(UTC)
    with tempfile.TemporaryDirectory(prefix="retable-scan-") as folder:
        uploads = aws.objects if isinstance(location, S3Prefix) else None
        place, prefix = place_at(location, uploads, Path(folder, "spool"))
        head = ExportHead(
            table_arn=table.arn,
            table_id=table.table_id or NO_TABLE_ID,
            bucket=location.bucket if isinstance(location, S3Prefix) else "none",
            prefix=prefix,
            export_id=f"{int(began.timestamp() * 1000):014d}-{token[:8]}",
            export_time=began,
        )
        request = ScanRequest(
            table=table.name,
            segments=requested.segments,
            rate=requested.rate,
            consistent=requested.consistent,
        )
        target = ScanTarget(head=head, place=place, notes=Path(folder, "segments"))
        scan_export(aws.tables, request, target, SystemClock(), progress)
    return head.export_id
