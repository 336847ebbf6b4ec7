"""The functions over plain values without any Decimal: numbers as in ``jmespath`` itself.

That library computes with Python's int and float, and so does an expression whose values come from
plain JSON. Exact decimals are in ``numbers``.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NoReturn

from retable.transforms.functions.kinds import kind_of, refuse_type
from retable.transforms.functions.signature import Function
from retable.transforms.functions.text import check_length


def over_floats(functions: Mapping[str, Function]) -> dict[str, Function]:
    """Return ``functions`` for ints and floats: the standard ones as in the library."""
    return {
        name: replace(function, run=_STANDARD.get(name) or _as_floats(function.run))
        for name, function in functions.items()
    }


def as_float(value: Any) -> Any:
    """Return ``value`` with whole decimals as ints, and others as floats."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if type(value) is list:
        return [as_float(element) for element in value]
    if type(value) is dict:
        return {name: as_float(inner) for name, inner in value.items()}
    return value


def literal_float(value: Any) -> Any:
    """Return a literal the way Python's JSON reads it: with a point it is a float."""
    if isinstance(value, Decimal):
        return float(value)
    if type(value) is list:
        return [literal_float(element) for element in value]
    if type(value) is dict:
        return {name: literal_float(inner) for name, inner in value.items()}
    return value


def _as_floats(run: Callable[..., Any]) -> Callable[..., Any]:
    def converted(*arguments: Any) -> Any:
        return as_float(run(*arguments))

    return converted


def _average(numbers: Sequence[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


def _to_number(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return None


def _to_string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if kind_of(value) == "expression":
        refuse_type("to_string() takes a value, not an expression")
    written: list[str] = []
    length = 0
    # Piece by piece: a value whose parts are shared can be larger than memory.
    for piece in _JSON.iterencode(value):
        length += len(piece)
        check_length(length)
        written.append(piece)
    return "".join(written)


def _no_expression(_: object) -> NoReturn:
    """Refuse an expression inside a value: the library writes its address in memory."""
    refuse_type("to_string() takes a value, not an expression")


_JSON = json.JSONEncoder(separators=(",", ":"), default=_no_expression)
_STANDARD: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "avg": _average,
    "ceil": math.ceil,
    "floor": math.floor,
    "sum": sum,
    "to_number": _to_number,
    "to_string": _to_string,
}
"""Where the library's arithmetic differs from the exact one."""
