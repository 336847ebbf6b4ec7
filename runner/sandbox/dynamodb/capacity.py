"""The write and read units that requests consume, by the real sizes, indexes included."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from retable.runner.sandbox.dynamodb.attribute_values import item_bytes
from retable.runner.sandbox.dynamodb.key_shape import IndexShape, Shape
from retable.runner.sandbox.dynamodb.stored_items import StoredItem

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096

Typed = Mapping[str, Any]


@dataclass(slots=True)
class Units:
    """Units consumed on one table: its own, and those of each index."""

    table: float = 0.0
    indexes: dict[tuple[str, str], float] = field(default_factory=dict)
    """By kind of index and its name."""

    def add_write(self, shape: Shape, old: StoredItem | None, new: StoredItem | None) -> None:
        """Add one item's write: ``old`` is the item before, ``new`` the item after."""
        sizes = [item.stored_bytes() for item in (old, new) if item is not None]
        self.table += _write_units(max(sizes, default=0))
        for index in shape.indexes:
            units = _index_units(index, old, new)
            if units:
                place = (index.kind, index.name)
                self.indexes[place] = self.indexes.get(place, 0.0) + units

    def add_read(self, size: int, *, consistent: bool) -> None:
        """Add a read of ``size`` bytes."""
        units = max(1, math.ceil(size / READ_UNIT_BYTES))
        self.table += units if consistent else units / 2

    @property
    def total(self) -> float:
        """Return the units of table and indexes together."""
        return self.table + sum(self.indexes.values())

    def report(self, name: str, detail: str) -> dict[str, Any]:
        """Return ``ConsumedCapacity`` for a ``ReturnConsumedCapacity`` of ``detail``."""
        answer: dict[str, Any] = {"TableName": name, "CapacityUnits": self.total}
        if detail == "INDEXES":
            answer["Table"] = {"CapacityUnits": self.table}
            for (kind, index), units in self.indexes.items():
                answer.setdefault(kind, {})[index] = {"CapacityUnits": units}
        return answer


def sizes_of(items: Iterable[Typed]) -> int:
    """Return the total bytes of ``items``."""
    return sum(item_bytes(item) for item in items)


def _index_units(index: IndexShape, old: StoredItem | None, new: StoredItem | None) -> int:
    """Return what one write consumes on ``index``: nothing if its entry does not change."""
    before, after = _entry(index, old), _entry(index, new)
    if before == after:
        return 0
    if before is None or after is None:
        return _entry_units(index, old if after is None else new, before or after or {})
    if all(before[part.name] == after[part.name] for part in index.key):
        return max(_entry_units(index, old, before), _entry_units(index, new, after))
    # A changed key is a delete and an insert.
    return _entry_units(index, old, before) + _entry_units(index, new, after)


def _entry(index: IndexShape, item: StoredItem | None) -> Typed | None:
    """Return the entry of ``item`` in ``index``; ``None`` if the index omits the item."""
    typed = None if item is None else item.typed
    if typed is None or any(part.name not in typed for part in index.key):
        return None
    if index.attributes is None:
        return typed
    return {name: value for name, value in typed.items() if name in index.attributes}


def _entry_units(index: IndexShape, item: StoredItem | None, entry: Typed) -> int:
    """Return the write units of an index entry; a full one is as large as its item."""
    whole = index.attributes is None and item is not None
    return _write_units(item.stored_bytes() if whole and item else item_bytes(entry))


def _write_units(size: int) -> int:
    """Return the write units of ``size`` bytes."""
    return max(1, math.ceil(size / WRITE_UNIT_BYTES))
