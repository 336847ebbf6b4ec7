"""Observes AWS before a plan is made: tables, settings, exports. Reads only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retable.runner.aws.session import Aws
from retable.runner.aws.state_address import Address
from retable.runner.cdk.survey import SurveyedStack, survey
from retable.runner.clock import Clock
from retable.runner.export.location import (
    S3Prefix,
    finished_exports,
    open_export,
    open_summary,
    parse_location,
)
from retable.runner.export.manifest import Export
from retable.runner.export.windows import following, in_order
from retable.runner.failure import Refused, Stopped
from retable.runner.table.export_request import Format
from retable.runner.table.settings import TableDescription, TableSettings
from retable.schema.spec import Export as ExportSpec
from retable.schema.spec import Spec

READY = "ACTIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was found in AWS, as far as a plan depends on it."""

    account: str | None
    region: str | None
    sandbox: bool
    source: TableSettings | None
    fenced: bool = False
    """Whether a run has stopped writes to the source, and they have not been allowed again."""
    target: TableDescription | None
    """The table that has the target's name now; for a replace, the source itself."""
    target_pitr: bool = False
    """Whether that table has point-in-time recovery, as far as the plan needs to know."""
    target_channels: tuple[str, ...] = ()
    """The streams by which that table publishes each write, as far as the plan needs to know."""
    recoverable: tuple[datetime, datetime] | None = None
    """The window of the source's point-in-time recovery, as far as the plan needs it."""
    export: Export | None
    """The available finished export: the one the spec names, else the newest of this table."""
    incrementals: tuple[Export, ...] = ()
    """Incremental exports on top of it, in the order of their windows; without their files."""
    stack: SurveyedStack | None = None
    """The stack that creates the table; ``None`` where it is created by API."""


def observe(
    spec: Spec, aws: Aws, clock: Clock, assemblies: Path, state: Address | None = None
) -> Observed:
    """Observe everything ``spec`` names; an app that it names is synthesized into ``assemblies``.

    ``state`` is where the run will be kept, if anywhere.

    Raises:
        Stopped: the endpoint, the credentials or the bucket do not answer.
        Refused: the spec names something that does not exist.
    """
    source = aws.tables.settings(spec.source.table_name)
    same = spec.source.table_name == spec.target.table
    if same:
        target = source.description if source else None
    else:
        target = aws.tables.describe(spec.target.table)
    needs = spec.verify.read == "export" or spec.target.nonempty == "accept"
    present = source
    if not same:
        present = aws.tables.settings(target.name) if target is not None and needs else None
    export = available_export(spec, lambda: aws, clock, source)
    return Observed(
        account=aws.identity().account,
        region=aws.region,
        sandbox=aws.is_sandbox(),
        source=source,
        fenced=source is not None and aws.tables.is_fenced(source.description),
        target=target,
        target_pitr=target is not None and present is not None and present.pitr,
        target_channels=() if same or present is None or target is None else _channels(present),
        recoverable=_recoverable(spec, aws, source),
        export=export,
        incrementals=available_incrementals(spec, lambda: aws, export),
        stack=survey(spec, aws, source, assemblies, clock, state),
    )


def _channels(table: TableSettings) -> tuple[str, ...]:
    """Return the streams by which a table publishes each write."""
    channels = ("a stream", table.description.stream), ("a Kinesis stream", table.attached.kinesis)
    return tuple(name for name, on in channels if on)


def _recoverable(
    spec: Spec, aws: Aws, source: TableSettings | None
) -> tuple[datetime, datetime] | None:
    """Return the window of the source's point-in-time recovery, where the plan depends on it."""
    if source is None or spec.rebuild.strategy != "recover":
        return None
    return aws.tables.recoverable(source.description.name)


