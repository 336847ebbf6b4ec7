"""BatchWriteItem: all of it is checked before any of it is written, as the service does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from moto.dynamodb.models.table import Table

from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.api_error import invalid
from retable.runner.sandbox.dynamodb.attribute_values import stored_attributes, stored_item
from retable.runner.sandbox.dynamodb.capacity import Units
from retable.runner.sandbox.dynamodb.key_shape import Shape, check_key, check_put, key_of, shape_of
from retable.runner.sandbox.dynamodb.stored_items import Typed, find, remove, store
from retable.runner.sandbox.faults import draw_unprocessed
from retable.runner.sandbox.sandbox_state import State

MAX_REQUESTS = 25
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Write:
    """One checked put or delete of a batch."""

    table: Table
    shape: Shape
    key: Typed
    item: Typed | None
    """``None`` for a delete."""
    size: int

    @property
    def identity(self) -> tuple[str, bytes]:
        """Return what must be unique within the batch; numbers are in stored form."""
        return self.shape.name, orjson.dumps([self.key[part.name] for part in self.shape.key])


def batch_write_item(state: State, call: Call) -> dict[str, Any]:
    """Answer BatchWriteItem."""
    requests = list(_requests(call))
    writes = list(_checked(state, call, requests))
    if len({write.identity for write in writes}) < len(writes):
        message = "Provided list of item keys contains duplicates"
        raise invalid(message)
    drawn = draw_unprocessed(state, call, requests)
    detail = call.body.get("ReturnConsumedCapacity", "NONE")
    units: dict[str, Units] = {}
    unprocessed: dict[str, list[Any]] = {}
    for write, (name, request), left in zip(writes, requests, drawn, strict=True):
        if left:
            unprocessed.setdefault(name, []).append(request)
            continue
        old = find(write.table, write.key) if detail != "NONE" else None
        new = None
        if write.item is None:
            remove(write.table, write.key)
        else:
            new = store(write.table, write.item, write.size)
        if detail != "NONE":
            units.setdefault(name, Units()).add_write(write.shape, old, new)
    answer: dict[str, Any] = {"UnprocessedItems": unprocessed}
    if detail != "NONE":
        answer["ConsumedCapacity"] = [
            used.report(name.rpartition("/")[2], detail) for name, used in units.items()
        ]
    return answer


def _requests(call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the batch's requests with their tables' names, after a check of the batch's size."""
    items = call.body.get("RequestItems")
    if not items:
        raise invalid(_constraint("Member must have length greater than or equal to 1"))
    if any(not 1 <= len(requests) <= MAX_REQUESTS for requests in items.values()):
        rule = (
            "Map value must satisfy constraint: [Member must have length less than or equal to 25,"
            " Member must have length greater than or equal to 1]"
        )
        raise invalid(_constraint(rule))
    if sum(len(requests) for requests in items.values()) > MAX_REQUESTS:
        message = "Too many items requested for the BatchWriteItem call"
        raise invalid(message)
    if int(call.environ.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
        message = "The request is larger than the 16 MB that BatchWriteItem takes"
        raise invalid(message)
    for name, requests in items.items():
        for request in requests:
            yield name, request


def _checked(
    state: State, call: Call, requests: list[tuple[str, dict[str, Any]]]
) -> Iterator[_Write]:
    """Yield the writes; values are checked before tables and keys."""
    stored = [_stored_request(request) for _, request in requests]
    shapes: dict[str, tuple[Table, Shape]] = {}
    for (name, _), (item, key, size) in zip(requests, stored, strict=True):
        if name not in shapes:
            table = state.data_table(call.region, name)
            shapes[name] = (table, shape_of(table))
        table, shape = shapes[name]
        if item is None:
            check_key(key, shape)
            yield _Write(table, shape, key, None, 0)
        else:
            check_put(item, shape, in_batch=True)
            yield _Write(table, shape, key_of(item, shape), item, size)


def _stored_request(request: dict[str, Any]) -> tuple[Typed | None, Typed, int]:
    """Return item (or ``None``), key (of a delete) and size of one request in stored form."""
    kinds = {"PutRequest", "DeleteRequest"} & set(request)
    if len(kinds) != 1:
        message = (
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
        raise invalid(message)
    if "PutRequest" in kinds:
        item, size = stored_item(request["PutRequest"].get("Item"))
        return item, {}, size
    key, _ = stored_attributes(request["DeleteRequest"].get("Key"))
    return None, key, 0


def _constraint(rule: str) -> str:
    """Return the error message of a broken constraint on ``RequestItems``."""
    return (
        f"1 validation error detected: Value at 'requestItems' failed to satisfy constraint: {rule}"
    )
