"""Lets the service write the staged items into a table (StartBulkPutItems)."""

from typing import Any

import orjson

from retable.runner.plan.target_steps import BulkPutItems, ItemsLoaded
from retable.runner.steps.create_table import require_created_table
from retable.runner.steps.s3_operation import (
    CODE,
    FAILED,
    Operation,
    RefusedItems,
    account_for_items,
    lines_of,
    outcome_of,
    staged_by,
)
from retable.runner.steps.world import World


def bulk_put(step: BulkPutItems, world: World) -> ItemsLoaded:
    """Let the service write the staged items into the table, and account for every item.

    Raises:
        CheckFailed: the service does not name every item that failed.
        Stopped: the operation failed; resuming starts another one.
    """
    table = require_created_table(step.create, world)
    staged = staged_by(step.stage, world)
    attempt = len(world.journal.records(step.id, FAILED)) + 1
    output = f"{world.evidence(step.stage).prefix}/output-{attempt}"
    bulk = world.aws.bulk
    outcome = outcome_of(
        step,
        world,
        Operation(
            find=bulk.bulk_put_of,
            start=lambda token: bulk.start_bulk_put(table.name, staged, output, step.rate, token),
            wait=lambda arn: bulk.wait_bulk_put(arn, clock=world.clock, progress=world.progress),
        ),
    )
    refused = _named_by_output(staged.bucket, f"{output}/", world) if outcome.failed else iter(())
    return account_for_items(step, world, outcome, refused)


def _named_by_output(bucket: str, prefix: str, world: World) -> RefusedItems:
    """Yield the items that a bulk operation's output names."""
    for key in world.aws.objects.list_keys(bucket, prefix):
        for line in lines_of(bucket, key, world):
            record = _record(line)
            if isinstance(record, dict) and isinstance(record.get("Item"), dict):
                yield record["Item"], str(record.get("ErrorCode") or CODE)


def _record(line: bytes) -> Any:
    """Return one line of a bulk operation's output, or ``None`` where it is not JSON."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
