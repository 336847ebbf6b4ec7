"""The one check of DynamoDB JSON: each value is made canonical in place, or refused.

Two items have one canonical form exactly when DynamoDB considers them equal: numbers are
normalised, sets sorted, base64 re-encoded. (Map keys are sorted when the form is written.) Key
rules and the size of items are checked elsewhere.

The check also returns a value's *excess*: the bytes of its canonical JSON beyond ``{"S":""}`` and
beyond what DynamoDB counts for it, provided nothing in it is escaped. Strings have none. So the
size of an item follows from the length of its JSON, without reading the JSON again.
"""

import binascii
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NoReturn

from retable.schema.limits import MAX_DIGITS, MAX_NESTING
from retable.schema.reasons import Reason
from retable.transforms.fault import ItemFaultError
from retable.transforms.number import NumberRangeError, normalize_number
from retable.transforms.size import binary_size, number_size

Typed = dict[str, Any]
"""One DynamoDB JSON value: ``{"S": "…"}``."""
REMEMBERED_NUMBERS = 1 << 14
"""Tables repeat their numbers: quantities, versions, years."""

_PLAIN_NUMBERS: dict[str, int] = {}
"""The excess of recently seen canonical numbers: a cache of a pure function, not of items."""
_EMPTY = -3
"""The excess of an empty list or map."""


def judge(typed: Any, level: int = 1) -> int:
    """Make one value canonical in place and return its excess in bytes.

    Raises:
        ItemFaultError: it is not a value DynamoDB can hold, or is nested deeper than 32 levels
            counting from ``level``.
    """
    if typed.__class__ is not dict or len(typed) != 1:
        _refuse("not an object of exactly one type and its value")
    (kind,) = typed
    value = typed[kind]
    if kind == "S" and value.__class__ is str:
        return 0
    if kind == "N" and value.__class__ is str and (known := _PLAIN_NUMBERS.get(value)) is not None:
        return known
    rule = _RULES.get(kind)
    if rule is None:
        _refuse("a type that DynamoDB does not have")
    return rule(typed, value, level)


def judge_all(values: Iterable[Any], level: int = 1) -> int:
    """Judge each of ``values`` and return the sum of their excess in bytes.

    Raises:
        ItemFaultError: as ``judge``.
    """
    try:
        return _judge_usual(values, level)
    except (AttributeError, ValueError) as error:
        if isinstance(error, ItemFaultError):
            raise
    return sum([judge(typed, level) for typed in values])


def _judge_usual(values: Iterable[Any], level: int) -> int:
    """Judge objects of one entry; anything else raises before its entry is looked at.

    Strings, cached numbers, lists and maps are most of what items hold: not worth a call each.
    """
    excess = 0
    deeper = level < MAX_NESTING
    for typed in values:
        (entry,) = typed.items()
        kind, value = entry
        if kind == "S":
            if value.__class__ is str:
                continue
        elif kind == "N":
            if value.__class__ is str and (known := _PLAIN_NUMBERS.get(value)) is not None:
                excess += known
                continue
        elif kind == "M":
            if deeper and value.__class__ is dict and value:
                excess += 11 * len(value) - 4 + _judge_usual(value.values(), level + 1)
                continue
        elif kind == "L" and deeper and value.__class__ is list and value:
            excess += 8 * len(value) - 4 + _judge_usual(value, level + 1)
            continue
        excess += judge(typed, level)
    return excess


def _text(_typed: Typed, _value: Any, _level: int) -> int:
    _refuse("S is not a string")


def _number(typed: Typed, value: Any, _level: int) -> int:
    text, excess = _judged_number(value)
    if text == value and len(text) <= MAX_DIGITS:
        if len(_PLAIN_NUMBERS) >= REMEMBERED_NUMBERS:
            _PLAIN_NUMBERS.clear()
        _PLAIN_NUMBERS[text] = excess
    typed["N"] = text
    return excess


def _judged_number(value: Any) -> tuple[str, int]:
    """Return the canonical form of a number, and its excess."""
    if value.__class__ is not str:
        _refuse("a number that is not a JSON string")
    try:
        text = normalize_number(value)
    except NumberRangeError as error:
        raise ItemFaultError(Reason.NUMBER_OUT_OF_RANGE, str(error)) from None
    except ValueError:
        _refuse("a number that is not a decimal number")
    return text, len(text) - number_size(text)


