"""Sandboxes for tests: a clock that only moves when told, and the usual first requests."""

import json
import urllib.request
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from support.dynamodb_wire import Wire
from support.patience import PATIENCE_SECONDS

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/{}"
START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        self._passed += seconds


def create(wire: Wire, name: str = "orders", **more: Any) -> dict[str, Any]:
    """Create a table keyed by the string ``id`` and return CreateTable's description."""
    body = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        **more,
    }
    return dict(wire.done("CreateTable", body)["TableDescription"])


def put(wire: Wire, number: int, table: str = "orders", **attributes: Any) -> None:
    """Put the item with the id ``o-<number>``."""
    item = {"id": {"S": f"o-{number}"}, **attributes}
    wire.done("PutItem", {"TableName": table, "Item": item})


def count(wire: Wire, table: str = "orders") -> int:
    """Return how many items a table holds."""
    return int(wire.done("Scan", {"TableName": table, "Select": "COUNT"})["Count"])


def enable_recovery(wire: Wire, table: str = "orders") -> None:
    """Turn point-in-time recovery on."""
    wanted = {"PointInTimeRecoveryEnabled": True}
    body = {"TableName": table, "PointInTimeRecoverySpecification": wanted}
    wire.done("UpdateContinuousBackups", body)


def set_faults(endpoint: str, **faults: Any) -> dict[str, Any]:
    """Put faults in force and return the sandbox's report."""
    return control(endpoint, "faults", faults)


def control(endpoint: str, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the sandbox itself."""
    request = urllib.request.Request(f"{endpoint}/_retable/{what}")  # noqa: S310 -- loopback
    if body is not None:
        request.data = json.dumps(body).encode()
    with _opened(request) as answer:
        return dict(json.loads(answer.read()))


def _opened(request: urllib.request.Request) -> AbstractContextManager[Any]:
    opened: AbstractContextManager[Any] = urllib.request.urlopen(request, timeout=PATIENCE_SECONDS)  # noqa: S310
    return opened
