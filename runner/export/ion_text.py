"""Converts DynamoDB JSON to Amazon Ion text, one record per line, as native exports write it."""

import base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from amazon.ion import simpleion
from amazon.ion.core import IonType
from amazon.ion.simple_types import IonPyList

MEMBERS = {"SS": "S", "NS": "N", "BS": "B"}


def ion_line(fields: Mapping[str, Any], wrapper: str | None = None) -> bytes:
    """Return a struct of attribute maps (``{"Item": {…}}``) as one line without its newline.

    ``wrapper`` names the only field of an outer struct around it.
    """
    struct = {name: _struct(typed) for name, typed in fields.items()}
    whole = struct if wrapper is None else {wrapper: struct}
    # Annotated as bytes too, which it gives only where binary is asked for.
    text: str = simpleion.dumps(whole, binary=False)  # pyright: ignore[reportAssignmentType]
    return text.encode()


def _struct(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attribute map as an Ion struct."""
    return {name: _value(typed) for name, typed in item.items()}


def _value(typed: Mapping[str, Any]) -> Any:
    """Return one value of DynamoDB JSON as an Ion value."""
    ((kind, value),) = typed.items()
    if kind in MEMBERS:
        members = [_value({MEMBERS[kind]: member}) for member in value]
        return IonPyList.from_value(IonType.LIST, members, (f"$dynamodb_{kind}",))
    return _RULES[kind](value)


_RULES: Mapping[str, Callable[[Any], Any]] = {
    "S": str,
    "N": Decimal,
    "B": base64.b64decode,
    "BOOL": bool,
    "NULL": lambda _: None,
    "M": _struct,
    "L": lambda elements: [_value(element) for element in elements],
}
