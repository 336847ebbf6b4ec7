"""What both of the service's own ways of writing from S3 share: token, waiting, the account.

Every item that was staged ends as loaded, superseded or quarantined.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from retable.runner.aws.bulk import Outcome
from retable.runner.export.lines import split_lines
from retable.runner.export.stored_file import open_stored, plain_chunks, stored_chunks
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.ledger.questions import Ledger
from retable.runner.load.quarantine import Place, Quarantine
from retable.runner.plan.step import Link, StepOf
from retable.runner.plan.target_steps import AccountForImport, BulkPutItems, ItemsLoaded, StageItems
from retable.runner.runs.journal import REQUESTED
from retable.runner.steps.load_items import load_quarantine
from retable.runner.steps.make_export import Token
from retable.runner.steps.world import World
from retable.runner.table.load_requests import Staged
from retable.transforms.canonical import canonical_key

STARTED, FAILED = "started", "attempt-failed"
CODE = "ItemValidationError"


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


def outcome_of(step: StepOf[Any], world: World, operation: Operation) -> Outcome:
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


RefusedItems = Iterator[tuple[Mapping[str, Any], str]]
"""Items that could not be written, as DynamoDB JSON, each with a code."""


def account_for_items(
    step: BulkPutItems | AccountForImport, world: World, outcome: Outcome, refused: RefusedItems
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


def lines_of(bucket: str, key: str, world: World) -> Iterator[bytes]:
    """Yield the lines of a staged object or of the service's output."""
    path: Path = world.folder.spool / "output.part"
    path.parent.mkdir(parents=True, exist_ok=True)
    world.aws.objects.download(bucket, key, path, None)
    with open_stored(path, key) as stored:
        yield from split_lines(plain_chunks(stored_chunks(stored, key), key), key)
    path.unlink()


def staged_by(stage: Link[StageItems], world: World) -> Staged:
    """Return where a ``StageItems`` step put the items."""
    return world.plan.at(stage).staged(f"{world.evidence(stage).prefix}/items/")
