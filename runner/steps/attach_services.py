"""Attaches to the target what the source had: autoscaling, Kinesis streams and the like."""

from collections.abc import Iterator

from retable.runner.failure import CheckFailed, Stopped
from retable.runner.steps.wait import patiently
from retable.runner.steps.world import World
from retable.runner.table.settings import Attached, Kinesis, WarmThroughput, is_warm

KINESIS_SECONDS = 600.0
STARTING = frozenset([None, "ENABLING", "UPDATING"])
NO_WARMTH = WarmThroughput(read=0, write=0)


def attach(planned: Attached, present: Attached, table: str, world: World) -> Iterator[str]:
    """Attach what is planned and not there yet; yield the name of each kind that was changed.

    Raises:
        CheckFailed: a Kinesis stream cannot be enabled.
    """
    attachments, tables = world.aws.attachments, world.aws.tables
    to_warm = list(_to_warm(planned, present))
    for index, warmth in to_warm:
        attachments.warm(table, index, warmth)
        tables.wait_active(table, clock=world.clock, progress=world.progress)
    if to_warm:
        yield "warm_throughput"
    missing = [one for one in planned.scaling if one not in present.scaling]
    for one in missing:
        attachments.scale(table, one)
    if missing:
        yield "autoscaling"
    unwatched = [pair for pair in planned.insights.items() if pair not in present.insights.items()]
    for index, mode in unwatched:
        attachments.watch(table, index, mode)
    if unwatched:
        yield "contributor_insights"
    unstreamed = [one for one in planned.kinesis if one not in present.kinesis]
    for kinesis in planned.kinesis:
        # A stream that was requested before a kill may still be starting.
        if kinesis in unstreamed:
            attachments.stream_to(table, kinesis)
        _await_stream(table, kinesis, world)
    if unstreamed:
        yield "kinesis"


def _to_warm(planned: Attached, present: Attached) -> Iterator[tuple[str, WarmThroughput]]:
    """Yield the warm throughput to request, by index; reads and writes can only be raised."""
    for index, warmth in sorted(planned.warm.items()):
        found = present.warm.get(index, NO_WARMTH)
        if not is_warm(warmth, found):
            yield (
                index,
                WarmThroughput(
                    read=max(warmth.read, found.read), write=max(warmth.write, found.write)
                ),
            )


def _await_stream(table: str, kinesis: Kinesis, world: World) -> None:
    """Wait until a Kinesis stream receives the table's changes.

    Raises:
        CheckFailed: it is deleted, or DynamoDB may not write to it.
        Stopped: it was not enabled in time.
    """
    for _ in patiently(world, KINESIS_SECONDS, "the Kinesis stream"):
        status = world.aws.attachments.streaming_status(table, kinesis)
        if status == "ACTIVE":
            return
        if status not in STARTING:
            message = f"the changes of {table} do not go to {kinesis.stream_arn}: it is {status}"
            raise CheckFailed(message, "check the stream in the console, then resume")
    message = f"the Kinesis stream of {table} was not enabled in time"
    raise Stopped(message, "check it in the console, then resume")
