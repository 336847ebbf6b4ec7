"""Reading a table's items page by page, with patience where the table has no room for reads.

Nothing is deserialized: numbers stay text, binary becomes the base64 text of DynamoDB JSON.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.errors import THROTTLED, code_of
from retable.runner.clock import Clock
from retable.schema.spec import TypedItem

PATIENCE_SECONDS = 300.0
"""How long one page may be refused for want of capacity before the reading stops."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 20.0
BUSY = THROTTLED | {"InternalServerError", "ServiceUnavailable"}


def scan(
    client: Any,
    clock: Clock,
    request: Mapping[str, Any],
    spent: Callable[[float], None] | None = None,
) -> Iterator[list[TypedItem]]:
    """Yield the items that Scan's ``request`` asks for, page by page, as DynamoDB JSON.

    ``spent`` is told the read units of a page once its items have been taken; it may wait.

    Raises:
        ClientError: the service says no, or has had no room for a page for ``PATIENCE_SECONDS``.
        BotoCoreError: it does not answer.
    """
    told = {} if spent is None else {"ReturnConsumedCapacity": "TOTAL"}
    for page in pages(client, clock, {**request, **told}):
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
    """Return one page, asking again while the table has no room."""
    end = clock.monotonic() + PATIENCE_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            page: dict[str, Any] = client.scan(**request)
        except ClientError as error:
            # boto3 has tried a few times by now; a table with little capacity needs longer.
            if code_of(error) not in BUSY or clock.monotonic() >= end:
                raise
            # Segments read side by side, so each waits a little longer than the one before it.
            clock.sleep(pause * (1 + request.get("Segment", 0) / request.get("TotalSegments", 1)))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        else:
            return page


def as_json(item: Mapping[str, Any]) -> TypedItem:
    """Return an item as boto3 hands it out as DynamoDB JSON."""
    return {name: _as_json(value) for name, value in item.items()}


def _as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a typed value as DynamoDB JSON: boto3 hands binary out as bytes."""
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
