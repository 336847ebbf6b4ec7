"""Items as the sandbox stores them in moto's tables, so that moto's own code still works.

moto turns every value into an object, sorts the whole table for every page of a scan and measures
items by its own rule. Here an item stays the JSON it was stored as until moto reads it, and a
table keeps its partitions by hash, so that writes and scans have the expected cost.
"""

import base64
import copy
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from moto.dynamodb.models import table as moto_table
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import StreamShard, Table

from retable.runner.sandbox.dynamodb.attribute_values import item_bytes, stored_item
from retable.runner.sandbox.dynamodb.projection import projected

BUCKETS = 4096
"""Slices of the hash space; a page of a scan sorts only the slices it touches."""
HASH_SPACE = 2**32

Typed = dict[str, Any]


class StoredItem(Item):
    """One item. ``typed`` is DynamoDB JSON; moto's ``attrs`` are created when moto reads them."""

    def __init__(
        self, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]
    ) -> None:
        """Store ``attrs`` from moto as JSON, once DynamoDB's rules allow it."""
        self.hash_key = hash_key
        self.range_key = range_key
        typed, size = stored_item(_plain(attrs))
        self._typed: Typed | None = typed
        self._bytes: int | None = size
        self._attrs: LimitedSizeDict | None = None

    @classmethod
    def of(
        cls,
        hash_key: DynamoType,
        range_key: DynamoType | None,
        typed: Typed,
        size: int | None = None,
    ) -> "StoredItem":
        """Return an item for ``typed``, which is not copied; ``size`` is its bytes if known.

        moto's own constructor would also keep it in a list of all instances forever.
        """
        item: StoredItem = object.__new__(cls)
        item.hash_key, item.range_key = hash_key, range_key
        item._typed, item._attrs, item._bytes = typed, None, size
        return item

    @property
    def typed(self) -> Typed:
        """Return the item as JSON. It is shared and must not be changed."""
        if self._typed is not None:
            return self._typed
        return {name: _plain(value) for name, value in (self._attrs or {}).items()}

    @property
    def attrs(self) -> LimitedSizeDict:
        """Return moto's view of the item. From then on it may change, so it is authoritative."""
        if self._attrs is None:
            # Copied, because moto changes sets in place and a backup may share the JSON.
            copied = _plain(self._typed or {})
            values = {name: DynamoType(value) for name, value in copied.items()}
            self._attrs = LimitedSizeDict(values)
            self._typed = self._bytes = None
        return self._attrs

    @attrs.setter
    def attrs(self, value: LimitedSizeDict) -> None:
        """Replace the item by moto's view."""
        self._attrs = value
        self._typed = self._bytes = None

    def stored_bytes(self) -> int:
        """Return DynamoDB's size of the item; moto's ``size`` differs."""
        if self._bytes is None:
            return item_bytes(self.typed)
        return self._bytes

    def project(self, projection_expressions: list[list[str]]) -> "StoredItem":
        """Return the item with only the named paths.

        moto's own projection uses Python numbers, which keep at most 38 digits.
        """
        return StoredItem.of(
            self.hash_key, self.range_key, projected(self.typed, projection_expressions)
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> "StoredItem":
        """Return a copy that shares the JSON, which is never changed."""
        if self._typed is None:
            self._typed = self.typed
            self._attrs = None
        twin = StoredItem.of(self.hash_key, self.range_key, self._typed, self._bytes)
        memo[id(self)] = twin
        return twin


class Partitions(defaultdict[DynamoType, Any]):
    """``Table.items``: the item, or the items by sort key, of each partition key value."""

    def __init__(self) -> None:
        """Begin empty; reading an absent partition creates it, as moto expects."""
        super().__init__(dict)
        self._buckets: list[dict[DynamoType, int]] = [{} for _ in range(BUCKETS)]

    def __missing__(self, key: DynamoType) -> dict[DynamoType, Item]:
        """Create a partition."""
        partition: dict[DynamoType, Item] = {}
        self[key] = partition
        return partition

    def __setitem__(self, key: DynamoType, value: Any) -> None:
        """Store a partition and its place in the hash space."""
        if key not in self:
            place = hash_of(key)
            self._buckets[place * BUCKETS // HASH_SPACE][key] = place
        super().__setitem__(key, value)

    def pop(self, key: DynamoType, *default: Any) -> Any:
        """Remove a partition."""
        self._buckets[hash_of(key) * BUCKETS // HASH_SPACE].pop(key, None)
        return super().pop(key, *default)

    def __delitem__(self, key: DynamoType) -> None:
        """Remove a partition."""
        self.pop(key)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Partitions":
        """Return a copy with its own partitions and its own items."""
        twin = Partitions()
        memo[id(self)] = twin
        for key, value in self.items():
            twin[key] = copy.deepcopy(value, memo)
        return twin

    def walk(self, first: int, end: int) -> Iterator[tuple[int, str, Any]]:
        """Yield hash, tie-breaker and content of the partitions whose hash is in the range.

        They come in the order of their hashes, which is the order of a scan.
        """
        for number in range(first * BUCKETS // HASH_SPACE, (end - 1) * BUCKETS // HASH_SPACE + 1):
            bucket = self._buckets[number]
            places = sorted((place, key_text(key), key) for key, place in bucket.items())
            for place, text, key in places:
                if first <= place < end and key in self:
                    yield place, text, self[key]


def partitions_of(table: Table) -> Partitions:
    """Return ``table.items``, converted to ours if moto created the table."""
    if not isinstance(table.items, Partitions):
        ours = Partitions()
        for key, value in table.items.items():
            ours[key] = value
        table.items = ours
    return table.items


def items_of(table: Table) -> Iterator[Item]:
    """Yield every item of ``table`` in the order of a scan."""
    for _, _, content in partitions_of(table).walk(0, HASH_SPACE):
        yield from items_in(content)


def items_in(content: Any) -> list[Item]:
    """Return the items of one partition in the order of their sort keys."""
    if isinstance(content, Item):
        return [content]
    return [content[key] for key in sorted(content, key=sort_place)]


def typed_of(item: Item) -> Typed:
    """Return any moto item as DynamoDB JSON."""
    if isinstance(item, StoredItem):
        return item.typed
    return {name: _plain(value) for name, value in item.attrs.items()}


def find(table: Table, key: Typed) -> StoredItem | None:
    """Return the item with ``key``, without creating a partition for it."""
    content = partitions_of(table).get(DynamoType(key[table.hash_key_attr]))
    if table.range_key_attr is not None:
        content = (content or {}).get(DynamoType(key[table.range_key_attr]))
    if content is None or isinstance(content, StoredItem):
        return content
    return StoredItem.of(content.hash_key, content.range_key, typed_of(content))


def store(table: Table, typed: Typed, size: int | None = None) -> StoredItem:
    """Write a whole item and return it.

    ``typed`` is in stored form and must not be changed afterwards; ``size`` is its bytes if known.
    """
    hash_key = DynamoType(typed[table.hash_key_attr])
    if table.range_key_attr is None:
        item = StoredItem.of(hash_key, None, typed, size)
        partitions_of(table)[hash_key] = item
        return item
    range_key = DynamoType(typed[table.range_key_attr])
    item = StoredItem.of(hash_key, range_key, typed, size)
    partitions_of(table)[hash_key][range_key] = item
    return item


def remove(table: Table, key: Typed) -> None:
    """Delete an item; do nothing if it does not exist."""
    partitions = partitions_of(table)
    hash_key = DynamoType(key[table.hash_key_attr])
    if table.range_key_attr is None:
        partitions.pop(hash_key, None)
        return
    partition = partitions.get(hash_key, {})
    partition.pop(DynamoType(key[table.range_key_attr]), None)
    if not partition:
        partitions.pop(hash_key, None)


def hash_of(key: DynamoType) -> int:
    """Return the place of a partition key value in the hash space."""
    return zlib.crc32(key_text(key).encode())


def key_text(key: DynamoType) -> str:
    """Return a partition key value as a string, the same for equal values (stored normalized)."""
    return f"{key.type}{key.value}"


def sort_place(key: DynamoType) -> Any:
    """Return the sort order of a sort key value: numbers by value, the rest by bytes."""
    if key.type == "N":
        return key.cast_value
    return key.value.encode() if key.type == "S" else base64.b64decode(key.value)


def patch_moto() -> None:
    """Make moto store items our way. Idempotent."""
    # PartiQL, transactions and UpdateItem go through moto's Table, which creates its items here.
    setattr(moto_table, "Item", StoredItem)  # noqa: B010 -- moto does not export the name
    # moto refuses from 405,000 bytes by its own sizes; we measure before and after it runs.
    LimitedSizeDict.__setitem__ = dict.__setitem__  # type: ignore[method-assign]
    # No client reads a stream here, and keeping every image of every item would fill the memory.
    setattr(StreamShard, "add", _keep_nothing)  # noqa: B010 -- mypy refuses to assign to a method


def _keep_nothing(_self: StreamShard, _old: Item | None, _new: Item | None) -> None:
    """Discard a stream record."""


def _plain(value: Any) -> Any:
    """Return ``value`` as DynamoDB JSON without moto's objects and with binary as base64."""
    if isinstance(value, DynamoType):
        return {value.type: _plain(value.value)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | set | tuple):
        return [_plain(inner) for inner in value]
    return value
