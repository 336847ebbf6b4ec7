"""Reads a table's items page by page, and retries throttled reads for a while.

Nothing is deserialized: numbers stay strings, binary becomes the base64 of DynamoDB JSON.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.errors import THROTTLED, code_of
from retable.runner.clock import Clock
from retable.schema.spec import TypedItem

PATIENCE_SECONDS = 300.0
"""How long one page may be throttled before reading stops."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 20.0
BUSY = THROTTLED | {"InternalServerError", "ServiceUnavailable"}


def scan(
    client: Any,
    clock: Clock,
    request: Mapping[str, Any],
    spent: Callable[[float], None] | None = None,
) -> Iterator[list[TypedItem]]:
    """Yield the items of Scan's ``request``, page by page, as DynamoDB JSON.

    ``spent`` gets the read units of a page once its items have been consumed; it may wait.

    Raises:
        ClientError: the service refuses, or throttles a page for ``PATIENCE_SECONDS``.
        BotoCoreError: the service does not answer.
    """
    capacity = {} if spent is None else {"ReturnConsumedCapacity": "TOTAL"}
    for page in pages(client, clock, {**request, **capacity}):
        yield [as_json(item) for item in page["Items"]]
        if spent is not None:
            spent(float(page.get("ConsumedCapacity", {}).get("CapacityUnits", 0)))


def pages(client: Any, clock: Clock, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield Scan's answers until the last one. A page may be empty and not be the last.

    Raises:
        ClientError: as ``scan``.
        BotoCoreError: as ``scan``.
    """
    start: dict[str, Any] = {}
    while True:
        page = _page(client, clock, {**request, **start})
        yield page
        if not page.get("LastEvaluatedKey"):
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _page(client: Any, clock: Clock, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return one page, retrying while reads are throttled."""
    end = clock.monotonic() + PATIENCE_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            page: dict[str, Any] = client.scan(**request)
        except ClientError as error:
            # boto3 has already retried; a table with little capacity needs longer.
            if code_of(error) not in BUSY or clock.monotonic() >= end:
                raise
            # Segments are read in parallel, so each one waits a little longer than the one before.
            clock.sleep(pause * (1 + request.get("Segment", 0) / request.get("TotalSegments", 1)))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        else:
            return page


def as_json(item: Mapping[str, Any]) -> TypedItem:
    """Return an item from boto3 as DynamoDB JSON."""
    return {name: _as_json(value) for name, value in item.items()}


def _as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a typed value as DynamoDB JSON: boto3 returns binary as bytes."""
    [(kind, inner)] = value.items()
    match kind:
        case "B":
            return {kind: base64.b64encode(inner).decode()}
        case "BS":
            return {kind: [base64.b64encode(member).decode() for member in inner]}
        case "L":
            return {kind: [_as_json(member) for member in inner]}
        case "M":
            return {kind: {name: _as_json(member) for name, member in inner.items()}}
        case _:
            return {kind: inner}
