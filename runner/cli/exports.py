"""Making an export outside of a run. ``cli.export`` reads the flags."""

from retable.runner.aws.exports import ExportRequest
from retable.runner.aws.session import Aws
from retable.runner.clock import SystemClock
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.failure import Refused, Stopped
from retable.runner.observe import export_format, require_ready
from retable.runner.progress import Progress
from retable.schema.spec import Spec


def export_source(spec: Spec, aws: Aws, token: str, progress: Progress) -> str:
    """Export the source table, wait until the export is COMPLETED and return its id.

    Raises:
        Refused: the spec's location is no S3 location, or the table is not there.
        Stopped: the service could not export.
    """
    location = parse_location(spec.source.export.location or "", spec.origin.folder)
    if not isinstance(location, S3Prefix):
        message = f"an export can only be made into S3, not to {spec.source.export.location}"
        raise Refused(message, "give source.export.location as s3://bucket/prefix")
    table = require_ready(aws.tables.describe(spec.source.table_name), spec.source.table_name)
    progress.start("export", f"export {table.name} to {spec.source.export.location}")
    wanted = ExportRequest(
        table_arn=table.arn,
        bucket=location.bucket,
        prefix=location.prefix,
        format=export_format(spec.source.export),
        bucket_owner=spec.source.export.bucket_owner,
        kms_key=spec.source.export.kms_key,
    )
    arn = aws.exports.start(wanted, token)
    state = aws.exports.wait(arn, clock=SystemClock(), progress=progress)
    if state.status != "COMPLETED":
        message = f"the export {arn} is {state.status}: {state.failure or 'no reason given'}"
        raise Stopped(message)
    progress.finish("done")
    return state.id
