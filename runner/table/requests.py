"""Requests that change a table: built here alone, for the call and for the check before it.

What is sent after the delete is checked before the first change, so that the two must be one.
Whether a request would be taken is ``validate``'s to say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore import xform_name

from retable.runner.table.settings import WHOLE, Kinesis, Scaling, WarmThroughput

AUTOSCALING = "application-autoscaling"
SCALING_NAMESPACE = "dynamodb"
"""What Application Auto Scaling calls DynamoDB."""
TARGET_TRACKING = "TargetTrackingScaling"
NO_POLICY = "NO_POLICY"
"""The ExpectedRevisionId of a table that has no policy yet (PutResourcePolicy)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, as the service's API has it."""

    service: str = "dynamodb"
    """As boto3 calls it."""
    operation: str
    parameters: Mapping[str, Any]

    def send(self, client: Any) -> Any:
        """Send it by boto3's ``client`` of the service; return the answer."""
        return getattr(client, xform_name(self.operation))(**self.parameters)


def table_creation(parameters: Mapping[str, Any], fence: str | None) -> Request:
    """Return what creates a table, with its fence where there is one to put."""
    own = {} if fence is None else {"ResourcePolicy": fence}
    return Request(operation="CreateTable", parameters={**parameters, **own})


def restoration(backup_arn: str, table: str, sse: Mapping[str, Any] | None) -> Request:
    """Return what makes ``table`` of a backup."""
    sealed = {} if sse is None else {"SSESpecificationOverride": dict(sse)}
    return Request(
        operation="RestoreTableFromBackup",
        parameters={"TargetTableName": table, "BackupArn": backup_arn, **sealed},
    )


def time_to_live(table: str, attribute: str) -> Request:
    """Return what lets items expire by ``attribute``."""
    wanted = {"Enabled": True, "AttributeName": attribute}
    return Request(
        operation="UpdateTimeToLive",
        parameters={"TableName": table, "TimeToLiveSpecification": wanted},
    )


def recovery(table: str, *, enabled: bool, days: int | None) -> Request:
    """Return what turns point-in-time recovery on, ``days`` back, or off."""
    wanted: dict[str, Any] = {"PointInTimeRecoveryEnabled": enabled}
    if enabled and days is not None:
        wanted["RecoveryPeriodInDays"] = days
    return Request(
        operation="UpdateContinuousBackups",
        parameters={"TableName": table, "PointInTimeRecoverySpecification": wanted},
    )


def stream(table: str, view_type: str) -> Request:
    """Return what turns a stream on."""
    wanted = {"StreamEnabled": True, "StreamViewType": view_type}
    return _update(table, {"StreamSpecification": wanted})


def deletion_protection(table: str, *, enabled: bool) -> Request:
    """Return what turns deletion protection on or off."""
    return _update(table, {"DeletionProtectionEnabled": enabled})


def tagging(arn: str, tags: Mapping[str, str]) -> Request:
    """Return what adds ``tags``."""
    listed = [{"Key": name, "Value": value} for name, value in sorted(tags.items())]
    return Request(operation="TagResource", parameters={"ResourceArn": arn, "Tags": listed})


def resource_policy(arn: str, text: str, expected_revision: str) -> Request:
    """Return what puts a policy, if the table still has the expected one."""
    return Request(
        operation="PutResourcePolicy",
        parameters={"ResourceArn": arn, "Policy": text, "ExpectedRevisionId": expected_revision},
    )


def autoscaling(table: str, scaling: Scaling) -> Iterator[Request]:
    """Yield what lets one side of a table or an index be scaled within its bounds."""
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
    """Return what sends a record of each change to a Kinesis stream."""
    own = {"ApproximateCreationDateTimePrecision": kinesis.precision}
    configured = {"EnableKinesisStreamingConfiguration": own} if kinesis.precision else {}
    return Request(
        operation="EnableKinesisStreamingDestination",
        parameters={"TableName": table, "StreamArn": kinesis.stream_arn, **configured},
    )


def contributor_insights(table: str, index: str, mode: str) -> Request:
    """Return what turns contributor insights on."""
    named = {"IndexName": index} if index else {}
    wanted = {"ContributorInsightsAction": "ENABLE", "ContributorInsightsMode": mode}
    return Request(
        operation="UpdateContributorInsights",
        parameters={"TableName": table, **named, **wanted},
    )


def warm_throughput(table: str, index: str, wanted: WarmThroughput) -> Request:
    """Return what raises the warm throughput."""
    units = {"ReadUnitsPerSecond": wanted.read, "WriteUnitsPerSecond": wanted.write}
    change: Mapping[str, Any] = {"WarmThroughput": units}
    if index != WHOLE:
        update = {"Update": {"IndexName": index, **change}}
        change = {"GlobalSecondaryIndexUpdates": [update]}
    return _update(table, change)


def _update(table: str, change: Mapping[str, Any]) -> Request:
    return Request(operation="UpdateTable", parameters={"TableName": table, **change})
