"""Reads. Scan of a table is done here, in the order of hashes; moto does the rest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.api_error import invalid
from retable.runner.sandbox.dynamodb.attribute_values import stored_attributes
from retable.runner.sandbox.dynamodb.capacity import Units, sizes_of
from retable.runner.sandbox.dynamodb.key_shape import check_key, key_of, shape_of
from retable.runner.sandbox.dynamodb.stored_items import (
    HASH_SPACE,
    StoredItem,
    find,
    hash_of,
    items_in,
    key_text,
    partitions_of,
    sort_place,
    typed_of,
)
from retable.runner.sandbox.sandbox_state import State

PAGE_BYTES = 1024 * 1024
"""A page ends with the item that reaches this size; "Scan" in the API reference."""
MAX_SEGMENTS = 1_000_000
LEFT_TO_MOTO = ("IndexName", "ProjectionExpression", "AttributesToGet", "ScanFilter")


@dataclass(slots=True)
class _Page:
    """One page of a scan in progress."""

    items: list[Item]
    size: int = 0
    last: Item | None = None
    """The item after which the next page begins."""


def scan(state: State, call: Call) -> dict[str, Any]:
    """Answer Scan."""
    table = state.data_table(call.region, call.table_name)
    first, end = _segment(call.body)
    limit = call.body.get("Limit")
    if limit is not None and limit < 1:
        message = (
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1"
        )
        raise invalid(message)
    if any(name in call.body for name in LEFT_TO_MOTO):
        return state.forward(call)
    page = _page(table, call.body, first, end, limit)
    return _answer(table, call.body, page)


def get_item(state: State, call: Call) -> dict[str, Any]:
    """Answer GetItem."""
    table = state.data_table(call.region, call.table_name)
    key, _ = stored_attributes(call.body.get("Key"))
    check_key(key, shape_of(table))
    found = find(table, key)
    answer = {} if found is None else {"Item": found.typed}
    if found is not None and any(name in call.body for name in LEFT_TO_MOTO):
        answer = state.forward(call, {**call.body, "Key": key})
    size = 0 if found is None else found.stored_bytes()
    return _with_capacity(answer, table, call.body, size)


def query(state: State, call: Call) -> dict[str, Any]:
    """Answer Query."""
    table = state.data_table(call.region, call.table_name)
    answer = state.forward(call)
    return _with_capacity(answer, table, call.body, sizes_of(answer.get("Items", [])))


def batch_get_item(state: State, call: Call) -> dict[str, Any]:
    """Answer BatchGetItem."""
    for name, request in call.body.get("RequestItems", {}).items():
        shape = shape_of(state.data_table(call.region, name))
        for key in request.get("Keys", []):
            check_key(stored_attributes(key)[0], shape)
    return state.forward(call)


def _segment(body: dict[str, Any]) -> tuple[int, int]:
    """Return the range of hashes that a scan covers."""
    segment, total = body.get("Segment"), body.get("TotalSegments")
    if segment is None and total is None:
        return 0, HASH_SPACE
    if segment is None or total is None:
        missing = "Segment" if segment is None else "TotalSegments"
        given = "TotalSegments" if segment is None else "Segment"
        message = (
            f"The {missing} parameter is required but was not present in the request when "
            f"parameter {given} is present"
        )
        raise invalid(message)
    if not 1 <= total <= MAX_SEGMENTS:
        message = (
            f"1 validation error detected: Value '{total}' at 'totalSegments' failed to satisfy "
            f"constraint: Member must have value between 1 and {MAX_SEGMENTS}"
        )
        raise invalid(message)
    if not 0 <= segment < total:
        message = (
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )
        raise invalid(message)
    return HASH_SPACE * segment // total, HASH_SPACE * (segment + 1) // total


def _page(table: Table, body: dict[str, Any], first: int, end: int, limit: int | None) -> _Page:
    """Read items until the page is full."""
    page = _Page([])
    for item in _from(table, body.get("ExclusiveStartKey"), first, end):
        page.items.append(item)
        page.size += item.stored_bytes() if isinstance(item, StoredItem) else item.size()
        if page.size >= PAGE_BYTES or len(page.items) == limit:
            # There may be nothing after it: then the next page is empty, as in the service.
            page.last = item
            break
    return page


def _from(table: Table, start: dict[str, Any] | None, first: int, end: int) -> Iterator[Item]:
    """Yield the items of a range of hashes after the key ``start``."""
    partitions = partitions_of(table)
    if start is None:
        for _, _, content in partitions.walk(first, end):
            yield from items_in(content)
        return
    key, _ = stored_attributes(start)
    check_key(key, shape_of(table))
    partition = DynamoType(key[table.hash_key_attr])
    place, text = hash_of(partition), key_text(partition)
    if not first <= place < end:
        message = "The provided Exclusive start key does not map to the provided Segment"
        raise invalid(message)
    after = None
    if table.range_key_attr is not None:
        after = sort_place(DynamoType(key[table.range_key_attr]))
    for current, current_text, content in partitions.walk(place, end):
        if (current, current_text) > (place, text):
            yield from items_in(content)
        elif (current, current_text) == (place, text) and after is not None:
            yield from (item for item in items_in(content) if _sorts_after(item, after))


def _sorts_after(item: Item, after: Any) -> bool:
    """Return whether ``item`` comes after a sort key value in its partition."""
    return item.range_key is not None and bool(sort_place(item.range_key) > after)


def _answer(table: Table, body: dict[str, Any], page: _Page) -> dict[str, Any]:
    """Return a page as Scan's answer; the filter applies after the page is read."""
    found = page.items
    if "FilterExpression" in body:
        keep = get_filter_expression(
            body["FilterExpression"],
            body.get("ExpressionAttributeNames", {}),
            body.get("ExpressionAttributeValues", {}),
        )
        found = [item for item in found if keep.expr(item)]
    answer: dict[str, Any] = {"Count": len(found), "ScannedCount": len(page.items)}
    if body.get("Select") != "COUNT":
        answer["Items"] = [typed_of(item) for item in found]
    if page.last is not None:
        answer["LastEvaluatedKey"] = key_of(typed_of(page.last), shape_of(table))
    return _with_capacity(answer, table, body, page.size)


def _with_capacity(
    answer: dict[str, Any], table: Table, body: dict[str, Any], size: int
) -> dict[str, Any]:
    """Return the answer with the real consumed capacity, if requested."""
    detail = body.get("ReturnConsumedCapacity", "NONE")
    answer.pop("ConsumedCapacity", None)
    if detail != "NONE":
        units = Units()
        units.add_read(size, consistent=bool(body.get("ConsistentRead")))
        answer["ConsumedCapacity"] = units.report(table.name, detail)
    return answer
