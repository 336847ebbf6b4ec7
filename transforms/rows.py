"""Row tests: one given item through the mapping, compared with what is expected of it.

The lines this gives show values: they are the spec's own, not an export's.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from retable.schema.spec import ExpectDropped, ExpectItem, ExpectRejected, ExpectSome, RowTest
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
        case ExpectItem(item):
            return _compare(item, outcome, absent=None)
        case ExpectSome(present, absent):
            return _compare(present, outcome, absent=absent)


def _compare(
    expected: Mapping[str, Any], outcome: Outcome, *, absent: tuple[str, ...] | None
) -> tuple[str, ...]:
    """Compare attributes; ``absent`` are those that must not be there, ``None`` all others."""
    if not isinstance(outcome, Kept):
        return _unlike("an item", outcome)
    found: dict[str, Typed] = orjson.loads(outcome.results[0].item_json)
    beyond = sorted(found.keys() - expected.keys()) if absent is None else absent
    lines = [line for name in expected for line in _unequal(name, expected[name], found.get(name))]
    lines += [_line(name, None, found[name]) for name in beyond if name in found]
    return tuple(lines)


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
        case Kept():
            return (f"expected {expected}, got an item",)
        case Dropped():
            return (f"expected {expected}, got dropped",)
        case Rejected(reason, detail):
            return (f"expected {expected}, got rejected: {reason.value} ({detail})",)


def _shown(typed: Any) -> str:
    if typed is None:
        return "absent"
    text = orjson.dumps(typed).decode()
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
