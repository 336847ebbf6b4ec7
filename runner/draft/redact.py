"""Redacts items: every value keeps its type and its shape, and nothing else.

Letters become x, digits 1, so a date stays one and a UUID looks like one. Names of attributes stay;
names inside maps, which may be data, stay where they look like names.
"""

import re
from collections.abc import Mapping
from typing import Any

from retable.schema.spec import TypedItem

MAX_TEXT = 40
MAX_NUMBER = 20
"""Of 38 digits: trailing zeros are not among those, and would become ones here."""
MAX_ENTRIES = 12
MAX_ELEMENTS = 3
MAX_LEVELS = 4
_NAME = re.compile(r"[A-Za-z_][A-Za-z_]{0,40}", re.ASCII)
_KEPT = frozenset(" -_.:/#@+,")


def redact(item: TypedItem) -> dict[str, dict[str, Any]]:
    """Return ``item`` with its values redacted; long ones are shortened."""
    return {name: _value(value, 1) for name, value in item.items()}


def _value(typed: Mapping[str, Any], level: int) -> dict[str, Any]:  # noqa: PLR0911 -- a table
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return {kind: _text(value)}
        case "N":
            return {kind: _number(value)}
        case "B":
            return {kind: "AAAA" if value else ""}
        case "BOOL" | "NULL":
            return {kind: True}
        case "L":
            shown = value[:MAX_ELEMENTS] if level < MAX_LEVELS else ()
            return {kind: [_value(one, level + 1) for one in shown]}
        case "M":
            entries = list(value.items())[:MAX_ENTRIES] if level < MAX_LEVELS else ()
            return {kind: {_name(name): _value(one, level + 1) for name, one in entries}}
        case _:
            return {kind: _members(kind, value)}


def _members(kind: str, members: list[str]) -> list[str]:
    """Return the redacted members of a set; those that become equal are merged."""
    shown = ({kind[0]: member} for member in members[:MAX_ELEMENTS])
    return list(dict.fromkeys(_value(member, 1)[kind[0]] for member in shown))


def _text(text: str) -> str:
    return "".join(map(_character, text[:MAX_TEXT]))


def _character(character: str) -> str:
    if character in _KEPT:
        return character
    if character.isdecimal():
        return "1"
    return "X" if character.isupper() else "x"


def _number(text: str) -> str:
    """Return a number with as many digits; the exponent, which shows its magnitude, is removed."""
    digits = text.lower().partition("e")[0][:MAX_NUMBER].rstrip(".")
    return "".join("1" if one.isdecimal() else one for one in digits)


def _name(name: str) -> str:
    return name if _NAME.fullmatch(name) else _text(name) or "x"
