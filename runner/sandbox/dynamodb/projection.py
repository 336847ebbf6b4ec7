"""Parts of an item, by projection expressions that moto has parsed into names."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

STEP = re.compile(r"([^\[\]]+)|\[(\d+)\]")
"""An attribute's name, or an index in brackets after it."""

Typed = dict[str, Any]


def projected(item: Mapping[str, Any], paths: Sequence[Sequence[str]]) -> Typed:
    """Return the parts of ``item`` on ``paths``; each is a list of names like ``a`` or ``a[0]``."""
    whole: Typed = {"M": {}}
    for path in paths:
        steps = [step for part in path for step in _steps(part)]
        part = _picked({"M": item}, steps)
        if part is not None:
            whole = _merged(whole, part)
    found: Typed = whole["M"]
    return found


def _steps(part: str) -> list[str | int]:
    """Return the steps of one part of a path."""
    return [name or int(index) for name, index in STEP.findall(part)]


def _picked(value: Mapping[str, Any], steps: Sequence[str | int]) -> Typed | None:
    """Return ``value`` with only what ``steps`` select; ``None`` if they select nothing."""
    if not steps:
        return dict(value)
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        elements = value.get("L", [])
        inner = _picked(elements[step], rest) if step < len(elements) else None
        return None if inner is None else {"L": [inner]}
    members = value.get("M", {})
    inner = _picked(members[step], rest) if step in members else None
    return None if inner is None else {"M": {step: inner}}


def _merged(one: Typed, other: Typed) -> Typed:
    """Return two parts of one value, merged."""
    if "M" in one and "M" in other:
        members = dict(one["M"])
        for name, value in other["M"].items():
            members[name] = _merged(members[name], value) if name in members else value
        return {"M": members}
    if "L" in one and "L" in other:
        return {"L": [*one["L"], *other["L"]]}
    return other
