"""Checks, normalizes and measures attribute values, in one pass.

A value is DynamoDB JSON as sent over the wire: N as a string, B in base64. Keys are not checked
here.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from retable.runner.sandbox.dynamodb.api_error import (
    ApiError,
    invalid,
    invalid_values,
    serialization,
)
from retable.runner.sandbox.dynamodb.stored_numbers import number_size, stored_number

MAX_ITEM_BYTES = 409_600
"""The largest item, exactly; 409,601 is refused."""
MAX_WRAPS = 31
"""The maximum nesting of lists and maps; one more is refused."""
CONTAINER_BYTES = 3
ELEMENT_BYTES = 1

Typed = dict[str, Any]
Sized = tuple[Any, int]


def stored_item(item: object) -> tuple[Typed, int]:
    """Return an item as it is stored, and its size in bytes.

    Raises:
        ApiError: a value is invalid, or the item is over 409,600 bytes.
    """
    stored, size = stored_attributes(item)
    if size > MAX_ITEM_BYTES:
        message = "Item size has exceeded the maximum allowed size"
        raise invalid(message)
    return stored, size


def stored_attributes(item: object, wraps: int = 0) -> tuple[Typed, int]:
    """Return a map of attributes as it is stored, and its size in bytes, without a limit on it."""
    if not isinstance(item, dict):
        raise _unexpected(expected="map")
    stored = {}
    size = 0
    for name, value in item.items():
        stored[name], value_size = stored_value(value, wraps)
        size += _utf8_size(name) + value_size
    return stored, size


def stored_value(value: object, wraps: int = 0) -> tuple[Typed, int]:
    """Return one typed value as it is stored, and its size in bytes.

    Raises:
        ApiError: it is invalid.
    """
    if isinstance(value, dict) and len(value) == 1:
        ((kind, payload),) = value.items()
    else:
        kind, payload = _only_datatype(value)
    check = CHECKS.get(kind)
    if check is None:
        message = (
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
        raise invalid(message)
    payload, size = check(payload, wraps)
    return {kind: payload}, size


def _only_datatype(value: object) -> tuple[str, object]:
    """Return the only datatype of a value that does not have exactly one member."""
    if not isinstance(value, dict):
        raise _unexpected(expected="map")
    known = [kind for kind in value if kind in CHECKS]
    if len(known) > 1:
        message = (
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
        raise invalid(message)
    return (known[0], value[known[0]]) if known else ("", None)


def item_bytes(item: Mapping[str, Any]) -> int:
    """Return the size of a stored item."""
    return stored_attributes(dict(item))[1]


def _string(payload: object, _wraps: int) -> Sized:
    """Check an S."""
    if not isinstance(payload, str):
        raise _unexpected(expected="String")
    return payload, _utf8_size(payload)


def _number(payload: object, _wraps: int) -> Sized:
    """Check an N."""
    if not isinstance(payload, str):
        raise _unexpected(expected="String")
    stored = stored_number(payload)
    return stored, number_size(stored)


def _binary(payload: object, _wraps: int) -> Sized:
    """Check a B: canonical base64."""
    if not isinstance(payload, str):
        message = "only base-64-encoded strings are convertible to bytes"
        raise serialization(message)
    try:
        raw = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        message = "Invalid base64"
        raise serialization(message) from error
    if base64.b64encode(raw).decode() != payload:
        message = "Invalid last non-pad Base64 character dectected"
        raise serialization(message)
    return payload, len(raw)


def _boolean(payload: object, _wraps: int) -> Sized:
    """Check a BOOL."""
    if not isinstance(payload, bool):
        raise _unexpected(expected="Boolean")
    return payload, 1


def _null(payload: object, _wraps: int) -> Sized:
    """Check a NULL: only ``true`` is allowed."""
    if payload is not True:
        message = "Null attribute value types must have the value of true"
        raise invalid_values(message)
    return True, 1


def _list(payload: object, wraps: int) -> Sized:
    """Check an L."""
    if not isinstance(payload, list):
        raise _unexpected(expected="list")
    _check_depth(wraps)
    pairs = [stored_value(element, wraps + 1) for element in payload]
    size = CONTAINER_BYTES + sum(ELEMENT_BYTES + size for _, size in pairs)
    return [stored for stored, _ in pairs], size


def _map(payload: object, wraps: int) -> Sized:
    """Check an M."""
    _check_depth(wraps)
    stored, size = stored_attributes(payload, wraps + 1)
    return stored, CONTAINER_BYTES + ELEMENT_BYTES * len(stored) + size


def _set_of(check: Callable[[object, int], Sized], empty: str, twice: str) -> Any:
    """Return the check of a set whose members ``check`` checks."""

    def _set(payload: object, wraps: int) -> Sized:
        if not isinstance(payload, list):
            raise _unexpected(expected="list")
        if not payload:
            raise invalid_values(empty)
        pairs = [check(member, wraps) for member in payload]
        members = [member for member, _ in pairs]
        if len(set(members)) < len(members):
            raise invalid(twice.format(", ".join(members)))
        return members, sum(size for _, size in pairs)

    return _set


CHECKS: dict[str, Callable[[object, int], Sized]] = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "L": _list,
    "M": _map,
    "SS": _set_of(
        _string,
        "An string set  may not be empty",
        "One or more parameter values were invalid: Input collection [{0}] contains duplicates.",
    ),
    "NS": _set_of(
        _number, "An number set  may not be empty", "Input collection contains duplicates"
    ),
    "BS": _set_of(
        _binary,
        "Binary sets should not be empty",
        "One or more parameter values were invalid: "
        "Input collection [{0}]of type BS contains duplicates.",
    ),
}


def _utf8_size(text: str) -> int:
    """Return the bytes of ``text`` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def _check_depth(wraps: int) -> None:
    """Refuse a list or map nested deeper than the maximum."""
    if wraps >= MAX_WRAPS:
        message = (
            "Nesting Levels have exceeded supported limits: "
            "Attributes in the item have nested levels beyond supported limit"
        )
        raise invalid(message)


def _unexpected(*, expected: str) -> ApiError:
    """Return the error for JSON that does not have the protocol's form."""
    return serialization(f"Unexpected value where a {expected} was expected")
