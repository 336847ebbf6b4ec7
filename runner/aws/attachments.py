"""Attaching to a table what is no part of its creation: autoscaling, Kinesis, insights, warmth."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.attached import SERVICE, TRACKING, kinesis_destinations
from retable.runner.aws.errors import code_of, in_words
from retable.runner.aws.settings import WHOLE, Kinesis, Scaling, WarmThroughput


class Attachments:
    """What Application Auto Scaling and DynamoDB's own calls attach; again is harmless."""

    def __init__(self, dynamodb: Any, client_of: Callable[[str], Any]) -> None:
        """Use boto3's client ``dynamodb``; ``client_of`` opens those of other services."""
        self._client = dynamodb
        self._client_of = client_of

    def scale(self, table: str, scaling: Scaling) -> None:
        """Let one side of a table or an index be scaled within its bounds, by its policies."""
        client = self._client_of("application-autoscaling")
        kind = "index" if scaling.index else "table"
        resource = f"table/{table}" + (f"/index/{scaling.index}" if scaling.index else "")
        what = {
            "ServiceNamespace": SERVICE,
            "ResourceId": resource,
            "ScalableDimension": f"{SERVICE}:{kind}:{scaling.side}CapacityUnits",
        }
        suspended = {"SuspendedState": dict(scaling.suspended)} if scaling.suspended else {}
        with in_words(f"setting the autoscaling of {resource}", "application-autoscaling"):
            client.register_scalable_target(
                **what, MinCapacity=scaling.least, MaxCapacity=scaling.most, **suspended
            )
            for policy in scaling.policies:
                client.put_scaling_policy(
                    **what,
                    PolicyName=policy.name,
                    PolicyType=TRACKING,
                    TargetTrackingScalingPolicyConfiguration=dict(policy.tracking),
                )

    def stream_to(self, table: str, kinesis: Kinesis) -> None:
        """Send a record of each change to a Kinesis stream."""
        own = {"ApproximateCreationDateTimePrecision": kinesis.precision}
        configured = {"EnableKinesisStreamingConfiguration": own} if kinesis.precision else {}
        with in_words(f"sending the changes of {table} to a Kinesis stream"):
            try:
                self._client.enable_kinesis_streaming_destination(
                    TableName=table, StreamArn=kinesis.stream_arn, **configured
                )
            except ClientError as error:
                # It is on already, or is coming: the answer to the first call was lost.
                if code_of(error) != "ResourceInUseException":
                    raise

    def streaming_status(self, table: str, kinesis: Kinesis) -> str | None:
        """Return ENABLING, ACTIVE, …, or ``None`` where the stream gets nothing of the table."""
        found = kinesis_destinations(self._client, table)
        own = (one for one in found if one["StreamArn"] == kinesis.stream_arn)
        return next((str(one.get("DestinationStatus")) for one in own), None)

    def watch(self, table: str, index: str, mode: str) -> None:
        """Turn contributor insights on."""
        named = {"IndexName": index} if index else {}
        with in_words(f"turning contributor insights of {table} on"):
            self._client.update_contributor_insights(
                TableName=table,
                **named,
                ContributorInsightsAction="ENABLE",
                ContributorInsightsMode=mode,
            )

    def warm(self, table: str, index: str, wanted: WarmThroughput) -> None:
        """Raise the warm throughput, which the service never lowers; the table is UPDATING then."""
        units = {"ReadUnitsPerSecond": wanted.read, "WriteUnitsPerSecond": wanted.write}
        change: Mapping[str, Any] = {"WarmThroughput": units}
        if index != WHOLE:
            update = {"Update": {"IndexName": index, **change}}
            change = {"GlobalSecondaryIndexUpdates": [update]}
        with in_words(f"raising the warm throughput of {table}"):
            self._client.update_table(TableName=table, **change)
