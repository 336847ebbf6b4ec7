"""A table's description and settings, as captured before the first change (I8). Makes no calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from retable.schema.spec import Indexes, KeySchema, Provisioned

WHOLE = ""
"""Represents the table itself in mappings by index name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmThroughput:
    """The warm throughput of a table or an index, in units per second."""

    read: int
    write: int


def is_warm(expected: WarmThroughput, found: WarmThroughput | None) -> bool:
    """Return whether both dimensions reach the expected ones; more is fine, as none is lowered."""
    return found is not None and found.read >= expected.read and found.write >= expected.write


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingPolicy:
    """One target tracking policy of Application Auto Scaling, the only kind that DynamoDB has."""

    name: str
    tracking: Mapping[str, Any]
    """The TargetTrackingScalingPolicyConfiguration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """The autoscaling of one capacity dimension of a table or an index."""

    index: str
    """The index's name, or ``WHOLE``."""
    side: Literal["Read", "Write"]
    least: int
    most: int
    """The minimum and maximum in capacity units."""
    suspended: Mapping[str, bool] = field(default_factory=dict)
    """The SuspendedState, where any part of it is suspended."""
    policies: tuple[ScalingPolicy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinesis:
    """A Kinesis stream that receives a record of each change."""

    stream_arn: str
    precision: str | None
    """The ApproximateCreationDateTimePrecision, if the service reports it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """Settings of a table that CreateTable does not take."""

    scaling: tuple[Scaling, ...] = ()
    """Sorted by index, then dimension, so that equal tables give equal plans (I7)."""
    kinesis: tuple[Kinesis, ...] = ()
    insights: Mapping[str, str] = field(default_factory=dict)
    """The ContributorInsightsMode by index, where insights are enabled."""
    warm: Mapping[str, WarmThroughput] = field(default_factory=dict)
    """The warm throughput by index, where the service reports it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDescription:
    """A table as DescribeTable returns it."""

    name: str
    arn: str
    table_id: str | None
    """Changes when a table is deleted and recreated; some emulators have none."""
    status: str
    key: KeySchema
    indexes: Indexes
    billing: Literal["on-demand"] | Provisioned
    deletion_protection: bool
    stream: str | None
    """The stream's view type, if a stream is enabled."""
    table_class: str | None
    sse: Mapping[str, Any] | None
    """The SSESpecification for the same encryption."""
    replicas: tuple[str, ...]
    item_count: int
    """The approximate number of items; updated about every six hours."""
    size_bytes: int
    index_billing: Mapping[str, Provisioned] = field(default_factory=dict)
    """The provisioned capacity of each global index, by the index's name."""
    on_demand: Mapping[str, int] = field(default_factory=dict)
    """The table's OnDemandThroughput, if a maximum is set."""
    index_on_demand: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """The same for global indexes, by the index's name."""
    vector_indexes: tuple[str, ...] = ()
    warm: Mapping[str, WarmThroughput] = field(default_factory=dict)
    """The current warm throughput by index."""

    def arn_beside(self, table: str) -> str:
        """Return the ARN of ``table`` in the same account and Region."""
        return f"{self.arn.rpartition('/')[0]}/{table}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """Every setting that a rebuild must restore."""

    description: TableDescription
    ttl: str | None
    pitr: bool
    pitr_days: int | None
    tags: Mapping[str, str]
    policy: str | None
    unkept: tuple[str, ...]
    """Features of the table that this version cannot carry over: ``vector indexes``, …"""
    attached: Attached = field(default_factory=Attached)
