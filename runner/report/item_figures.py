"""The parts of a report about the items: their sizes, attributes, collisions and differences.

They are raw, like the rest of ``Report``. They may hold keys, and other values only if the user
requested them. A list that was cut comes with the total.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

DifferenceKind = Literal["missing", "extra", "different"]
Typed = Mapping[str, Any]
"""One value as DynamoDB JSON: ``{"S": "…"}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The items that a dry run read, if it did not read all of them.

    Every figure of such a report is the sample's; for all items it is an estimate.
    """

    items: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeBar:
    """The number of items of at most ``up_to`` bytes and more than the previous bar's."""

    up_to: int
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedItem:
    """One item by its key, its size in bytes and the line it comes from (``file:line``)."""

    key: Mapping[str, Any]
    bytes: int
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The sizes of the items to load, by DynamoDB's own count of bytes."""

    items: int
    bytes: int
    largest: int
    write_units: int
    """What writing each of them once takes, for the table alone."""
    histogram: tuple[SizeBar, ...] = ()
    largest_items: tuple[SizedItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute's name, and the number of items by DynamoDB type."""

    name: str
    types: Mapping[str, int]

    @property
    def items(self) -> int:
        """Return how many items have it at all."""
        return sum(self.types.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntries:
    """How many of the counted items have every key attribute of an index, and so an entry in it."""

    index: str
    attributes: tuple[str, ...]
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """The attributes of items before and after the mapping, most frequent first.

    They were counted over ``items_before`` source items and the ``items_after`` target items from
    them: all items, or an even sample of a large export. ``names_*`` count the distinct names.
    """

    items_before: int
    items_after: int
    before: tuple[Attribute, ...] = ()
    after: tuple[Attribute, ...] = ()
    names_before: int = 0
    names_after: int = 0
    indexes: tuple[IndexEntries, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One target partition key and the load on it."""

    key: Mapping[str, Any]
    items: int
    write_units: int
    units_per_second: int | None = None
    """Its share of the planned rate; ``None`` if no rate is planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """How the load spreads over the target's partition keys; ``hottest`` by write units."""

    keys: int
    write_units: int
    hottest: tuple[Partition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectGroup:
    """Items rejected for one reason and detail; ``examples`` are lines (``file:line``)."""

    reason: str
    detail: str
    """Names attributes, never their values."""
    items: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CollisionExample:
    """One target key that several items share, the first of their lines, and the winner."""

    key: Mapping[str, Any]
    items: int
    places: tuple[str, ...]
    winner: str | None = None
    """``None``: no winner, because the spec declares none or the best ones tie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollisionSummary:
    """Several source items with one target key: ``items`` of them share ``keys`` keys.

    ``unresolved`` keys have no winner, because the spec declares none or the items tie.
    """

    keys: int = 0
    items: int = 0
    unresolved: int = 0
    examples: tuple[CollisionExample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The progress of the load, this many seconds after it began."""

    seconds: float
    items: int
    throttled: bool = False
    """Whether writes were throttled since the previous moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """Both sides' items by bucket (a byte of the item's digest), and the buckets that differ."""

    expected: tuple[int, ...]
    actual: tuple[int, ...]
    differing: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeChange:
    """One attribute in which an item differs: its types, ``None`` where it is absent.

    The values are present only if the user requested them.
    """

    name: str
    expected_type: str | None
    actual_type: str | None
    expected: Typed | None = None
    actual: Typed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRow:
    """One item in which the table and the ledger differ, named by its key."""

    kind: DifferenceKind
    key: Mapping[str, Any]
    """The key attributes as DynamoDB JSON (``{"id": {"N": "1"}}``), partition key first."""
    place: str | None = None
    """The exported line it comes from (``file:line``); ``None`` for an extra one."""
    changes: tuple[AttributeChange, ...] = ()
    """What differs, if both sides could be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """What a dry run found out about the items."""

    sizes: Sizes
    attributes: Attributes
    partitions: Partitions | None
    """``None`` if the table has no sort key: every partition key has one item at most."""
    rejects: tuple[RejectGroup, ...]
    collisions: tuple[CollisionExample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPart:
    """One attribute of a key schema."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """How the key changes, and the attributes that expressions produce (``name``: expression)."""

    key_before: tuple[KeyPart, ...] | None
    """``None`` if the source table was not read."""
    key_after: tuple[KeyPart, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
