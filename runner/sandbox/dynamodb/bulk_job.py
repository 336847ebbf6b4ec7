"""One import from S3 or one bulk operation."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class BulkJob:
    """An import or a bulk operation: what was asked, how it ends, and from when on it has."""

    arn: str
    token: str
    asked: dict[str, Any]
    started: float
    ready: float
    status: str
    processed: int = 0
    failed: int = 0
    size: int = 0
    failure: tuple[str, str] | None = None
    more: dict[str, Any] = field(default_factory=dict)
    """What only this kind of job tells."""
