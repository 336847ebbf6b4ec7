"""Which IAM actions the things need that are attached to a table: autoscaling and the like."""

from collections.abc import Iterator
from typing import Literal

from retable.runner.table.settings import Attached

INSIGHTS = "dynamodb:DescribeContributorInsights"
READ_SCALING = (
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
)
"""Whether and how a table is scaled; what is asked besides where it is."""
SCALE = (
    *READ_SCALING,
    "application-autoscaling:PutScalingPolicy",
    "application-autoscaling:RegisterScalableTarget",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutMetricAlarm",
)
"""What scaling needs; its policies are alarms of CloudWatch's."""
KINESIS = ("kinesis:DescribeStream", "kinesis:PutRecord", "kinesis:PutRecords")
"""What whoever turns a Kinesis destination on must be able to do."""

On = Literal["target", "indexes of target", "kinesis", "anything"]


def attaching(attached: Attached) -> Iterator[tuple[str, On]]:
    """Yield what attaching needs, and on what, of each kind that there is."""
    for action in SCALE if attached.scaling else ():
        yield action, "anything"
    for action in KINESIS if attached.kinesis else ():
        yield action, "kinesis"
    if attached.kinesis:
        yield "dynamodb:EnableKinesisStreamingDestination", "target"
    if attached.insights:
        yield "dynamodb:UpdateContributorInsights", "target"
        yield "dynamodb:UpdateContributorInsights", "indexes of target"
