"""What DynamoDB's time to live deletes, and what it ignores."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

LEFT_ALONE_SECONDS = 5 * 365 * 86_400
"""Older expiry times are ignored; developer guide, "How it works: Time to Live"."""


def has_expired(item: Mapping[str, Any], attribute: str, now: int) -> bool:
    """Return whether an item, as DynamoDB JSON, may have been deleted by time to live.

    It may if its ``attribute`` is a number of seconds before ``now``, but not by more than five
    years; both count from the Unix epoch.
    """
    value = item.get(attribute, {}).get("N")
    if not isinstance(value, str):
        return False
    return now - LEFT_ALONE_SECONDS <= Decimal(value) <= now