def _binary(typed: Typed, value: Any, _level: int) -> int:
    text = typed["B"] = _base64(value)
    return len(text) - binary_size(text)


def _base64(value: Any) -> str:
    text = canonical_base64(value) if value.__class__ is str else None
    if text is None:
        _refuse("binary that is not base64")
    return text


def canonical_base64(text: str) -> str | None:
    """Return base64 padded and with unused bits zero; ``None`` if ``text`` is not base64."""
    try:
        padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        raw = binascii.a2b_base64(padded)
    except ValueError:
        return None
    canonical = binascii.b2a_base64(raw, newline=False).decode("ascii")
    # Decoding skips over foreign characters, so all but the last, partly used one must reappear.
    bare = canonical.rstrip("=")
    same = len(bare) == len(text.rstrip("=")) and bare[:-1] == text.rstrip("=")[:-1]
    return canonical if same and len(text) - len(text.rstrip("=")) <= 2 else None  # noqa: PLR2004  # base64 pads with two at most


def _bool(_typed: Typed, value: Any, _level: int) -> int:
    if value.__class__ is not bool:
        _refuse("BOOL is neither true nor false")
    return 4 if value else 5


def _null(_typed: Typed, value: Any, _level: int) -> int:
    if value is not True:
        _refuse("NULL is not true")
    return 4


def judge_list(values: list[Any], level: int = 1) -> int:
    """Return the excess in bytes of the typed list that holds ``values``, judging them.

    Raises:
        ItemFaultError: as ``judge``.
    """
    if not values:
        return _EMPTY
    _check_level(level)
    return 8 * len(values) - 4 + judge_all(values, level + 1)


def _list(_typed: Typed, value: Any, level: int) -> int:
    if value.__class__ is not list:
        _refuse("L is not a list")
    return judge_list(value, level)


def _map(_typed: Typed, value: Any, level: int) -> int:
    if value.__class__ is not dict:
        _refuse("M is not an object")
    if not value:
        return _EMPTY
    _check_level(level)
    return 11 * len(value) - 4 + judge_all(value.values(), level + 1)


def _check_level(level: int) -> None:
    """Refuse values below ``level`` if that is too deep."""
    if level >= MAX_NESTING:
        raise ItemFaultError(Reason.TOO_DEEP, f"nested deeper than {MAX_NESTING} levels")


def _string_set(typed: Typed, value: Any, _level: int) -> int:
    for member in _members(value):
        if member.__class__ is not str:
            _refuse("SS has a member that is not a string")
    # Comparing by code point is comparing the UTF-8 bytes.
    members = typed["SS"] = _distinct(sorted(value))
    return 3 * len(members)


def _number_set(typed: Typed, value: Any, _level: int) -> int:
    judged = dict(_judged_number(member) for member in _members(value))
    if len(judged) != len(value):
        _refuse_twice()
    members = typed["NS"] = sorted(judged, key=Decimal)
    return 3 * len(members) + sum(judged.values())


def _binary_set(typed: Typed, value: Any, _level: int) -> int:
    texts = [_base64(member) for member in _members(value)]
    members = typed["BS"] = _distinct(sorted(texts, key=binascii.a2b_base64))
    return sum(3 + len(text) - binary_size(text) for text in members)


def _members(value: Any) -> list[Any]:
    if value.__class__ is not list:
        _refuse("a set that is not written as a list")
    if not value:
        _refuse("an empty set")
    members: list[Any] = value
    return members


def _distinct(members: list[str]) -> list[str]:
    if len(set(members)) != len(members):
        _refuse_twice()
    return members


def _refuse_twice() -> NoReturn:
    _refuse("a set with a duplicate member")


def _refuse(detail: str) -> NoReturn:
    raise ItemFaultError(Reason.MALFORMED_ITEM, detail)


_RULES: dict[str, Callable[[Typed, Any, int], int]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _bool,
    "NULL": _null,
    "L": _list,
    "M": _map,
    "SS": _string_set,
    "NS": _number_set,
    "BS": _binary_set,
}
