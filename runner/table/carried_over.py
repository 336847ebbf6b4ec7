"""Which of the source's attachments the target gets, and which it does not."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from retable.runner.failure import Refused
from retable.runner.table.settings import (
    WHOLE,
    Attached,
    Scaling,
    ScalingPolicy,
    TableSettings,
    WarmThroughput,
)
from retable.schema.spec import Spec

NEW_ON_DEMAND = WarmThroughput(read=12_000, write=4_000)
"""The initial throughput of an on-demand table or index ("Warm throughput", developer guide)."""
SIDES: tuple[tuple[str, Literal["Read", "Write"]], ...] = (("read", "Read"), ("write", "Write"))
"""Each capacity dimension as a spec names it, and as the service does."""
UTILIZATION = 70
"""In percent: the default target of the console and of CDK."""


def attached_to_target(spec: Spec, source: TableSettings, request: Mapping[str, Any]) -> Attached:
    """Return what the table that ``request`` creates gets attached.

    The attachments of an index that the target lacks are dropped. Only provisioned
    capacity is scaled, and warm throughput is kept only with the same billing mode.

    Raises:
        Refused: the spec declares autoscaling of a table that has no provisioned capacity.
    """
    own = source.attached
    throughputs = _throughputs(request)
    provisioned = request["BillingMode"] == "PROVISIONED"
    kept = (one for one in own.scaling if provisioned and one.index in throughputs)
    warm = own.warm if spec.target.billing == "keep" else {}
    return Attached(
        scaling=_scaling(spec, tuple(kept), provisioned=provisioned),
        kinesis=own.kinesis,
        insights={index: mode for index, mode in own.insights.items() if index in throughputs},
        warm={
            index: warmth
            for index, warmth in warm.items()
            if index in throughputs and _exceeds(warmth, throughputs[index])
        },
    )


def _scaling(spec: Spec, kept: tuple[Scaling, ...], *, provisioned: bool) -> tuple[Scaling, ...]:
    """Return the autoscaling, given the source's own that the target could keep."""
    settings = spec.target.settings
    declared: Any = "keep" if settings == "keep" else settings.get("autoscaling", "keep")
    if declared == "keep":
        return kept
    if declared is False:
        return ()
    if not provisioned:
        message = f"autoscaling scales provisioned capacity, and {spec.target.table} has none"
        raise Refused(message, "set target.billing to {read, write}, or remove autoscaling")
    own = (
        _declared(spec.target.table, side, declared[name])
        for name, side in SIDES
        if name in declared
    )
    return (*own, *(one for one in kept if one.index != WHOLE))


def _declared(table: str, side: Literal["Read", "Write"], bounds: Mapping[str, int]) -> Scaling:
    metric = f"DynamoDB{side}CapacityUtilization"
    tracking = {
        "TargetValue": float(bounds.get("utilization", UTILIZATION)),
        "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
    }
    # The policy name that the console uses.
    policy = ScalingPolicy(name=f"{metric}:table/{table}", tracking=tracking)
    return Scaling(
        index=WHOLE, side=side, least=bounds["min"], most=bounds["max"], policies=(policy,)
    )


def not_carried_over(attached: Attached, source: TableSettings) -> Iterator[str]:
    """Yield a description of each attachment of the source that the target does not get."""
    own, name = source.attached, source.description.name
    scaled = {(one.index, one.side) for one in own.scaling}
    kept = {(one.index, one.side) for one in attached.scaling}
    for index, side in sorted(scaled - kept):
        yield f"the autoscaling of {side.lower()} capacity of {_named(name, index)} is not kept"
    for index in sorted(own.insights.keys() - attached.insights.keys()):
        yield f"the contributor insights of {_named(name, index)} are not kept"


def describe_attached(attached: Attached) -> Iterator[str]:
    """Yield a description of each attachment, as a plan lists settings."""
    for one in attached.scaling:
        of = f" of {one.index}" if one.index else ""
        yield f"{one.side.lower()} autoscaling{of} {one.least:,} to {one.most:,}"
    for index, warmth in attached.warm.items():
        of = f" of {index}" if index else ""
        yield f"warm throughput{of} {warmth.read:,}/{warmth.write:,}"
    if attached.insights:
        indexes = ", ".join(index or "the table" for index in attached.insights)
        yield f"contributor insights of {indexes}"
    for kinesis in attached.kinesis:
        yield f"Kinesis stream {kinesis.stream_arn.rpartition('/')[2]}"


def _throughputs(request: Mapping[str, Any]) -> dict[str, WarmThroughput]:
    """Return the initial throughput of the new table and each of its global indexes."""
    parts = {index["IndexName"]: index for index in request.get("GlobalSecondaryIndexes", ())}
    return {name: _throughput(part) for name, part in ({WHOLE: request} | parts).items()}


def _throughput(part: Mapping[str, Any]) -> WarmThroughput:
    units = part.get("ProvisionedThroughput")
    if units is None:
        return NEW_ON_DEMAND
    return WarmThroughput(read=units["ReadCapacityUnits"], write=units["WriteCapacityUnits"])


def _exceeds(warmth: WarmThroughput, born: WarmThroughput) -> bool:
    return warmth.read > born.read or warmth.write > born.write


def _named(table: str, index: str) -> str:
    return f"the index {index}" if index else table