def available_export(
    spec: Spec, connect: Callable[[], Aws], clock: Clock, source: TableSettings | None
) -> Export | None:
    """Return the finished export that ``spec`` names, or the newest finished one of its table.

    ``connect`` is called only for a location in S3. Exports of another physical table than
    ``source`` and those older than ``max_age`` are skipped, unless one is named by id.

    Raises:
        Refused: the location or the export named by id does not exist.
        CheckFailed: its manifests are damaged.
    """
    requested = spec.source.export
    if requested.location is None or requested.kind == "files":
        return None
    location = parse_location(requested.location, spec.origin.folder)
    objects = connect().objects if isinstance(location, S3Prefix) else None
    if requested.id:
        return _require_as_requested(open_export(location, requested.id, objects), requested)
    for export_id in finished_exports(location, objects):
        export = open_summary(location, export_id, objects)
        if _fits(export, spec, source) and _is_fresh(
            export, requested.max_age_seconds, clock.now()
        ):
            return open_export(location, export_id, objects)
    return None


def available_incrementals(
    spec: Spec, connect: Callable[[], Aws], full: Export | None
) -> tuple[Export, ...]:
    """Return the incremental exports that ``spec`` puts on top of ``full``, without their files.

    ``connect`` is called only for a location in S3.

    Raises:
        Refused: one that is named does not exist, or is not on top of ``full``; or there is no
            full export available.
        CheckFailed: there is a gap between two of them, or a manifest is damaged.
    """
    requested = spec.source.export
    if not requested.incrementals:
        return ()
    full = require_export(full, spec)
    location = parse_location(requested.location or "", spec.origin.folder)
    objects = connect().objects if isinstance(location, S3Prefix) else None
    everything = requested.incrementals == "all"
    named = finished_exports(location, objects) if everything else requested.incrementals
    found = [open_summary(location, export_id, objects) for export_id in named]
    return following(full, found) if everything else in_order(full, found)


def export_format(requested: ExportSpec) -> Format:
    """Return the manifest's name for the format that the spec requests."""
    return "ION" if requested.format == "ion" else "DYNAMODB_JSON"


def require_export(export: Export | None, spec: Spec) -> Export:
    """Return ``export``, or say how to make one.

    Raises:
        Refused: there is none.
    """
    if export is None:
        message = f"no finished export of {spec.source.table_name} is available"
        raise Refused(message, f"migrate export {spec.origin.file} makes one")
    return export


def require_ready(description: TableDescription | None, table: str) -> TableDescription:
    """Return ``description``, of a table that is ready to be worked on.

    Raises:
        Refused: there is no such table.
        Stopped: it is not ACTIVE.
    """
    if description is None:
        message = f"the table {table} does not exist"
        raise Refused(message, "check source.table, source.region and the credentials' account")
    if description.status != READY:
        message = f"the table {table} is {description.status}, expected {READY}"
        raise Stopped(message, "wait until it is ACTIVE, then run again; nothing was changed")
    return description


def _require_as_requested(export: Export, requested: ExportSpec) -> Export:
    """Refuse an export named by id that is not what the spec says it is.

    Raises:
        Refused: it is incremental, or in another format.
    """
    if export.window is not None:
        message = f"export {export.id} is incremental; source.export.id names a full export"
        raise Refused(message, "source.export.incrementals names those that go on top of it")
    if export.output_format != export_format(requested):
        message = (
            f"export {export.id} is in {export.output_format}; the spec says {requested.format}"
        )
        raise Refused(message, "set source.export.format to ion or dynamodb-json")
    return export


def _fits(export: Export, spec: Spec, source: TableSettings | None) -> bool:
    """Return whether ``export`` is a full one of the spec's table, and of the table as it is now.

    One in another format than the spec's does not fit.
    """
    if export.window is not None or export.output_format != export_format(spec.source.export):
        return False
    if export.table_arn.rpartition("/")[2] != spec.source.table_name:
        return False
    table_id = source.description.table_id if source else None
    return table_id is None or export.table_id == table_id


def _is_fresh(export: Export, max_age_seconds: int | None, now: datetime) -> bool:
    """Return whether ``export`` is recent enough for ``source.export.max_age``."""
    if max_age_seconds is None:
        return True
    return now.astimezone(UTC) - export.export_time <= timedelta(seconds=max_age_seconds)
