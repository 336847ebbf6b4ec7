"""What a table is and how it is set up, as captured before the first change (I8). Asks nobody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from retable.schema.spec import Indexes, KeySchema, Provisioned

WHOLE = ""
"""Stands for the table itself where its global indexes go by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmThroughput:
    """How many units a second a table or an index bears at once."""

    read: int
    write: int


def is_warm(wanted: WarmThroughput, found: WarmThroughput | None) -> bool:
    """Return whether both sides bear what they shall; more is no fault, since none is lowered."""
    return found is not None and found.read >= wanted.read and found.write >= wanted.write


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingPolicy:
    """One target tracking policy of Application Auto Scaling, the only kind that DynamoDB has."""

    name: str
    tracking: Mapping[str, Any]
    """The TargetTrackingScalingPolicyConfiguration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """The autoscaling of one side of a table or an index."""

    index: str
    """The index's name, or ``WHOLE``."""
    side: Literal["Read", "Write"]
    least: int
    most: int
    """The bounds in capacity units."""
    suspended: Mapping[str, bool] = field(default_factory=dict)
    """The SuspendedState, where any part of it is suspended."""
    policies: tuple[ScalingPolicy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinesis:
    """A Kinesis stream that gets a record of each change."""

    stream_arn: str
    precision: str | None
    """The ApproximateCreationDateTimePrecision, where the service tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """What other services and calls than CreateTable's give to a table."""

    scaling: tuple[Scaling, ...] = ()
    """By index, then side, so that equal tables give equal plans (I7)."""
    kinesis: tuple[Kinesis, ...] = ()
    insights: Mapping[str, str] = field(default_factory=dict)
    """The ContributorInsightsMode by index, where insights are on."""
    warm: Mapping[str, WarmThroughput] = field(default_factory=dict)
    """The warm throughput by index, where the service tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDescription:
    """What DescribeTable says of a table."""

    name: str
    arn: str
    table_id: str | None
    """Changes when a table is deleted and made again; some emulators have none."""
    status: str
    key: KeySchema
    indexes: Indexes
    billing: Literal["on-demand"] | Provisioned
    deletion_protection: bool
    stream: str | None
    """The stream's view type, where one is on."""
    table_class: str | None
    sse: Mapping[str, Any] | None
    """The SSESpecification that makes a table encrypted the same way."""
    replicas: tuple[str, ...]
    item_count: int
    """About how many items there are; refreshed every six hours or so."""
    size_bytes: int
    index_billing: Mapping[str, Provisioned] = field(default_factory=dict)
    """The provisioned capacity of each global index, which is its own, by the index's name."""
    on_demand: Mapping[str, int] = field(default_factory=dict)
    """The table's OnDemandThroughput, where somebody set an upper bound."""
    index_on_demand: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """The same of global indexes, by the index's name."""
    vector_indexes: tuple[str, ...] = ()
    warm: Mapping[str, WarmThroughput] = field(default_factory=dict)
    """The warm throughput by index, as it is just now."""

    def arn_beside(self, table: str) -> str:
        """Return the ARN of the table called ``table`` in the same account and Region."""
        return f"{self.arn.rpartition('/')[0]}/{table}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """Everything about a table that a rebuilt one must have again."""

    description: TableDescription
    ttl: str | None
    pitr: bool
    pitr_days: int | None
    tags: Mapping[str, str]
    policy: str | None
    unkept: tuple[str, ...]
    """What the table has and this version cannot carry over: ``vector indexes``, …"""
    attached: Attached = field(default_factory=Attached)
