"""Lists the items that were written to the source after the export that is loaded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.later_writes import Ttl, list_later_writes
from retable.runner.export.location import open_export, parse_location
from retable.runner.export.prove_export import check_export
from retable.runner.failure import CheckFailed
from retable.runner.plan.source_steps import ChangesListed, ListChanges
from retable.runner.runs.journal import REQUESTED
from retable.runner.steps.make_export import EXPORT_FAILED, ExportStarted, Token, completed_export
from retable.runner.steps.world import World
from retable.runner.table.export_request import ExportRequest

LONGEST = timedelta(hours=24)
"""What an incremental export covers at most; ExportTableToPointInTime in the guide."""
UNTIL, STARTED = "until", "started-window"
"""The events that journal up to when changes are listed, and each export of them."""

Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Up to when changes are listed."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowStarted:
    """An export of one window, which is identified by its position."""

    arn: str
    place: int


def list_changes(step: ListChanges, world: World) -> ChangesListed:
    """Export what changed since, window by window, and list the items.

    Where the time since is shorter than an export's shortest window, wait until it is not.

    Raises:
        CheckFailed: there are changes, and the spec does not accept that they are lost.
        Stopped: an export fails; resuming makes it again.
    """
    since = world.evidence(step.since).export_time
    until = _until(step, since, world)
    least = timedelta(seconds=step.least_seconds)
    files = _files(step, list(windows(since, until, least)), world)
    ttl = Ttl(attribute=step.ttl, now=int(until.timestamp())) if step.ttl else None
    later = list_later_writes(files, world.folder.changes, world.progress, world.spool, ttl=ttl)
    found = ChangesListed(
        since=since,
        until=until,
        changes=later.written + later.deleted,
        written=later.written,
        deleted=later.deleted,
        expired=later.expired,
        listed_at=world.aws.tables.service_time(world.plan.source),
    )
    if step.must and found.changes and not step.accepted:
        message = (
            f"{found.changes:,} items of {world.plan.source} were written after "
            f"{since.isoformat()} and would be lost: {later.written:,} put, "
            f"{later.deleted:,} deleted; their keys are in {world.folder.changes}"
        )
        raise CheckFailed(message, "accept: [later-writes] under rebuild accepts their loss")
    return found


def _until(step: ListChanges, since: datetime, world: World) -> datetime:
    """Return up to when changes are listed: the service's time when the step first began."""
    noted = world.journal.noted(step, UNTIL, Until)
    if noted:
        return noted[-1].at
    table = world.plan.source
    until = world.aws.tables.service_time(table)
    while (until - since).total_seconds() < step.least_seconds:
        left = step.least_seconds - (until - since).total_seconds()
        world.progress.note(f"waiting {int(left)} s: an incremental export covers no less")
        world.clock.sleep(min(15.0, max(left, 1.0)))
        until = world.aws.tables.service_time(table)
    world.journal.note(step, UNTIL, Until(at=until))
    return until


def windows(since: datetime, until: datetime, least: timedelta) -> Iterator[Window]:
    """Yield windows that cover all of the time, none shorter than ``least``."""
    start = since
    while start < until:
        end = min(start + LONGEST, until)
        if timedelta(0) < until - end < least:
            end = until - least
        yield start, end
        start = end


def _files(step: ListChanges, windows: Sequence[Window], world: World) -> tuple[CheckedFile, ...]:
    """Make an export of each window and return the checked files of all."""
    location = parse_location(f"s3://{step.bucket}/{step.prefix}", world.spec.origin.folder)
    found: list[CheckedFile] = []
    for place, window in enumerate(windows):
        arn = _started(step, place, world) or _start(step, place, window, world)
        state = completed_export(step, arn, world)
        export = open_export(location, state.id, world.aws.objects)
        if export.window is None or export.table_id != step.table_id:
            message = f"export {export.id} is not an export of the changes of {world.plan.source}"
            raise CheckFailed(message, "someone else altered it; start a new run")
        checked = check_export(export, location, world.spool, world.progress)
        found += [replace(file, place=place) for file in checked]
    return tuple(found)


def _started(step: ListChanges, place: int, world: World) -> str | None:
    """Return the export of that window that this run has started, unless it has failed."""
    failed = {one.arn for one in world.journal.noted(step, EXPORT_FAILED, ExportStarted)}
    own = [arn for arn in _starts(step, place, world) if arn not in failed]
    return own[-1] if own else None


def _start(step: ListChanges, place: int, window: Window, world: World) -> str:
    """Start the export of a window; its token follows from the run and is journaled first."""
    attempt = len(_starts(step, place, world)) + 1
    token = f"{world.folder.run_id}-{step.id}-{place}-{attempt}"
    world.journal.note(step, REQUESTED, Token(client_token=token))
    request = ExportRequest(
        table_arn=step.table_arn,
        bucket=step.bucket,
        prefix=step.prefix,
        format="DYNAMODB_JSON",
        bucket_owner=step.bucket_owner,
        kms_key=step.kms_key,
        window=window,
        old_images=step.ttl is not None,
    )
    arn = world.aws.exports.start(request, token)
    world.journal.note(step, STARTED, WindowStarted(arn=arn, place=place))
    return arn


def _starts(step: ListChanges, place: int, world: World) -> list[str]:
    """Return the exports of that window that this run has started."""
    noted = world.journal.noted(step, STARTED, WindowStarted)
    return [one.arn for one in noted if one.place == place]
