"""Converts plain YAML values to DynamoDB JSON, the form of every item in this program.

``typed`` checks DynamoDB JSON that is written in a spec.
"""

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from retable.schema.limits import MAX_NESTING, is_attribute_name


class ValueFaultError(ValueError):
    """A value that no item can hold; ``path`` leads to it from the outermost value."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        """Keep ``path``; the message says what is wrong there."""
        self.path = path
        super().__init__(message)


def to_typed(value: Any) -> Mapping[str, Any]:
    """Return ``value`` as a DynamoDB JSON value, such as ``{"N": "12.5"}``.

    ``value`` is str, int, Decimal, bool, ``None``, bytes, a set, a list or a mapping. Numbers
    become plain decimal strings without needless zeros, bytes base64, sets sorted lists.

    Raises:
        ValueFaultError: a value in it is one that no item can hold.
    """
    return _typed(value, (), 1)


def to_typed_item(item: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return a mapping of attribute names to plain values as a DynamoDB JSON item.

    Raises:
        ValueFaultError: a name or a value is one that no item can hold.
    """
    return {name: _typed(value, (name,), 1) for name, value in _named(item, ())}


def number_text(number: int | Decimal) -> str:
    """Return ``number`` as a plain decimal string: no exponent, no needless zeros, no ``-0``."""
    text = format(Decimal(number), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _typed(value: Any, path: tuple[str | int, ...], level: int) -> dict[str, Any]:
    if level > MAX_NESTING:
        message = f"nested deeper than the {MAX_NESTING} levels of a DynamoDB value"
        raise ValueFaultError(path, message)
    match value:
        case list():
            return {"L": [_typed(v, (*path, i), level + 1) for i, v in enumerate(value)]}
        case Mapping():
            named = _named(value, path)
            return {"M": {name: _typed(v, (*path, name), level + 1) for name, v in named}}
        case set() | frozenset():
            return _typed_set(value, path)
        case _:
            return _typed_scalar(value, path)


def _typed_scalar(value: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": number_text(value)}
        case bytes():
            return {"B": _base64(value)}
        case _:
            message = f"{type(value).__name__} is not a value an item can hold"
            raise ValueFaultError(path, message)


def _typed_set(members: set[Any] | frozenset[Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    if not members:
        message = "an empty set, which DynamoDB does not have; remove the attribute"
        raise ValueFaultError(path, message)
    if all(isinstance(member, str) for member in members):
        return {"SS": sorted(members, key=str.encode)}
    if all(isinstance(member, bytes) for member in members):
        return {"BS": [_base64(member) for member in sorted(members)]}
    if all(type(member) in {int, Decimal} for member in members):
        return {"NS": [number_text(member) for member in sorted(members)]}
    message = "a set whose members are not all strings, all numbers or all binary"
    raise ValueFaultError(path, message)


def _named(mapping: Mapping[str, Any], path: tuple[str | int, ...]) -> list[tuple[str, Any]]:
    for name in mapping:
        # Names inside a nested map have no limit of their own, but must not be empty.
        if not name or (not path and not is_attribute_name(name)):
            message = "an attribute name is 1 to 65,535 bytes of UTF-8"
            raise ValueFaultError((*path, name), message)
    return list(mapping.items())


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
