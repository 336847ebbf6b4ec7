"""The canonical form of items, and what is taken from it: the digest and the text of a key.

Two items have one canonical form exactly when DynamoDB holds them for the same: numbers are
normalised, sets sorted, map keys sorted, base64 re-encoded. Making it judges the values as well:
what DynamoDB would not take as a value is refused. Sizes and key rules are judged elsewhere.
"""

import binascii
from collections.abc import Callable, Mapping, Sized
from decimal import Decimal
from hashlib import blake2b
from typing import Any, NoReturn

import orjson

from retable.schema.limits import MAX_ATTRIBUTE_NAME_BYTES, MAX_NESTING
from retable.schema.reasons import Reason
from retable.schema.spec import KeySchema, TypedItem
from retable.transforms.fault import ItemFaultError, shown
from retable.transforms.number import NumberRangeError, normalize_number
from retable.transforms.outcome import Digest

SURELY_A_NAME = MAX_ATTRIBUTE_NAME_BYTES // 4
"""A name of so many characters has few enough bytes."""
_DIGEST_BYTES = 16
_KEEPS_ITS_ORDER = orjson.OPT_SORT_KEYS  # orjson sorts by UTF-8 bytes, at every depth

Typed = dict[str, Any]
"""One DynamoDB JSON value: ``{"S": "…"}``."""

__all__ = [
    "Typed",
    "canonical_item",
    "canonical_key",
    "canonical_value",
    "digest",
    "normalize_number",
    "serialize",
]


def canonical_item(item: TypedItem) -> bytes:
    """Return the canonical form of a DynamoDB JSON item as UTF-8 JSON.

    Raises:
        ItemFaultError: some attribute is no value that DynamoDB holds; a ``ValueError``.
    """
    return serialize(canonical_values(item))


def canonical_values(item: TypedItem) -> dict[str, Typed]:
    """Return ``item`` with every value canonical; attributes keep their order.

    Raises:
        ItemFaultError: as ``canonical_item``.
    """
    values = {}
    for name, typed in item.items():
        check_name(name)
        try:
            values[name] = canonical_value(typed)
        except ItemFaultError as fault:
            raise fault.inside(name) from None
    return values


def canonical_value(typed: Any, level: int = 1) -> Typed:
    """Return one DynamoDB JSON value in canonical form; the same object where it was already.

    Raises:
        ItemFaultError: it is no value DynamoDB holds, or is nested deeper than 32 levels counting
            from ``level``.
    """
    if type(typed) is not dict or len(typed) != 1:
        _refuse("not an object of exactly one type and its value")
    (kind,) = typed
    value = typed[kind]
    if kind == "S" and type(value) is str:
        return typed
    rule = _RULES.get(kind)
    if rule is None:
        _refuse("a type that DynamoDB does not have")
    return rule(typed, value, level)


def serialize(values: Mapping[str, Typed]) -> bytes:
    """Return the canonical form of an item whose values are canonical."""
    return orjson.dumps(values, option=_KEEPS_ITS_ORDER)


def digest(canonical: bytes) -> Digest:
    """Return BLAKE2b-128 of a canonical form as two unsigned 64-bit halves, high first."""
    whole = blake2b(canonical, digest_size=_DIGEST_BYTES).digest()
    return int.from_bytes(whole[:8], "big"), int.from_bytes(whole[8:], "big")


def canonical_key(item: TypedItem, key: KeySchema) -> str:
    """Return the canonical JSON text of the key attributes of ``item``, partition key first.

    Raises:
        ItemFaultError: a key attribute is absent, or is no value that DynamoDB holds.
    """
    values = {}
    for attribute in key.attributes:
        if attribute.name not in item:
            detail = f"key attribute {shown(attribute.name)} is absent"
            raise ItemFaultError(Reason.MISSING_KEY, detail)
        values[attribute.name] = canonical_value(item[attribute.name])
    return key_text(values)


