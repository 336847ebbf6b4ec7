"""Loads from S3 by the service itself: staging, ImportTable, StartBulkPutItems, the account."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from retable.runner.aws.bulk import Outcome
from retable.runner.export.destination import BucketPlace
from retable.runner.export.lines import split_lines
from retable.runner.export.stored_file import open_stored, plain_chunks, stored_chunks
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.ledger.questions import Ledger
from retable.runner.load.batches import entries_of, in_turns, mapped_lines
from retable.runner.load.progress_account import FileState
from retable.runner.load.quarantine import Place, Quarantine
from retable.runner.load.stage import MOST_OBJECTS, stage_items
from retable.runner.plan.finish_steps import ClearStage, StageCleared
from retable.runner.plan.step import Link, StepOf
from retable.runner.plan.target_steps import (
    STAGING_FOLDER,
    AccountForImport,
    BulkPutItems,
    ImportTable,
    ItemsLoaded,
    ItemsStaged,
    StageItems,
    TableImported,
)
from retable.runner.runs.journal import REQUESTED
from retable.runner.steps.create import (
    await_fence,
    require_absent,
    require_created_table,
    require_planned_key,
)
from retable.runner.steps.load_items import load_quarantine
from retable.runner.steps.make_export import Token, holder_of
from retable.runner.steps.merge_exports import merged_files
from retable.runner.steps.wait import patiently
from retable.runner.steps.world import World
from retable.runner.table.load_requests import Staged
from retable.transforms.canonical import canonical_key

STARTED, FAILED = "started", "attempt-failed"
CODE = "ItemValidationError"
LOG_DEADLINE_SECONDS = 900.0
"""How late an import's log may be; AWS names no bound."""


def stage(step: StageItems, world: World) -> ItemsStaged:
    """Write every item to load under the declared prefix; a repeated step replaces the objects.

    Raises:
        Stopped: S3 does not answer, or the disk is full.
    """
    mapped = world.plan.at(step.dry_run)
    states = [FileState(file) for file in merged_files(mapped.check, world)]
    ledger = Ledger(world.folder.expected(mapped.role))
    lines = in_turns(states, ledger.losers, holder_of(mapped.check, world))
    place = BucketPlace(
        uploads=world.aws.objects_of(step.bucket_owner, step.kms_key),
        bucket=step.bucket,
        spool=world.folder.spool,
    )
    prefix = "/".join(part for part in (step.prefix, STAGING_FOLDER, world.folder.run_id) if part)
    items = entries_of(mapped_lines(world.mapping, lines))
    staged = stage_items(items, place, f"{prefix}/items/", world.progress)
    figures = world.evidence(step.dry_run)
    if staged.items + figures.superseded != figures.results:
        message = (
            f"{staged.items:,} items were staged; the dry run has {figures.results:,}, of which "
            f"{figures.superseded:,} lost a collision"
        )
        raise CheckFailed(message)
    if staged.objects > MOST_OBJECTS:
        message = f"{staged.objects:,} objects were staged; one operation reads {MOST_OBJECTS:,}"
        raise CheckFailed(message, "use load.with: batch-write")
    return ItemsStaged(prefix=prefix, items=staged.items, objects=staged.objects)


def clear_stage(step: ClearStage, world: World) -> StageCleared:
    """Delete the staged objects and what the service wrote beside them; idempotent."""
    bucket, objects = world.plan.at(step.stage).bucket, world.aws.objects
    keys = list(objects.list_keys(bucket, f"{world.evidence(step.stage).prefix}/"))
    objects.delete(bucket, keys)
    return StageCleared(objects=len(keys))


