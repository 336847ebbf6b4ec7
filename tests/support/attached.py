"""What can be attached to a table of a sandbox by hand: autoscaling, Kinesis, insights, warmth."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders-changes"
TRACKING = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "DynamoDBWriteCapacityUtilization",
    },
}


SPEC = """
spec: 1
name: scaled
source:
  table: orders
  region: eu-west-1
  export: {{kind: scan}}
target:
  table: {target}
  key: {{partition: {{name: customer, type: S}}, sort: {{name: order_id, type: S}}}}
  {billing}
rebuild: {{strategy: {strategy}}}
sandbox:
  key: {{partition: {{name: order_id, type: S}}}}
  indexes:
    global:
      - {{name: by_status, partition: {{name: status, type: S}}, projection: all}}
  billing: {{read: 100, write: 200}}
  seed: seed.jsonl
  {settings}
"""
SEED = """\
{"Item": {"order_id": {"S": "1"}, "customer": {"S": "c"}, "status": {"S": "new"}}}
{"Item": {"order_id": {"S": "2"}, "customer": {"S": "c"}, "status": {"S": "old"}}}
"""


def scaled_spec(
    folder: Path,
    *,
    target: str = "orders-v2",
    strategy: str = "side-by-side",
    billing: str = "",
    settings: str = "",
) -> Path:
    """Return a spec of a provisioned table with an index."""
    (folder / "seed.jsonl").write_text(SEED, encoding="utf-8")
    path = folder / "scaled.migrate.yaml"
    text = SPEC.format(target=target, strategy=strategy, billing=billing, settings=settings.strip())
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def client(endpoint: str, service: str) -> Iterator[Any]:
    """Open boto3's client of a service at the sandbox, as an operator would."""
    opened = boto3.client(
        service,  # type: ignore[call-overload]  # any service
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="OPERATOR",
        aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
    )
    try:
        yield opened
    finally:
        opened.close()


def attach_all(endpoint: str, table: str = "orders", index: str = "by_status") -> None:
    """Attach one of each kind to a provisioned table and its index."""
    with client(endpoint, "dynamodb") as dynamodb:
        dynamodb.update_contributor_insights(TableName=table, ContributorInsightsAction="ENABLE")
        dynamodb.update_contributor_insights(
            TableName=table,
            IndexName=index,
            ContributorInsightsAction="ENABLE",
            ContributorInsightsMode="THROTTLED_KEYS",
        )
        dynamodb.enable_kinesis_streaming_destination(
            TableName=table,
            StreamArn=STREAM,
            EnableKinesisStreamingConfiguration={
                "ApproximateCreationDateTimePrecision": "MICROSECOND"
            },
        )
        units = {"ReadUnitsPerSecond": 13_000, "WriteUnitsPerSecond": 5_000}
        dynamodb.update_table(TableName=table, WarmThroughput=units)
        update = {"Update": {"IndexName": index, "WarmThroughput": units}}
        dynamodb.update_table(TableName=table, GlobalSecondaryIndexUpdates=[update])
    for resource, kind in ((f"table/{table}", "table"), (f"table/{table}/index/{index}", "index")):
        scale(endpoint, resource, f"dynamodb:{kind}:WriteCapacityUnits")


def scale(endpoint: str, resource: str, dimension: str) -> None:
    """Let one side of a table or an index be scaled."""
    what = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": resource,
        "ScalableDimension": dimension,
    }
    with client(endpoint, "application-autoscaling") as scaling:
        scaling.register_scalable_target(**what, MinCapacity=2, MaxCapacity=900)
        scaling.put_scaling_policy(
            **what,
            PolicyName="keep at 70 %",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=TRACKING,
        )


def unscale(endpoint: str, resource: str, dimension: str) -> None:
    """Take the autoscaling of one side away."""
    with client(endpoint, "application-autoscaling") as scaling:
        scaling.deregister_scalable_target(
            ServiceNamespace="dynamodb", ResourceId=resource, ScalableDimension=dimension
        )
