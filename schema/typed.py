"""Checks DynamoDB JSON in a spec (``given_typed``) beyond its shape."""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from retable.schema.limits import MAX_NESTING, is_attribute_name, parse_number
from retable.schema.spec import SpecPath

Fault = tuple[SpecPath, str]
"""The path to a value inside the item, and what is wrong with it."""


def faults(item: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """Yield what is wrong with ``item``, whose shape (one type per value) was checked before."""
    for name, value in item.items():
        if not is_attribute_name(name):
            yield (name,), "an attribute name is 1 to 65,535 bytes of UTF-8"
        yield from _value_faults(value, (name,), 1)


def _value_faults(value: Mapping[str, Any], path: SpecPath, level: int) -> Iterator[Fault]:
    ((kind, content),) = value.items()
    inner = (*path, kind)
    if level > MAX_NESTING:
        yield path, f"nested deeper than the {MAX_NESTING} levels of a DynamoDB value"
    elif kind in {"N", "B"}:
        yield from _scalar_faults(kind, content, inner)
    elif kind in {"SS", "NS", "BS"}:
        yield from _set_faults(kind, content, inner)
    elif kind == "L":
        for index, entry in enumerate(content):
            yield from _value_faults(entry, (*inner, index), level + 1)
    elif kind == "M":
        for name, entry in content.items():
            if not name:
                yield (*inner, name), "a name inside a map must not be empty"
            yield from _value_faults(entry, (*inner, name), level + 1)


def _scalar_faults(kind: str, text: str, path: SpecPath) -> Iterator[Fault]:
    try:
        _READ[kind](text)
    except ValueError as error:
        yield path, str(error)


def _set_faults(kind: str, members: list[str], path: SpecPath) -> Iterator[Fault]:
    seen = set()
    for index, member in enumerate(members):
        try:
            read = _READ[kind[0]](member)
        except ValueError as error:
            yield (*path, index), str(error)
            continue
        if read in seen:
            yield (*path, index), "a set holds a member twice"
        seen.add(read)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        message = "not base64"
        raise ValueError(message) from None


_READ: Mapping[str, Callable[[str], Any]] = {"S": str, "N": parse_number, "B": _decode}
