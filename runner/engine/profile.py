"""Profiles items: their attributes, the attributes' types, and the indexes that have them.

It counts during the mapping, over every item of a small export and an even sample of a large one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from retable.runner.report.item_figures import Attribute, Attributes, IndexEntries
from retable.transforms.item_outcome import Kept, Outcome

PROFILED_ITEMS = 200_000
"""How many items are profiled: a few seconds' work, enough to see a thousandth of a percent."""
MAX_NAMES = 10_000
"""How many attribute names are counted; tables that use names as data have no end of them."""
SHOWN_NAMES = 200

Types = dict[str, dict[str, int]]
"""By attribute and type: the number of items."""
IndexKeys = Mapping[str, tuple[str, ...]]
"""By index: its key attributes."""


@dataclass(slots=True)
class Profile:
    """The counts so far, before the mapping and after it."""

    items_before: int = 0
    items_after: int = 0
    before: Types = field(default_factory=dict)
    after: Types = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)

    def add(self, line: bytes, outcome: Outcome, indexes: IndexKeys) -> None:
        """Count one exported line and its results; skip what is not an item."""
        try:
            item = orjson.loads(line)["Item"]
            kinds = [(name, next(iter(typed))) for name, typed in item.items()]
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
            return
        self.items_before += 1
        _count(self.before, kinds)
        if isinstance(outcome, Kept):
            for result in outcome.results:
                self._add_result(orjson.loads(result.item_json), indexes)

    def _add_result(self, item: Mapping[str, Any], indexes: IndexKeys) -> None:
        self.items_after += 1
        _count(self.after, [(name, next(iter(typed))) for name, typed in item.items()])
        for index, attributes in indexes.items():
            if all(name in item for name in attributes):
                self.entries[index] = self.entries.get(index, 0) + 1

    def merge(self, other: "Profile") -> None:
        """Add what ``other`` counted."""
        self.items_before += other.items_before
        self.items_after += other.items_after
        _merge(self.before, other.before)
        _merge(self.after, other.after)
        for index, items in other.entries.items():
            self.entries[index] = self.entries.get(index, 0) + items

    def summary(self, indexes: IndexKeys) -> Attributes:
        """Return the attributes for a report, the most frequent first."""
        return Attributes(
            items_before=self.items_before,
            items_after=self.items_after,
            before=_most_frequent(self.before),
            after=_most_frequent(self.after),
            names_before=len(self.before),
            names_after=len(self.after),
            indexes=tuple(
                IndexEntries(index=name, attributes=keys, items=self.entries.get(name, 0))
                for name, keys in indexes.items()
            ),
        )


def stride(items: int) -> int:
    """Return the step between profiled items: every how many of ``items`` one is taken."""
    return max(1, -(-items // PROFILED_ITEMS))


def _count(types: Types, kinds: list[tuple[str, str]]) -> None:
    for name, kind in kinds:
        found = types.get(name)
        if found is None:
            if len(types) >= MAX_NAMES:
                continue
            found = types[name] = {}
        found[kind] = found.get(kind, 0) + 1


def _merge(types: Types, others: Types) -> None:
    for name, kinds in others.items():
        if name not in types and len(types) >= MAX_NAMES:
            continue
        found = types.setdefault(name, {})
        for kind, items in kinds.items():
            found[kind] = found.get(kind, 0) + items


def _most_frequent(types: Types) -> tuple[Attribute, ...]:
    found = [
        Attribute(name=name, types=dict(sorted(kinds.items()))) for name, kinds in types.items()
    ]
    found.sort(key=lambda one: (-one.items, one.name))
    return tuple(found[:SHOWN_NAMES])
