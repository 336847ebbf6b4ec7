"""Requests that change a table: built only here, for the call and for the check before it.

Requests sent after the delete are checked before the first change, so both must be the same.
Exports and loads from S3 have theirs in ``export_request`` and ``load_requests``;
``validate_requests`` checks whether the service would accept one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore import xform_name

from retable.runner.table.settings import WHOLE, Kinesis, Scaling, WarmThroughput

AUTOSCALING = "application-autoscaling"
SCALING_NAMESPACE = "dynamodb"
"""DynamoDB's namespace in Application Auto Scaling."""
TARGET_TRACKING = "TargetTrackingScaling"
NO_POLICY = "NO_POLICY"
"""The ExpectedRevisionId of a table without a policy (PutResourcePolicy)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, in the form of the service's API."""

    service: str = "dynamodb"
    """The operation's method name in boto3."""
    operation: str
    parameters: Mapping[str, Any]

    def send(self, client: Any) -> Any:
        """Send it with boto3's ``client`` of the service; return the answer."""
        return getattr(client, xform_name(self.operation))(**self.parameters)


def table_creation(parameters: Mapping[str, Any], fence: str | None) -> Request:
    """Return the request that creates a table, with its fence if there is one."""
    own = {} if fence is None else {"ResourcePolicy": fence}
    return Request(operation="CreateTable", parameters={**parameters, **own})


def restoration(backup_arn: str, table: str, sse: Mapping[str, Any] | None) -> Request:
    """Return the request that restores ``table`` from a backup."""
    sealed = {} if sse is None else {"SSESpecificationOverride": dict(sse)}
    return Request(
        operation="RestoreTableFromBackup",
        parameters={"TargetTableName": table, "BackupArn": backup_arn, **sealed},
    )


def time_to_live(table: str, attribute: str) -> Request:
    """Return the request that enables TTL on ``attribute``."""
    specification = {"Enabled": True, "AttributeName": attribute}
    return Request(
        operation="UpdateTimeToLive",
        parameters={"TableName": table, "TimeToLiveSpecification": specification},
    )


def recovery(table: str, *, enabled: bool, days: int | None) -> Request:
    """Return the request that enables point-in-time recovery for ``days``, or disables it."""
    specification: dict[str, Any] = {"PointInTimeRecoveryEnabled": enabled}
    if enabled and days is not None:
        specification["RecoveryPeriodInDays"] = days
    return Request(
        operation="UpdateContinuousBackups",
        parameters={"TableName": table, "PointInTimeRecoverySpecification": specification},
    )


def stream(table: str, view_type: str) -> Request:
    """Return the request that enables a stream."""
    specification = {"StreamEnabled": True, "StreamViewType": view_type}
    return _update(table, {"StreamSpecification": specification})


def deletion_protection(table: str, *, enabled: bool) -> Request:
    """Return the request that enables or disables deletion protection."""
    return _update(table, {"DeletionProtectionEnabled": enabled})


def tagging(arn: str, tags: Mapping[str, str]) -> Request:
    """Return the request that adds ``tags``."""
    listed = [{"Key": name, "Value": value} for name, value in sorted(tags.items())]
    return Request(operation="TagResource", parameters={"ResourceArn": arn, "Tags": listed})


def resource_policy(arn: str, text: str, expected_revision: str) -> Request:
    """Return the request that puts a policy, if the table still has the expected one."""
    return Request(
        operation="PutResourcePolicy",
        parameters={"ResourceArn": arn, "Policy": text, "ExpectedRevisionId": expected_revision},
    )


def autoscaling(table: str, scaling: Scaling) -> Iterator[Request]:
    """Yield the requests that scale one capacity dimension of a table or an index."""
    kind = "index" if scaling.index else "table"
    what = {
        "ServiceNamespace": SCALING_NAMESPACE,
        "ResourceId": f"table/{table}" + (f"/index/{scaling.index}" if scaling.index else ""),
        "ScalableDimension": f"{SCALING_NAMESPACE}:{kind}:{scaling.side}CapacityUnits",
    }
    bounds: dict[str, Any] = {"MinCapacity": scaling.least, "MaxCapacity": scaling.most}
    if scaling.suspended:
        bounds["SuspendedState"] = dict(scaling.suspended)
    yield Request(
        service=AUTOSCALING, operation="RegisterScalableTarget", parameters={**what, **bounds}
    )
    for policy in scaling.policies:
        own = {
            "PolicyName": policy.name,
            "PolicyType": TARGET_TRACKING,
            "TargetTrackingScalingPolicyConfiguration": dict(policy.tracking),
        }
        yield Request(service=AUTOSCALING, operation="PutScalingPolicy", parameters={**what, **own})


def kinesis_stream(table: str, kinesis: Kinesis) -> Request:
    """Return the request that sends a record of each change to a Kinesis stream."""
    own = {"ApproximateCreationDateTimePrecision": kinesis.precision}
    configured = {"EnableKinesisStreamingConfiguration": own} if kinesis.precision else {}
    return Request(
        operation="EnableKinesisStreamingDestination",
        parameters={"TableName": table, "StreamArn": kinesis.stream_arn, **configured},
    )


def contributor_insights(table: str, index: str, mode: str) -> Request:
    """Return the request that enables contributor insights."""
    named = {"IndexName": index} if index else {}
    specification = {"ContributorInsightsAction": "ENABLE", "ContributorInsightsMode": mode}
    return Request(
        operation="UpdateContributorInsights",
        parameters={"TableName": table, **named, **specification},
    )


def warm_throughput(table: str, index: str, specification: WarmThroughput) -> Request:
    """Return the request that raises the warm throughput."""
    units = {"ReadUnitsPerSecond": specification.read, "WriteUnitsPerSecond": specification.write}
    change: Mapping[str, Any] = {"WarmThroughput": units}
    if index != WHOLE:
        update = {"Update": {"IndexName": index, **change}}
        change = {"GlobalSecondaryIndexUpdates": [update]}
    return _update(table, change)


def _update(table: str, change: Mapping[str, Any]) -> Request:
    return Request(operation="UpdateTable", parameters={"TableName": table, **change})
