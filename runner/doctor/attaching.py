"""The IAM actions for what is attached to a table: autoscaling and the like."""

from collections.abc import Iterator
from typing import Literal

from retable.runner.table.settings import Attached

INSIGHTS = "dynamodb:DescribeContributorInsights"
READ_SCALING = (
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
)
"""What reading autoscaling needs."""
SCALE = (
    *READ_SCALING,
    "application-autoscaling:PutScalingPolicy",
    "application-autoscaling:RegisterScalableTarget",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutMetricAlarm",
)
"""What autoscaling needs; its policies create CloudWatch alarms."""
KINESIS = ("kinesis:DescribeStream", "kinesis:PutRecord", "kinesis:PutRecords")
"""What enabling a Kinesis destination needs."""

On = Literal["target", "indexes of target", "kinesis", "anything"]


def attaching(attached: Attached) -> Iterator[tuple[str, On]]:
    """Yield the actions and resources for attaching each kind."""
    for action in SCALE if attached.scaling else ():
        yield action, "anything"
    for action in KINESIS if attached.kinesis else ():
        yield action, "kinesis"
    if attached.kinesis:
        yield "dynamodb:EnableKinesisStreamingDestination", "target"
    if attached.insights:
        yield "dynamodb:UpdateContributorInsights", "target"
        yield "dynamodb:UpdateContributorInsights", "indexes of target"