def import_table(step: ImportTable, world: World) -> TableImported:
    """Let the service create the table with the staged items, then fence it.

    Until it is ACTIVE nobody can write to it; the fence is put as soon as it is.

    Raises:
        CheckFailed: a table of that name exists that this run did not create.
        Stopped: the import failed; resuming starts another one.
    """
    tables, bulk = world.aws.tables, world.aws.bulk
    name = str(step.request["TableName"])
    require_absent(step, name, world)
    staged = _staged(step.stage, world)
    outcome = _carried_out(
        step,
        world,
        Operation(
            find=bulk.import_of,
            start=lambda token: bulk.start_import(staged, step.request, token),
            wait=lambda arn: bulk.wait_import(arn, clock=world.clock, progress=world.progress),
            undo=lambda failed: _discard(name, failed.table_id, world),
        ),
    )
    description = tables.wait_active(name, clock=world.clock, progress=world.progress)
    require_planned_key(description, world)
    return TableImported(
        table=name,
        table_id=description.table_id,
        arn=description.arn,
        fenced=await_fence(description, world),
        import_arn=outcome.arn,
    )


def account_for_import(step: AccountForImport, world: World) -> ItemsLoaded:
    """Read back the items that the import could not write, and account for every item.

    Raises:
        CheckFailed: the service does not name every item that failed.
    """
    require_created_table(step.create, world)
    arn = world.evidence(step.create).import_arn
    outcome = world.aws.bulk.wait_import(arn, clock=world.clock, progress=world.progress)
    refused = _named_by_log(_log(outcome, world), step, world)
    return _accounted(step, world, outcome, refused)


def _log(outcome: Outcome, world: World) -> list[str]:
    """Return the log's message for each item that failed; the log may come after the import."""
    messages: list[str] = []
    if outcome.failed:
        for _ in patiently(world, LOG_DEADLINE_SECONDS, "the import's log"):
            messages = list(world.aws.bulk.import_errors(outcome))
            if len(messages) >= outcome.failed:
                break
    return messages


