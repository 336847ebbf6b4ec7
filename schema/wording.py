"""Words for findings: what a value is, what was meant, how a list of choices reads."""

import difflib
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

_SHORT = 40
_SHOWN = 12


def kind(value: Any) -> str:
    """Return what ``value`` is: ``a number``, ``a mapping``."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "text"
        case bytes():
            return "binary"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case set():
            return "a set"
        case _:
            return "a number"


def shown(value: Any) -> str:
    """Return a value of a setting as a finding shows it; what holds other values, by its kind."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() if value.strip() == value and value:
            return short(value)
        case str():
            return f"'{short(value)}'"
        case int() | Decimal():
            return str(value)
        case _:
            return kind(value)


def short(text: str) -> str:
    """Return ``text``, cut where it is long."""
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"


def quoted(text: str) -> str:
    """Return the advice to quote ``text``."""
    return f'quote it: "{text}"' if len(text) <= _SHORT else "quote it"


def choices(words: Iterable[str], link: str = "or") -> str:
    """Return ``a, b or c``."""
    *most, last = words
    return f"{', '.join(most)} {link} {last}" if most else last


def did_you_mean(word: str, known: Collection[str]) -> str | None:
    """Return the question after the nearest of ``known``; else all of them, where they are few."""
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    if near:
        return f"did you mean {lower[near[0]]}?"
    if 0 < len(known) <= _SHOWN:
        return f"it takes {choices(sorted(known), 'and')}"
    return None


def dotted(path: Iterable[str | int]) -> str:
    """Return a path as a reader writes it: ``tests[2].given``."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{short(part)}" if text else part
    return text or "the spec"
