"""What is attached to a table, read before the first change (I8): other calls than DescribeTable.

An endpoint that does not know one of the calls has nothing of the kind; AWS knows them all.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, cast

from retable.runner.aws.errors import if_known, in_words
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
"""The mode of insights that were turned on before there was another one."""
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
    """Return what is attached to a table, and in words what of that cannot be carried over.

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
    """Return the Kinesis streams that get the table's changes."""
    return tuple(
        Kinesis(
            stream_arn=str(found["StreamArn"]),
            precision=found.get("ApproximateCreationDateTimePrecision"),
        )
        for found in kinesis_destinations(dynamodb, table)
        if found.get("DestinationStatus") in ON
    )


def kinesis_destinations(dynamodb: Any, table: str) -> list[Mapping[str, Any]]:
    """Return the service's own words of each Kinesis stream, by the stream's ARN."""
    with in_words(f"looking for a Kinesis stream of {table}"):
        answer = if_known(dynamodb.describe_kinesis_streaming_destination, TableName=table)
    found = answer.get("KinesisDataStreamDestinations", ())
    return sorted(found, key=lambda one: str(one["StreamArn"]))


def resources_of(description: TableDescription) -> dict[str, str]:
    """Return what Application Auto Scaling calls the table and its indexes, and which each is."""
    table = f"table/{description.name}"
    indexes = (index.name for index in description.indexes.global_)
    return {table: WHOLE} | {f"{table}/index/{name}": name for name in indexes}


def _scaling(
    client_of: Asked, description: TableDescription
) -> tuple[tuple[Scaling, ...], tuple[str, ...]]:
    """Return how the table and its indexes are scaled, in one order (I7), and what is not told."""
    resources = resources_of(description)
    client = client_of("application-autoscaling")
    with in_words(f"looking for autoscaling of {description.name}", "application-autoscaling"):
        asked = {"ResourceIds": list(resources)}
        targets = list(_listed(client, "describe_scalable_targets", "ScalableTargets", asked))
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
        unkept.append("autoscaling that tracks no target")
    return tuple(sorted(found, key=lambda one: (one.index, one.side))), tuple(unkept)


def _policies(
    target: Mapping[str, Any], policies: list[Mapping[str, Any]]
) -> Iterator[ScalingPolicy]:
    """Yield the policies of one target, by their names."""
    where = ("ResourceId", "ScalableDimension")
    own = [one for one in policies if all(one[name] == target[name] for name in where)]
    for policy in sorted(own, key=lambda one: str(one["PolicyName"])):
        if policy["PolicyType"] == TARGET_TRACKING:
            tracking = policy["TargetTrackingScalingPolicyConfiguration"]
            yield ScalingPolicy(name=str(policy["PolicyName"]), tracking=tracking)


def _suspended(target: Mapping[str, Any]) -> dict[str, bool]:
    """Return what is suspended; AWS tells of each part that is not, too."""
    found = cast("Mapping[str, bool]", target.get("SuspendedState") or {})
    return dict(sorted(found.items())) if any(found.values()) else {}


def _insights(dynamodb: Any, description: TableDescription) -> Iterator[tuple[str, str]]:
    """Yield the mode of contributor insights of the table and its indexes, where they are on."""
    for index in (WHOLE, *(one.name for one in description.indexes.global_)):
        named = {"IndexName": index} if index else {}
        with in_words(f"looking for contributor insights of {description.name}"):
            answer = if_known(
                dynamodb.describe_contributor_insights, TableName=description.name, **named
            )
        if answer.get("ContributorInsightsStatus") in ON:
            yield index, str(answer.get("ContributorInsightsMode") or BOTH_KINDS)


def _each(client: Any, call: str, member: str, resources: list[str]) -> Iterator[Mapping[str, Any]]:
    """Yield what is listed of each resource, and of no other."""
    for resource in resources:
        for found in _listed(client, call, member, {"ResourceId": resource}):
            if found["ResourceId"] == resource:
                yield found


def _listed(
    client: Any, call: str, member: str, asked: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield what one of Application Auto Scaling's lists has, page by page."""
    more: dict[str, str] = {}
    while True:
        answer = if_known(
            getattr(client, call), ServiceNamespace=SCALING_NAMESPACE, **asked, **more
        )
        yield from answer.get(member) or ()
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}