def bulk_put(step: BulkPutItems, world: World) -> ItemsLoaded:
    """Let the service write the staged items into the table, and account for every item.

    Raises:
        CheckFailed: the service does not name every item that failed.
        Stopped: the operation failed; resuming starts another one.
    """
    table = require_created_table(step.create, world)
    staged = _staged(step.stage, world)
    attempt = len(world.journal.records(step.id, FAILED)) + 1
    output = f"{world.evidence(step.stage).prefix}/output-{attempt}"
    bulk = world.aws.bulk
    outcome = _carried_out(
        step,
        world,
        Operation(
            find=bulk.bulk_put_of,
            start=lambda token: bulk.start_bulk_put(table.name, staged, output, step.rate, token),
            wait=lambda arn: bulk.wait_bulk_put(arn, clock=world.clock, progress=world.progress),
        ),
    )
    refused = _named_by_output(staged.bucket, f"{output}/", world) if outcome.failed else iter(())
    return _accounted(step, world, outcome, refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One of the service's own ways of writing from S3."""

    find: Callable[[str], str | None]
    """Returns the ARN of what was started under a token, which the service forgets after 8 h."""
    start: Callable[[str], str]
    wait: Callable[[str], Outcome]
    undo: Callable[[Outcome], None] = lambda _: None
    """Deletes what a failed one left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An operation that was started, or one that failed."""

    arn: str


def _carried_out(step: StepOf[Any], world: World, operation: Operation) -> Outcome:
    """Start an operation under a journaled token, or resume the one that was, and wait for it.

    Raises:
        Stopped: it failed; resuming starts another one.
    """
    journal = world.journal
    failed, started = (journal.noted(step, event, Attempt) for event in (FAILED, STARTED))
    if len(started) > len(failed):
        arn = started[-1].arn
    else:
        token = Token(client_token=f"{world.folder.run_id}-{step.id}-{len(failed) + 1}")
        requested_before = token in journal.noted(step, REQUESTED, Token)
        journal.note(step, REQUESTED, token)
        known = operation.find(token.client_token) if requested_before else None
        arn = known or operation.start(token.client_token)
        journal.note(step, STARTED, Attempt(arn=arn))
    outcome = operation.wait(arn)
    if not outcome.is_done:
        operation.undo(outcome)
        journal.note(step, FAILED, Attempt(arn=arn))
        message = f"{arn} is {outcome.status}: {outcome.failure or 'no reason given'}"
        raise Stopped(message, "fix the cause, then resume; it starts another one")
    return outcome


def _discard(name: str, table_id: str | None, world: World) -> None:
    """Delete the table that a failed import left; another one of its name is not touched."""
    tables = world.aws.tables
    description = tables.describe(name)
    if description is None or table_id is None or description.table_id != table_id:
        return
    tables.wait_active(name, clock=world.clock, progress=world.progress)
    tables.delete(name)
    tables.wait_deleted(name, table_id, clock=world.clock, progress=world.progress)


Refused = Iterator[tuple[Mapping[str, Any], str]]
"""Items that could not be written, as DynamoDB JSON, each with a code."""


def _accounted(
    step: BulkPutItems | AccountForImport, world: World, outcome: Outcome, refused: Refused
) -> ItemsLoaded:
    """Put the refused items into quarantine and return the sums.

    Raises:
        CheckFailed: not every item that failed is named, or one is that was not staged.
    """
    staged = world.evidence(step.stage).items
    if outcome.processed != staged:
        message = f"{outcome.arn} has read {outcome.processed:,} items; {staged:,} were staged"
        raise CheckFailed(message, "something else is under the staging prefix, or is missing")
    quarantine = Quarantine(load_quarantine(world.folder.quarantine), frozenset())
    items = {canonical_key(item, world.plan.key): (item, code) for item, code in refused}
    if len(items) != outcome.failed:
        message = f"{outcome.failed:,} items failed and {len(items):,} of them are named"
        raise CheckFailed(message, f"look at {outcome.arn} in the AWS console")
    ledger = Ledger(world.folder.expected(world.plan.at(step.dry_run).role))
    places = ledger.places(items)
    for key, (item, code) in sorted(items.items()):
        if key not in places:
            message = f"{outcome.arn} names an item that was not staged"
            raise CheckFailed(message, "something else is under the staging prefix")
        quarantine.add_found(Place(*places[key]), key, orjson.dumps(item), code)
    figures = world.evidence(step.dry_run)
    return ItemsLoaded(
        loaded=figures.results - figures.superseded - len(items),
        superseded=figures.superseded,
        quarantined=len(items),
    )


def _named_by_output(bucket: str, prefix: str, world: World) -> Refused:
    """Yield the items that a bulk operation's output names."""
    for key in world.aws.objects.list_keys(bucket, prefix):
        for line in _lines_of(bucket, key, world):
            record = _record(line)
            if isinstance(record, dict) and isinstance(record.get("Item"), dict):
                yield record["Item"], str(record.get("ErrorCode") or CODE)


def _record(line: bytes) -> Any:
    """Return one line of a bulk operation's output, or ``None`` where it is not JSON."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _named_by_log(messages: Iterable[str], step: AccountForImport, world: World) -> Refused:
    """Yield the items that an import's log points to, read back from where they were staged."""
    failed: dict[str, set[int]] = {}
    for message in messages:
        pointer = orjson.loads(message)["itemS3Pointer"]
        failed.setdefault(str(pointer["key"]), set()).add(int(pointer["itemIndex"]))
    bucket = world.plan.at(step.stage).bucket
    for key, indexes in sorted(failed.items()):
        for index, line in enumerate(_lines_of(bucket, key, world)):
            if index in indexes:
                yield orjson.loads(line)["Item"], CODE


def _lines_of(bucket: str, key: str, world: World) -> Iterator[bytes]:
    """Yield the lines of a staged object or of the service's output."""
    path: Path = world.folder.spool / "output.part"
    path.parent.mkdir(parents=True, exist_ok=True)
    world.aws.objects.download(bucket, key, path, None)
    with open_stored(path, key) as stored:
        yield from split_lines(plain_chunks(stored_chunks(stored, key), key), key)
    path.unlink()


def _staged(stage: Link[StageItems], world: World) -> Staged:
    """Return where a ``StageItems`` step put the items."""
    return world.plan.at(stage).staged(f"{world.evidence(stage).prefix}/items/")
