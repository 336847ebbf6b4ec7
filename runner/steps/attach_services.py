"""Attaching to the target what was attached to the source: autoscaling, Kinesis and the like."""

from collections.abc import Iterator

from retable.runner.failure import CheckFailed, Stopped
from retable.runner.steps.wait import patiently
from retable.runner.steps.world import World
from retable.runner.table.settings import Attached, Kinesis, WarmThroughput, is_warm

KINESIS_SECONDS = 600.0
COMING = frozenset([None, "ENABLING", "UPDATING"])
NO_WARMTH = WarmThroughput(read=0, write=0)


def attach(wanted: Attached, present: Attached, table: str, world: World) -> Iterator[str]:
    """Attach what is wanted and not there yet; yield the name of each kind that was changed.

    Raises:
        CheckFailed: a Kinesis stream cannot be had.
    """
    ways, tables = world.aws.attachments, world.aws.tables
    colder = list(_colder(wanted, present))
    for index, warmth in colder:
        ways.warm(table, index, warmth)
        tables.wait_active(table, clock=world.clock, progress=world.progress)
    if colder:
        yield "warm_throughput"
    missing = [one for one in wanted.scaling if one not in present.scaling]
    for one in missing:
        ways.scale(table, one)
    if missing:
        yield "autoscaling"
    blind = [pair for pair in wanted.insights.items() if pair not in present.insights.items()]
    for index, mode in blind:
        ways.watch(table, index, mode)
    if blind:
        yield "contributor_insights"
    unheard = [one for one in wanted.kinesis if one not in present.kinesis]
    for kinesis in wanted.kinesis:
        # A stream that was asked for before a kill may still be coming.
        if kinesis in unheard:
            ways.stream_to(table, kinesis)
        _await_stream(table, kinesis, world)
    if unheard:
        yield "kinesis"


def _colder(wanted: Attached, present: Attached) -> Iterator[tuple[str, WarmThroughput]]:
    """Yield the warm throughput to ask for, by index; neither side of it can be lowered."""
    for index, warmth in sorted(wanted.warm.items()):
        found = present.warm.get(index, NO_WARMTH)
        if not is_warm(warmth, found):
            yield (
                index,
                WarmThroughput(
                    read=max(warmth.read, found.read), write=max(warmth.write, found.write)
                ),
            )


def _await_stream(table: str, kinesis: Kinesis, world: World) -> None:
    """Wait until a Kinesis stream gets the table's changes.

    Raises:
        CheckFailed: it is gone, or DynamoDB may not write to it.
        Stopped: that takes too long.
    """
    for _ in patiently(world, KINESIS_SECONDS, "the Kinesis stream"):
        status = world.aws.attachments.streaming_status(table, kinesis)
        if status == "ACTIVE":
            return
        if status not in COMING:
            message = f"the changes of {table} do not go to {kinesis.stream_arn}: it is {status}"
            raise CheckFailed(message, "look at the stream in the console, then resume")
    message = f"the Kinesis stream of {table} does not become ACTIVE"
    raise Stopped(message, "look at it in the console, then resume")
