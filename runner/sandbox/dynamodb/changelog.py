"""What was written to a table since point-in-time recovery was turned on, for incremental exports.

Images are shared with the table and never changed. Writing things down is ``recording``'s.
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
    """One write that changed an item; ``None`` is an item that is not there."""

    moment: datetime
    key: Typed
    old: Typed | None
    new: Typed | None


@dataclass(slots=True)
class ChangeLog:
    """Every change from ``since`` on, in the order in which they were made."""

    since: datetime
    changes: list[Change] = field(default_factory=list)

    def __deepcopy__(self, memo: dict[int, Any]) -> "ChangeLog":
        """Return an empty log: a backup has the items, not how they came to be."""
        return ChangeLog(self.since)

    def held_at(
        self, moment: datetime, items: Iterable[Typed], key_of: Callable[[Typed], Typed]
    ) -> list[Typed]:
        """Return what the table held at ``moment``, given the ``items`` that it holds now."""
        later = [change for change in self.changes if change.moment >= moment]
        if not later:
            return list(items)
        held: dict[bytes, Typed | None] = {_name(key_of(item)): item for item in items}
        for change in reversed(later):
            held[_name(change.key)] = change.old
        return [item for item in held.values() if item is not None]

    def begin_at(self, moment: datetime) -> None:
        """Let all that was written so far have been written before ``moment``."""
        self.since = moment
        self.changes.clear()

    def window(self, start: datetime, end: datetime, view: str) -> Iterator[dict[str, Any]]:
        """Yield the records of an export of the changes from ``start`` on and before ``end``.

        There is one for each item that is not at the end what it was at the beginning, and none
        for one that came and went in between.
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
    """Return a changed item's record, its members in the order in which the service has them."""
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
