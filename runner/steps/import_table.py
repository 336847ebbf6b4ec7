"""Lets the service create the target with the staged items (ImportTable), and accounts for them."""

from collections.abc import Iterable

import orjson

from retable.runner.aws.bulk import Outcome
from retable.runner.plan.target_steps import (
    AccountForImport,
    ImportTable,
    ItemsLoaded,
    TableImported,
)
from retable.runner.steps.create_table import (
    await_fence,
    require_absent,
    require_created_table,
    require_planned_key,
)
from retable.runner.steps.s3_operation import (
    CODE,
    Operation,
    RefusedItems,
    account_for_items,
    lines_of,
    outcome_of,
    staged_by,
)
from retable.runner.steps.wait import patiently
from retable.runner.steps.world import World

LOG_DEADLINE_SECONDS = 900.0
"""How late an import's log may be; AWS names no bound."""


def import_table(step: ImportTable, world: World) -> TableImported:
    """Let the service create the table with the staged items, then fence it.

    Until it is ACTIVE it cannot be written to; the fence is put as soon as it is.

    Raises:
        CheckFailed: a table of that name exists that this run did not create.
        Stopped: the import failed; resuming starts another one.
    """
    tables, bulk = world.aws.tables, world.aws.bulk
    name = str(step.request["TableName"])
    require_absent(step, name, world)
    staged = staged_by(step.stage, world)
    outcome = outcome_of(
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
    return account_for_items(step, world, outcome, refused)


def _log(outcome: Outcome, world: World) -> list[str]:
    """Return the log's message for each item that failed; the log may come after the import."""
    messages: list[str] = []
    if outcome.failed:
        for _ in patiently(world, LOG_DEADLINE_SECONDS, "the import's log"):
            messages = list(world.aws.bulk.import_errors(outcome))
            if len(messages) >= outcome.failed:
                break
    return messages


def _discard(name: str, table_id: str | None, world: World) -> None:
    """Delete the table that a failed import left; another one of its name is not touched."""
    tables = world.aws.tables
    description = tables.describe(name)
    if description is None or table_id is None or description.table_id != table_id:
        return
    tables.wait_active(name, clock=world.clock, progress=world.progress)
    tables.delete(name)
    tables.wait_deleted(name, table_id, clock=world.clock, progress=world.progress)


def _named_by_log(messages: Iterable[str], step: AccountForImport, world: World) -> RefusedItems:
    """Yield the items that an import's log points to, read back from where they were staged."""
    failed: dict[str, set[int]] = {}
    for message in messages:
        pointer = orjson.loads(message)["itemS3Pointer"]
        failed.setdefault(str(pointer["key"]), set()).add(int(pointer["itemIndex"]))
    bucket = world.plan.at(step.stage).bucket
    for key, indexes in sorted(failed.items()):
        for index, line in enumerate(lines_of(bucket, key, world)):
            if index in indexes:
                yield orjson.loads(line)["Item"], CODE
