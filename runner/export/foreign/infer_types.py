"""Converts a plain value to a DynamoDB one: by the column's declared type, or by the rule below.

In an undeclared column, a string becomes S, a number N, a boolean BOOL, bytes B, a list L, a map M;
a null is omitted, except in a list, where it is NULL. What a format cannot distinguish is a doubt,
which the spec accepts by name or which stops the run: a former set looks like a list, a former
number may look like a string. Declared columns raise no doubts, except about nulls and floats.
"""

import base64
import binascii
import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from retable.schema.spec import AttributeType
from retable.schema.wording import shown
from retable.transforms.number import normalize_number

DOUBTS: Mapping[str, str] = {
    "empty-as-absent": "an empty cell is read as absent; it may have been an empty string",
    "floats-as-n": "a binary float is read as N; the original number's digits are lost",
    "lists-as-l": "a list is read as L; it may have been a set",
    "nulls-as-absent": "a null is read as absent; it may have been NULL",
    "text-as-s": "a string is read as S; it may have been a number or binary",
    "times-as-s": "a time is read as a string (S); DynamoDB has no type for times",
}
"""What the files cannot say, by the name to list in ``source.export.accept``."""
MAX_COLUMNS_SHOWN = 5
SETS: Mapping[str, str] = {"SS": "S", "NS": "N", "BS": "B"}

KINDS: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a float",
    Decimal: "a number",
    bytes: "bytes",
    list: "another list",
    dict: "a map",
    type(None): "null",
}
"""What a message calls a value, which it never shows."""

Typed = dict[str, Any]


class UnfitValueError(ValueError):
    """A value that does not fit its column's type; the text names types, never the value."""


class Typing:
    """Types values, and records each doubt, by name and column."""

    def __init__(self, columns: Mapping[str, AttributeType]) -> None:
        """Use the declared types in ``columns``."""
        self.doubts: dict[str, set[str]] = defaultdict(set)
        self._columns = columns
        self._column = ""

    def item(self, row: Mapping[str, Any]) -> Typed:
        """Return a row as an attribute map.

        Raises:
            UnfitValueError: a value does not fit its column's type.
        """
        made = {}
        for name, value in row.items():
            self._column = name
            declared = self._columns.get(name)
            if value is None:
                if declared == "NULL":
                    made[name] = {"NULL": True}
                else:
                    self.doubt("nulls-as-absent")
            else:
                made[name] = (
                    self._undeclared(value) if declared is None else self._as(declared, value)
                )
        return made

    def doubt(self, name: str, column: str | None = None) -> None:
        """Record the doubt called ``name``."""
        self.doubts[name].add(self._column if column is None else column)

    def _undeclared(self, value: Any) -> Typed:
        match value:
            case bool():
                return {"BOOL": value}
            case str():
                self.doubt("text-as-s")
                return {"S": value}
            case int() | float() | Decimal():
                return {"N": self._number(value)}
            case bytes():
                return {"B": base64.b64encode(value).decode()}
            case list():
                self.doubt("lists-as-l")
                return {"L": [self._within(member) for member in value]}
            case dict():
                return {"M": self._fields(value)}
            case _:
                message = f"column {shown(self._column)} holds {type(value).__name__}"
                raise UnfitValueError(message)

    def _within(self, value: Any) -> Typed:
        return {"NULL": True} if value is None else self._undeclared(value)

    def _fields(self, value: Mapping[str, Any]) -> Typed:
        if None in value.values():
            self.doubt("nulls-as-absent")
        return {
            name: self._undeclared(member) for name, member in value.items() if member is not None
        }

    def _as(self, declared: AttributeType, value: Any) -> Typed:
        """Return ``value`` as its column's declared type."""
        if declared in SETS:
            if not isinstance(value, list) or not value:
                raise self._unfit(value, declared)
            convert = self._scalars[SETS[declared]]
            return {declared: [convert(member) for member in value]}
        if declared == "L":
            if not isinstance(value, list):
                raise self._unfit(value, declared)
            return {"L": [self._within(member) for member in value]}
        if declared == "M":
            if not isinstance(value, dict):
                raise self._unfit(value, declared)
            return {"M": self._fields(value)}
        if declared == "NULL":
            raise self._unfit(value, declared)
        return {declared: self._scalars[declared](value)}

    @property
    def _scalars(self) -> Mapping[str, Callable[[Any], Any]]:
        return {"S": self._text, "N": self._number, "B": self._binary, "BOOL": self._flag}

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self._unfit(value, "S")
        return value

    def _number(self, value: Any) -> str:
        if isinstance(value, float):
            if not math.isfinite(value):
                raise self._unfit(value, "N")
            self.doubt("floats-as-n")
        elif isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise self._unfit(value, "N")
        try:
            # ``str(int)`` has a limit on digits that is meant for other uses.
            return normalize_number(value if isinstance(value, str) else str(Decimal(str(value))))
        except (ValueError, ArithmeticError) as error:
            raise self._unfit(value, "N") from error

    def _binary(self, value: Any) -> str:
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        try:
            return base64.b64encode(base64.b64decode(value, validate=True)).decode()
        except (TypeError, ValueError, binascii.Error) as error:
            raise self._unfit(value, "B") from error

    def _flag(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        raise self._unfit(value, "BOOL")

    def _unfit(self, value: Any, declared: str) -> UnfitValueError:
        found = KINDS.get(type(value), type(value).__name__)
        message = f"column {shown(self._column)} must be {declared}; found {found}"
        return UnfitValueError(message)


def doubt_lines(doubts: Mapping[str, set[str]]) -> list[str]:
    """Return the doubts, one line each, with the columns they concern."""
    lines = []
    for name in sorted(doubts):
        columns = sorted(doubts[name])
        named = ", ".join(map(shown, columns[:MAX_COLUMNS_SHOWN]))
        more = len(columns) - MAX_COLUMNS_SHOWN
        rest = f" and {more:,} more" if more > 0 else ""
        lines.append(f"{name} ({named}{rest}): {DOUBTS[name]}")
    return lines
