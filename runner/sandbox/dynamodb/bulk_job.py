"""One import from S3 or one bulk operation."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class BulkJob:
    """An import or a bulk operation: its request, its outcome, and when it ends."""

    arn: str
    token: str
    parameters: dict[str, Any]
    started: float
    ready: float
    status: str
    processed: int = 0
    failed: int = 0
    size: int = 0
    failure: tuple[str, str] | None = None
    more: dict[str, Any] = field(default_factory=dict)
    """Members that only this kind of job returns."""
