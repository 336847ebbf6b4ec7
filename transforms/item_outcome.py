"""The outcome of one exported item: kept, dropped or rejected.

Named tuples, because millions of them are created: they cost a third of a frozen dataclass.
"""

from typing import NamedTuple

from retable.schema.reasons import Reason

Digest = tuple[int, int]
"""BLAKE2b-128 of an item's canonical form as two unsigned 64-bit halves, high first."""


class Result(NamedTuple):
    """One target item.

    ``item_json`` is the attribute map as DynamoDB JSON (UTF-8, no ``Item`` wrapper, numbers
    normalised); ``key`` the canonical JSON of its key attributes, which identifies the item and is
    equal for equal keys (``{"id":{"N":"1"}}`` for 1, 1.0 and 1e0); ``size`` DynamoDB's own byte
    count; ``rank`` sorts bytewise as the collision's expression does, if the spec names a
    winner.
    """

    item_json: bytes
    key: str
    digest: Digest
    size: int
    rank: bytes | None = None


class Kept(NamedTuple):
    """The item becomes these target items: one, or as many as ``transform.items`` makes of it."""

    results: tuple[Result, ...]


class Dropped(NamedTuple):
    """``where`` was falsy."""


class Rejected(NamedTuple):
    """The item cannot become a target item. ``detail`` may name attributes, never their values."""

    reason: Reason
    detail: str


Outcome = Kept | Dropped | Rejected
