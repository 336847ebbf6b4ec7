"""Row tests: one given item through the mapping, compared with its expectation.

The differences show values: they are the spec's own, not an export's.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from retable.schema.spec import (
    ExpectDropped,
    ExpectItem,
    ExpectItems,
    ExpectRejected,
    ExpectSome,
    RowTest,
)
from retable.transforms.canonical import canonical_value
from retable.transforms.fault import ItemFaultError
from retable.transforms.item_outcome import Dropped, Kept, Outcome, Rejected
from retable.transforms.judge import Typed
from retable.transforms.mapping import Mapping as ItemMapping

_NAMED = re.compile(r"(?:key attribute|attribute|field) '([^']*)'")
"""How the detail of a rejection names the attribute."""
MAX_SHOWN = 200
"""Characters of a value that one line shows."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference from a row test's expectation, in words."""

    text: str
    attribute: str | None = None
    """The attribute that differs, if it is a single one."""

    def __str__(self) -> str:
        """Return the words."""
        return self.text


def run_row(mapping: ItemMapping, row: RowTest) -> tuple[Difference, ...]:
    """Return an empty result when ``row`` passes, else each difference."""
    if unknown := mapping.unknown_functions:
        names = ", ".join(f"{name}()" for name in unknown)
        return (Difference(f"could not be evaluated: there is no function {names}"),)
    outcome = mapping.apply(orjson.dumps({"Item": row.given}))
    match row.expect:
        case ExpectDropped():
            return () if isinstance(outcome, Dropped) else _unlike("dropped", outcome)
        case ExpectRejected(reason):
            same = isinstance(outcome, Rejected) and outcome.reason is reason
            return () if same else _unlike(f"rejected: {reason.value}", outcome)
        case ExpectItems(items):
            return _compare_all(items, outcome)
        case ExpectItem() | ExpectSome():
            return _compare_all((row.expect,), outcome)


def _compare_all(
    expected: Sequence[ExpectItem | ExpectSome], outcome: Outcome
) -> tuple[Difference, ...]:
    if not isinstance(outcome, Kept) or len(outcome.results) != len(expected):
        return _unlike("an item" if len(expected) == 1 else f"{len(expected)} items", outcome)
    several = len(expected) > 1
    found = []
    for number, (one, result) in enumerate(zip(expected, outcome.results, strict=True), 1):
        before = f"item {number}: " if several else ""
        differences = _compare(one, orjson.loads(result.item_json))
        found += [replace(one, text=before + one.text) for one in differences]
    return tuple(found)


def _compare(expected: ExpectItem | ExpectSome, found: Mapping[str, Typed]) -> Iterator[Difference]:
    """Yield what differs, attribute by attribute."""
    match expected:
        case ExpectSome(values, beyond):
            pass
        case ExpectItem(values):
            beyond = tuple(sorted(found.keys() - values.keys()))
    for name in values:
        for line in _unequal(name, values[name], found.get(name)):
            yield Difference(line, name)
    for name in beyond:
        if name in found:
            yield Difference(_line(name, None, found[name]), name)


def _unequal(name: str, expected: Any, found: Typed | None) -> Iterator[str]:
    """Yield a line for a difference; inside a map, for each of its differing values."""
    expected = _canonical(expected)
    if expected == found:
        return
    if found is not None and "M" in expected and "M" in found:
        inner, there = expected["M"], found["M"]
        for key in inner:
            yield from _unequal(f"{name}.{key}", inner[key], there.get(key))
        for key in sorted(there.keys() - inner.keys()):
            yield _line(f"{name}.{key}", None, there[key])
    else:
        yield _line(name, expected, found)


def _canonical(typed: Any) -> Any:
    try:
        return canonical_value(typed)
    except ItemFaultError:
        return typed  # no item can equal it, and the line shows it as it was written


def _line(name: str, expected: Any, found: Typed | None) -> str:
    return f"{name}: expected {_shown(expected)}, got {_shown(found)}"


def _unlike(expected: str, outcome: Outcome) -> tuple[Difference, ...]:
    named = _NAMED.match(outcome.detail) if isinstance(outcome, Rejected) else None
    attribute = named[1] if named else None
    return (Difference(f"expected {expected}, got {_told(outcome)}", attribute),)


def _told(outcome: Outcome) -> str:
    match outcome:
        case Kept((_,)):
            return "an item"
        case Kept(results):
            return f"{len(results)} items"
        case Dropped():
            return "dropped"
        case Rejected(reason, detail):
            return f"rejected: {reason.value} ({detail})"


def _shown(typed: Any) -> str:
    if typed is None:
        return "absent"
    text = orjson.dumps(typed).decode()
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
