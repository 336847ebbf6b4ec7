"""What a table is and how it is set up, as captured before the first change (I8). Asks nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retable.schema.spec import Indexes, KeySchema, Provisioned


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
    """What the table has and this version cannot carry over: ``autoscaling``, …"""
