"""Reads what is attached to a table, beyond DescribeTable, before the first change (I8).

An endpoint that does not support one of the calls has no such setting; AWS supports them all.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, cast

from retable.runner.aws.errors import if_known, translated_errors
from retable.runner.table.requests import SCALING_NAMESPACE, TARGET_TRACKING
from retable.runner.table.settings import (
    WHOLE,
    Attached,
    Kinesis,
    Scaling,
    ScalingPolicy,
    TableDescription,
)

BOTH_KINDS = "ACCESSED_AND_THROTTLED_KEYS"
"""The mode of insights that were enabled before there was a second mode."""
ON = frozenset(["ACTIVE", "ENABLED", "ENABLING", "UPDATING"])
_SIDES: Mapping[str, Literal["Read", "Write"]] = {
    "ReadCapacityUnits": "Read",
    "WriteCapacityUnits": "Write",
}

Asked = Callable[[str], Any]
"""Opens boto3's client of a service."""


def attached_to(
    dynamodb: Any, client_of: Asked, description: TableDescription
) -> tuple[Attached, tuple[str, ...]]:
    """Return what is attached to a table, and descriptions of what cannot be carried over.

    Raises:
        Stopped: a service does not answer or denies access.
    """
    scaling, unkept = _scaling(client_of, description)
    found = Attached(
        scaling=scaling,
        kinesis=kinesis_of(dynamodb, description.name),
        insights=dict(_insights(dynamodb, description)),
        warm=description.warm,
    )
    return found, unkept


def kinesis_of(dynamodb: Any, table: str) -> tuple[Kinesis, ...]:
    """Return the Kinesis streams that receive the table's changes."""
    return tuple(
        Kinesis(
            stream_arn=str(found["StreamArn"]),
            precision=found.get("ApproximateCreationDateTimePrecision"),
        )
        for found in kinesis_destinations(dynamodb, table)
        if found.get("DestinationStatus") in ON
    )


def kinesis_destinations(dynamodb: Any, table: str) -> list[Mapping[str, Any]]:
    """Return the service's description of each Kinesis destination, by the stream's ARN."""
    with translated_errors(f"listing the Kinesis destinations of {table}"):
        answer = if_known(dynamodb.describe_kinesis_streaming_destination, TableName=table)
    found = answer.get("KinesisDataStreamDestinations", ())
    return sorted(found, key=lambda one: str(one["StreamArn"]))


def resources_of(description: TableDescription) -> dict[str, str]:
    """Return the table and its indexes by their resource ids in Application Auto Scaling."""
    table = f"table/{description.name}"
    indexes = (index.name for index in description.indexes.global_)
    return {table: WHOLE} | {f"{table}/index/{name}": name for name in indexes}


def _scaling(
    client_of: Asked, description: TableDescription
) -> tuple[tuple[Scaling, ...], tuple[str, ...]]:
    """Return the autoscaling in a stable order (I7), and descriptions of what is not covered."""
    resources = resources_of(description)
    client = client_of("application-autoscaling")
    with translated_errors(
        f"reading the autoscaling of {description.name}", "application-autoscaling"
    ):
        parameters = {"ResourceIds": list(resources)}
        targets = list(_listed(client, "describe_scalable_targets", "ScalableTargets", parameters))
        scaled = sorted({str(target["ResourceId"]) for target in targets})
        policies = list(_each(client, "describe_scaling_policies", "ScalingPolicies", scaled))
        scheduled = list(_each(client, "describe_scheduled_actions", "ScheduledActions", scaled))
    found = [
        Scaling(
            index=resources[target["ResourceId"]],
            side=_SIDES[str(target["ScalableDimension"]).rpartition(":")[2]],
            least=int(target["MinCapacity"]),
            most=int(target["MaxCapacity"]),
            suspended=_suspended(target),
            policies=tuple(_policies(target, policies)),
        )
        for target in targets
    ]
    unkept = ["scheduled autoscaling"] if scheduled else []
    if any(policy["PolicyType"] != TARGET_TRACKING for policy in policies):
        unkept.append("autoscaling without target tracking")
    return tuple(sorted(found, key=lambda one: (one.index, one.side))), tuple(unkept)


def _policies(
    target: Mapping[str, Any], policies: list[Mapping[str, Any]]
) -> Iterator[ScalingPolicy]:
    """Yield the policies of one target, sorted by name."""
    where = ("ResourceId", "ScalableDimension")
    own = [one for one in policies if all(one[name] == target[name] for name in where)]
    for policy in sorted(own, key=lambda one: str(one["PolicyName"])):
        if policy["PolicyType"] == TARGET_TRACKING:
            tracking = policy["TargetTrackingScalingPolicyConfiguration"]
            yield ScalingPolicy(name=str(policy["PolicyName"]), tracking=tracking)


def _suspended(target: Mapping[str, Any]) -> dict[str, bool]:
    """Return the suspended parts; AWS also lists those that are not suspended."""
    found = cast("Mapping[str, bool]", target.get("SuspendedState") or {})
    return dict(sorted(found.items())) if any(found.values()) else {}


def _insights(dynamodb: Any, description: TableDescription) -> Iterator[tuple[str, str]]:
    """Yield the mode of contributor insights of table and indexes, where they are enabled."""
    for index in (WHOLE, *(one.name for one in description.indexes.global_)):
        named = {"IndexName": index} if index else {}
        with translated_errors(f"reading the contributor insights of {description.name}"):
            answer = if_known(
                dynamodb.describe_contributor_insights, TableName=description.name, **named
            )
        if answer.get("ContributorInsightsStatus") in ON:
            yield index, str(answer.get("ContributorInsightsMode") or BOTH_KINDS)


def _each(client: Any, call: str, member: str, resources: list[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the listed entries of exactly these resources."""
    for resource in resources:
        for found in _listed(client, call, member, {"ResourceId": resource}):
            if found["ResourceId"] == resource:
                yield found


def _listed(
    client: Any, call: str, member: str, parameters: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of an Application Auto Scaling listing, page by page."""
    more: dict[str, str] = {}
    while True:
        answer = if_known(
            getattr(client, call), ServiceNamespace=SCALING_NAMESPACE, **parameters, **more
        )
        yield from answer.get(member) or ()
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}
