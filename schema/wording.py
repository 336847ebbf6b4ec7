"""Wording of findings: kinds of values, suggestions, lists of choices."""

import difflib
from collections.abc import Collection, Iterable
from decimal import Decimal
from itertools import islice
from typing import Any

_KINDS: dict[type, str] = {
    type(None): "nothing",
    bool: "a boolean",
    str: "a string",
    bytes: "binary",
    list: "a list",
    dict: "a mapping",
    set: "a set",
}
MAX_COMPARED = 200
"""The most words to compare with a missing one; comparing is slow."""
_SHORT = 40
_SHOWN = 12
_NEAR = 0.65
"""Of difflib's ratio: stategy/strategy is 0.93, keys/key 0.86, table/tests 0.6."""


def kind(value: Any) -> str:
    """Return what ``value`` is: ``a number``, ``a mapping``."""
    return _KINDS.get(type(value), "a number")


def shown(value: Any) -> str:
    """Return a value as a finding shows it; a list, a mapping or a set by its kind."""
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
    """Return ``text``, shortened if it is long."""
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"


def quoted(text: str) -> str:
    """Return the advice to quote ``text``."""
    return f'quote it: "{text}"' if len(text) <= _SHORT else "quote it"


def choices(words: Iterable[str], link: str = "or") -> str:
    """Return ``a, b or c``."""
    *most, last = words
    return f"{', '.join(most)} {link} {last}" if most else last


def did_you_mean(word: str, known: Collection[str]) -> str | None:
    """Suggest the most similar of ``known``; else list them all if they are few."""
    near = [name for name in known if is_near(word, name)]
    if near:
        best = max(near, key=lambda name: _similarity(word, name))
        return f"did you mean {best}?"
    return f"the keys are {choices(sorted(known), 'and')}" if 0 < len(known) <= _SHOWN else None


def any_near(words: Iterable[str], name: str) -> bool:
    """Return whether one of the first ``MAX_COMPARED`` words may be ``name`` misspelt."""
    return any(is_near(word, name) for word in islice(words, MAX_COMPARED))


def is_near(word: str, name: str) -> bool:
    """Return whether ``word`` may be ``name`` misspelt."""
    return _similarity(word, name) >= _NEAR


def _similarity(word: str, name: str) -> float:
    """Return how similar two words are, 0 to 1, ignoring case and kind of separator."""
    if len(word) > 3 * len(name):
        return 0.0
    left, right = (text.lower().replace("-", "_") for text in (word, name))
    return difflib.SequenceMatcher(None, left, right).ratio()


def dotted(path: Iterable[str | int]) -> str:
    """Return a path in readable form: ``tests[2].given``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += ("." if text else "") + (short(part) or "''")
    return text or "the spec"