def key_text(values: Mapping[str, Typed]) -> str:
    """Return the JSON text of canonical key attributes, in the order given."""
    return orjson.dumps(values).decode("utf-8")


def check_name(name: str) -> None:
    """Refuse what cannot name an attribute: nothing at all, or more than 65,535 bytes.

    Raises:
        ItemFaultError: the name is refused.
    """
    if not name:
        _refuse("an attribute without a name")
    if len(name) > SURELY_A_NAME and len(name.encode()) > MAX_ATTRIBUTE_NAME_BYTES:
        _refuse(f"an attribute name of more than {MAX_ATTRIBUTE_NAME_BYTES} bytes")


def canonical_base64(text: str) -> str | None:
    """Return base64 text padded and with unused bits zero; ``None`` if it is no base64."""
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


def _text(typed: Typed, value: Any, _level: int) -> Typed:
    if type(value) is not str:
        _refuse("S holds something else than text")
    return typed


def _number(typed: Typed, value: Any, _level: int) -> Typed:
    text = _normal(value)
    return typed if text is value else {"N": text}


def _normal(value: Any) -> str:
    if type(value) is not str:
        _refuse("a number that is not written as text")
    try:
        return normalize_number(value)
    except NumberRangeError as error:
        raise ItemFaultError(Reason.NUMBER_OUT_OF_RANGE, str(error)) from None
    except ValueError:
        _refuse("a number whose text is no decimal number")


def _binary(typed: Typed, value: Any, _level: int) -> Typed:
    text = _base64(value)
    return typed if text == value else {"B": text}


def _base64(value: Any) -> str:
    text = canonical_base64(value) if type(value) is str else None
    if text is None:
        _refuse("binary that is no base64 text")
    return text


def _bool(typed: Typed, value: Any, _level: int) -> Typed:
    if type(value) is not bool:
        _refuse("BOOL holds something else than true or false")
    return typed


def _null(typed: Typed, value: Any, _level: int) -> Typed:
    if value is not True:
        _refuse("NULL holds something else than true")
    return typed


def _list(_typed: Typed, value: Any, level: int) -> Typed:
    if type(value) is not list:
        _refuse("L holds something else than a list")
    _check_level(value, level)
    return {"L": [canonical_value(element, level + 1) for element in value]}


def _map(_typed: Typed, value: Any, level: int) -> Typed:
    if type(value) is not dict:
        _refuse("M holds something else than an object")
    _check_level(value, level)
    return {"M": {name: canonical_value(inner, level + 1) for name, inner in value.items()}}


def _check_level(inside: Sized, level: int) -> None:
    """Refuse what lies a level below ``level``, if anything does and that is too deep."""
    if level >= MAX_NESTING and inside:
        raise ItemFaultError(Reason.TOO_DEEP, f"nested deeper than {MAX_NESTING} levels")


def _string_set(_typed: Typed, value: Any, _level: int) -> Typed:
    if not all(type(member) is str for member in _members(value)):
        _refuse("SS has a member that is no text")
    # Comparing by code point is comparing the UTF-8 bytes.
    return {"SS": _distinct(sorted(value))}


def _number_set(_typed: Typed, value: Any, _level: int) -> Typed:
    members = [_normal(member) for member in _members(value)]
    return {"NS": _distinct(sorted(members, key=Decimal))}


def _binary_set(_typed: Typed, value: Any, _level: int) -> Typed:
    members = [_base64(member) for member in _members(value)]
    return {"BS": _distinct(sorted(members, key=binascii.a2b_base64))}


def _members(value: Any) -> list[Any]:
    if type(value) is not list:
        _refuse("a set that is not written as a list")
    if not value:
        _refuse("an empty set")
    return value


def _distinct(members: list[str]) -> list[str]:
    if len(set(members)) != len(members):
        _refuse("a set that has a member twice")
    return members


def _refuse(detail: str) -> NoReturn:
    raise ItemFaultError(Reason.MALFORMED_ITEM, detail)


_RULES: dict[str, Callable[[Typed, Any, int], Typed]] = {
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
