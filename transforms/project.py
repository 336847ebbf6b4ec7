"""Digests over chosen attributes: items are the same if they agree in these.

Nothing but the digest changes; what is written to the table is the whole item.
"""

from collections.abc import Collection
from typing import Protocol

import orjson

from retable.transforms.canonical import digest, serialize
from retable.transforms.outcome import Kept, Outcome, Result


class LineMapping(Protocol):
    """What becomes of an exported line."""

    def apply(self, line: bytes, /) -> Outcome:
        """Return what becomes of ``line``."""
        ...


class Projected:
    """A mapping whose digests are taken over some attributes only. It pickles if that does."""

    def __init__(self, mapping: LineMapping, attributes: Collection[str]) -> None:
        """Take digests over ``attributes``; an attribute an item lacks counts as absent."""
        self._mapping = mapping
        self._attributes = frozenset(attributes)

    def apply(self, line: bytes) -> Outcome:
        """Return what becomes of ``line``, as the mapping says."""
        outcome = self._mapping.apply(line)
        if not isinstance(outcome, Kept):
            return outcome
        return Kept(tuple(project(result, self._attributes) for result in outcome.results))


def project(result: Result, attributes: Collection[str]) -> Result:
    """Return ``result`` with its digest taken over ``attributes`` only."""
    item = orjson.loads(result.item_json)
    chosen = {name: typed for name, typed in item.items() if name in attributes}
    return result._replace(digest=digest(serialize(chosen)))
