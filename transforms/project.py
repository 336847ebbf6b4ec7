"""Digests over chosen attributes: items are equal if these attributes are.

Nothing but the digest changes; what is written to the table is the whole item.
"""

from collections.abc import Collection
from typing import Protocol

import orjson

from retable.transforms.canonical import digest, serialize
from retable.transforms.item_outcome import Kept, Outcome, Result


class LineMapping(Protocol):
    """Anything that gives the outcome of an exported line."""

    def apply(self, line: bytes, /) -> Outcome:
        """Return the outcome of ``line``."""
        ...


class Projected:
    """A mapping whose digests cover some attributes only. It pickles if the mapping does."""

    def __init__(self, mapping: LineMapping, attributes: Collection[str]) -> None:
        """Compute digests over ``attributes``; one that an item lacks counts as absent."""
        self._mapping = mapping
        self._attributes = frozenset(attributes)

    def apply(self, line: bytes) -> Outcome:
        """Return the mapping's outcome of ``line``."""
        outcome = self._mapping.apply(line)
        if not isinstance(outcome, Kept):
            return outcome
        return Kept(tuple(project(result, self._attributes) for result in outcome.results))


def project(result: Result, attributes: Collection[str]) -> Result:
    """Return ``result`` with its digest computed over ``attributes`` only."""
    item = orjson.loads(result.item_json)
    chosen = {name: typed for name, typed in item.items() if name in attributes}
    return result._replace(digest=digest(serialize(chosen)))
