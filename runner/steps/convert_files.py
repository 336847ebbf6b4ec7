"""Converts foreign files into an export, which is then checked like any other."""

import hashlib
import shutil
from datetime import UTC

from retable.runner.export.destination import FolderPlace
from retable.runner.export.foreign.convert import Source, convert_files
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.export.write_export import ExportHead
from retable.runner.plan.export_steps import ConvertFiles, ExportFinished
from retable.runner.steps.scan_table import NO_TABLE_ID
from retable.runner.steps.world import World


def convert(step: ConvertFiles, world: World) -> ExportFinished:
    """Read all the files into an export in the run folder; a repeated step starts again.

    Raises:
        Refused: there are no files.
        CheckFailed: a file is not as expected, or something doubtful is not accepted.
        Stopped: S3 does not answer, or the disk is full.
    """
    location = parse_location(step.location, world.spec.origin.folder)
    shutil.rmtree(world.folder.converted, ignore_errors=True)
    root = world.folder.converted.resolve()
    now = world.clock.now().astimezone(UTC)
    tail = hashlib.blake2b(world.folder.run_id.encode(), digest_size=4).hexdigest()
    head = ExportHead(
        table_arn=f"arn:aws:dynamodb:none:000000000000:table/{world.plan.source}",
        table_id=NO_TABLE_ID,
        bucket="none",
        prefix=None,
        export_id=f"{int(now.timestamp() * 1000):014d}-{tail}",
        export_time=now,
    )
    source = Source(
        declared=world.spec.source.export,
        location=location,
        objects=world.aws.objects if isinstance(location, S3Prefix) else None,
        spool=world.folder.spool,
    )
    count = convert_files(source, head, FolderPlace(root), world.progress)
    return ExportFinished(
        export_id=head.export_id,
        location=world.folder.portable(world.folder.converted),
        export_time=now,
        item_count=count,
    )
