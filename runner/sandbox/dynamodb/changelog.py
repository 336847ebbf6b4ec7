"""The writes to a table since point-in-time recovery was enabled, for incremental exports.

Images are shared with the table and never changed. ``recording`` adds the entries.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

Typed = Mapping[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """One write that changed an item; ``None`` is an absent item."""

    moment: datetime
    key: Typed
    old: Typed | None
    new: Typed | None


@dataclass(slots=True)
class ChangeLog:
    """Every change from ``since`` on, in order."""

    since: datetime
    changes: list[Change] = field(default_factory=list)

    def __deepcopy__(self, memo: dict[int, Any]) -> "ChangeLog":
        """Return an empty log: a backup has the items, not their history."""
        return ChangeLog(self.since)

    def items_at(
        self, moment: datetime, items: Iterable[Typed], key_of: Callable[[Typed], Typed]
    ) -> list[Typed]:
        """Return the table's items at ``moment``, given its current ``items``."""
        later = [change for change in self.changes if change.moment >= moment]
        if not later:
            return list(items)
        by_key: dict[bytes, Typed | None] = {_name(key_of(item)): item for item in items}
        for change in reversed(later):
            by_key[_name(change.key)] = change.old
        return [item for item in by_key.values() if item is not None]

    def begin_at(self, moment: datetime) -> None:
        """Move all writes so far to before ``moment``."""
        self.since = moment
        self.changes.clear()

    def window(self, start: datetime, end: datetime, view: str) -> Iterator[dict[str, Any]]:
        """Yield the records of an export of the changes from ``start`` on and before ``end``.

        There is one for each item that differs between start and end, and none
        for an item that was created and deleted in between.
        """
        first: dict[bytes, Change] = {}
        last: dict[bytes, Change] = {}
        for change in self.changes:
            if start <= change.moment < end:
                name = _name(change.key)
                first.setdefault(name, change)
                last[name] = change
        for name, change in last.items():
            old = first[name].old
            if old is not None or change.new is not None:
                yield _record(change, old if view == "NEW_AND_OLD_IMAGES" else None)


def _name(key: Typed) -> bytes:
    return orjson.dumps(key, option=orjson.OPT_SORT_KEYS)


def _record(change: Change, old: Typed | None) -> dict[str, Any]:
    """Return a changed item's record, with its members in the service's order."""
    micros = (change.moment - EPOCH).total_seconds() * 1_000_000
    record: dict[str, Any] = {
        "Metadata": {"WriteTimestampMicros": {"N": str(round(micros))}},
        "Keys": change.key,
    }
    if old is not None:
        record["OldImage"] = old
    if change.new is not None:
        record["NewImage"] = change.new
    return record
