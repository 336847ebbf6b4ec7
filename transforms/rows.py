"""Row tests: one given item through the mapping, compared with what is expected of it.

The lines this gives show values: they are the spec's own, not an export's.
"""

from collections.abc import Iterator, Mapping, Sequence
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
from retable.transforms.judge import Typed
from retable.transforms.mapping import Mapping as ItemMapping
from retable.transforms.outcome import Dropped, Kept, Outcome, Rejected

MAX_SHOWN = 200
"""Characters of a value that a line shows."""


def run_row(mapping: ItemMapping, row: RowTest) -> tuple[str, ...]:
    """Return nothing when ``row`` passes, else one line for each thing that differs."""
    if unknown := mapping.unknown_functions:
        names = ", ".join(f"{name}()" for name in unknown)
        return (f"could not be evaluated: there is no function {names}",)
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


def _compare_all(expected: Sequence[ExpectItem | ExpectSome], outcome: Outcome) -> tuple[str, ...]:
    if not isinstance(outcome, Kept) or len(outcome.results) != len(expected):
        return _unlike("an item" if len(expected) == 1 else f"{len(expected)} items", outcome)
    several = len(expected) > 1
    lines = []
    for number, (one, result) in enumerate(zip(expected, outcome.results, strict=True), 1):
        before = f"item {number}: " if several else ""
        lines += [before + line for line in _compare(one, orjson.loads(result.item_json))]
    return tuple(lines)


def _compare(expected: ExpectItem | ExpectSome, found: Mapping[str, Typed]) -> Iterator[str]:
    """Yield a line for each attribute of an item that is not as expected."""
    match expected:
        case ExpectSome(wanted, beyond):
            pass
        case ExpectItem(wanted):
            beyond = tuple(sorted(found.keys() - wanted.keys()))
    for name in wanted:
        yield from _unequal(name, wanted[name], found.get(name))
    for name in beyond:
        if name in found:
            yield _line(name, None, found[name])


def _unequal(name: str, expected: Any, found: Typed | None) -> Iterator[str]:
    """Yield a line for what differs; inside a map, for each of its differing values."""
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


def _unlike(expected: str, outcome: Outcome) -> tuple[str, ...]:
    match outcome:
        case Kept((_,)):
            return (f"expected {expected}, got an item",)
        case Kept(results):
            return (f"expected {expected}, got {len(results)} items",)
        case Dropped():
            return (f"expected {expected}, got dropped",)
        case Rejected(reason, detail):
            return (f"expected {expected}, got rejected: {reason.value} ({detail})",)


def _shown(typed: Any) -> str:
    if typed is None:
        return "absent"
    text = orjson.dumps(typed).decode()
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
