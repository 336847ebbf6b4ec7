"""The canonical form of items, and what is derived from it: the digest and the key's JSON.

``judge`` decides what is canonical and what is refused. Sizes and key rules are checked elsewhere.
"""

from collections.abc import Mapping
from hashlib import blake2b
from struct import Struct
from typing import Any, NoReturn

import orjson

from retable.schema.limits import MAX_ATTRIBUTE_NAME_BYTES, MAX_NESTING
from retable.schema.reasons import Reason
from retable.schema.spec import KeySchema, TypedItem
from retable.transforms.fault import ItemFaultError, shown
from retable.transforms.item_outcome import Digest
from retable.transforms.judge import Typed, judge

SURELY_A_NAME = MAX_ATTRIBUTE_NAME_BYTES // 4
"""A name of at most this many characters cannot exceed the byte limit."""
DIGEST_BYTES = 16
_KEEPS_ITS_ORDER = orjson.OPT_SORT_KEYS  # orjson sorts by UTF-8 bytes, at every depth
_HALVES = Struct(">QQ")


def canonical_values(item: TypedItem) -> dict[str, Typed]:
    """Return ``item`` with every value canonical; attributes keep their order.

    Raises:
        ItemFaultError: some attribute is no value that DynamoDB holds; a ``ValueError``.
    """
    values = {}
    for name, typed in item.items():
        check_name(name)
        try:
            values[name] = canonical_value(typed)
        except ItemFaultError as fault:
            raise fault.inside(name) from None
    return values


def canonical_value(typed: Any) -> Typed:
    """Return a copy of one DynamoDB JSON value in canonical form.

    Raises:
        ItemFaultError: it is not a value DynamoDB can hold, or is nested deeper than 32 levels.
    """
    value: Typed = _copied(typed)
    judge(value)
    return value


def serialize(values: Mapping[str, Typed]) -> bytes:
    """Return the canonical form of an item whose values are canonical."""
    return orjson.dumps(values, option=_KEEPS_ITS_ORDER)


def digest(canonical: bytes) -> Digest:
    """Return BLAKE2b-128 of a canonical form as two unsigned 64-bit halves, high first."""
    high, low = _HALVES.unpack(blake2b(canonical, digest_size=DIGEST_BYTES).digest())
    return high, low


def canonical_key(item: TypedItem, key: KeySchema) -> str:
    """Return the canonical JSON of the key attributes of ``item``, partition key first.

    Raises:
        ItemFaultError: a key attribute is absent, or is not a value DynamoDB can hold.
    """
    values = {}
    for attribute in key.attributes:
        if attribute.name not in item:
            detail = f"key attribute {shown(attribute.name)} is absent"
            raise ItemFaultError(Reason.MISSING_KEY, detail)
        values[attribute.name] = canonical_value(item[attribute.name])
    return key_text(values)


def key_text(values: Mapping[str, Typed]) -> str:
    """Return canonical key attributes as JSON, in the order given."""
    return orjson.dumps(values).decode("utf-8")


def check_name(name: str) -> None:
    """Refuse what cannot name an attribute: an empty string, or more than 65,535 bytes.

    Raises:
        ItemFaultError: the name is refused.
    """
    if not name:
        _refuse("an attribute without a name")
    if len(name) > SURELY_A_NAME and len(name.encode()) > MAX_ATTRIBUTE_NAME_BYTES:
        _refuse(f"an attribute name of more than {MAX_ATTRIBUTE_NAME_BYTES} bytes")


def _copied(value: Any, levels: int = 2 * MAX_NESTING + 2) -> Any:
    """Return a copy of ``value`` that shares no list or object, as deep as ``judge`` looks."""
    if levels and isinstance(value, dict):
        return {name: _copied(inner, levels - 1) for name, inner in value.items()}
    if levels and isinstance(value, list):
        return [_copied(inner, levels - 1) for inner in value]
    return value


def _refuse(detail: str) -> NoReturn:
    raise ItemFaultError(Reason.MALFORMED_ITEM, detail)
