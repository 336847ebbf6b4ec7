"""A table's key and index keys, and the checks of an item's key values. Checks no other value."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from moto.dynamodb.models.table import Table

from retable.runner.sandbox.dynamodb.api_error import invalid, invalid_values

MAX_PARTITION_KEY_BYTES = 2048
MAX_SORT_KEY_BYTES = 1024
MISMATCH = "The provided key element does not match the schema"


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One attribute of a key."""

    name: str
    type: str
    is_partition: bool


@dataclass(frozen=True, slots=True)
class IndexShape:
    """An index: its key, and the attributes it holds (``None`` is all of them)."""

    name: str
    kind: Literal["GlobalSecondaryIndexes", "LocalSecondaryIndexes"]
    key: tuple[KeyPart, ...]
    attributes: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """The key and the indexes of a table."""

    name: str
    key: tuple[KeyPart, ...]
    indexes: tuple[IndexShape, ...]


def shape_of(table: Table) -> Shape:
    """Return the shape of moto's ``table``."""
    types = {entry["AttributeName"]: entry["AttributeType"] for entry in table.attr}
    key = _parts(table.schema, types)
    names = {part.name for part in key}
    return Shape(table.name, key, tuple(_indexes(table, types, names)))


def check_put(item: Mapping[str, Any], shape: Shape, *, in_batch: bool) -> None:
    """Check the keys of a whole item to write.

    Raises:
        ApiError: a table key is missing, of another type, empty or too long, or an index key is.
    """
    for part in shape.key:
        _check_table_key(item, part, in_batch=in_batch)
    for index in shape.indexes:
        for part in index.key:
            if part.name in item:
                _check_index_key(item[part.name], part, index.name)


def check_key(key: Mapping[str, Any], shape: Shape) -> None:
    """Check a key as GetItem, UpdateItem and DeleteItem take it.

    Raises:
        ApiError: it is not exactly the table's key, or a value is empty or too long.
    """
    if set(key) != {part.name for part in shape.key}:
        raise invalid(MISMATCH)
    for part in shape.key:
        _check_table_key(key, part, in_batch=True)


def key_of(item: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """Return the key attributes of a stored item."""
    return {part.name: item[part.name] for part in shape.key}


def _check_table_key(item: Mapping[str, Any], part: KeyPart, *, in_batch: bool) -> None:
    """Check one attribute of the table's key."""
    value = item.get(part.name)
    if value is None:
        if in_batch:
            raise invalid(MISMATCH)
        message = f"Missing the key {part.name} in the item"
        raise invalid_values(message)
    actual = next(iter(value))
    if actual != part.type:
        if in_batch:
            raise invalid(MISMATCH)
        message = f"Type mismatch for key {part.name} expected: {part.type} actual: {actual}"
        raise invalid_values(message)
    if value[actual] == "":
        kind = "string" if actual == "S" else "binary"
        message = (
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            f"cannot contain an empty {kind} value. Key: {part.name}"
        )
        raise invalid(message)
    _check_length(value, part)


def _check_index_key(value: Mapping[str, Any], part: KeyPart, index: str) -> None:
    """Check one present attribute of an index key."""
    actual = next(iter(value))
    if actual != part.type:
        message = (
            f"Type mismatch for Index Key {part.name} Expected: {part.type} Actual: {actual} "
            f"IndexName: {index}"
        )
        raise invalid_values(message)
    if value[actual] == "":
        kind = "string" if actual == "S" else "binary"
        message = (
            "One or more parameter values are not valid. A value specified for a secondary index "
            "key is not supported. The AttributeValue for a key attribute cannot contain an empty "
            f"{kind} value. IndexName: {index}, IndexKey: {part.name}"
        )
        raise invalid(message)
    _check_length(value, part)


def _check_length(value: Mapping[str, Any], part: KeyPart) -> None:
    """Refuse a key value that is too long."""
    size = _key_bytes(value)
    if part.is_partition and size > MAX_PARTITION_KEY_BYTES:
        # The blank is missing in the service's own text.
        message = "Size of hashkey has exceeded the maximum size limit of2048 bytes"
        raise invalid_values(message)
    if not part.is_partition and size > MAX_SORT_KEY_BYTES:
        message = "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
        raise invalid_values(message)


def _key_bytes(value: Mapping[str, Any]) -> int:
    """Return the bytes of a key value; a number is always short enough."""
    if "S" in value:
        return len(value["S"].encode())
    return len(base64.b64decode(value["B"])) if "B" in value else 0


def _parts(schema: list[dict[str, Any]], types: Mapping[str, str]) -> tuple[KeyPart, ...]:
    """Return a key schema with its types, partition first."""
    parts = [
        KeyPart(entry["AttributeName"], types[entry["AttributeName"]], entry["KeyType"] == "HASH")
        for entry in schema
    ]
    return tuple(sorted(parts, key=lambda part: not part.is_partition))


def _indexes(table: Table, types: Mapping[str, str], key: set[str]) -> Iterator[IndexShape]:
    """Yield the indexes of ``table``."""
    kinds: tuple[tuple[Any, Any], ...] = (
        ("GlobalSecondaryIndexes", table.global_indexes),
        ("LocalSecondaryIndexes", table.indexes),
    )
    for kind, indexes in kinds:
        for index in indexes:
            parts = _parts(index.schema, types)
            projected = None
            if index.projection.get("ProjectionType") != "ALL":
                extra = index.projection.get("NonKeyAttributes", ())
                projected = frozenset({*key, *(part.name for part in parts), *extra})
            yield IndexShape(index.name, kind, parts, projected)
