"""Functions that convert a value: strings, binary, digests, identifiers."""

import binascii
import json
import uuid
from collections.abc import Callable
from hashlib import md5, sha256
from typing import Any

from retable.transforms.functions.kinds import kind_of, refuse_type, refuse_value
from retable.transforms.functions.numbers import number_json
from retable.transforms.functions.text import check_length
from retable.transforms.judge import canonical_base64
from retable.transforms.view import BinaryText

_NAMESPACES = {
    "dns": uuid.NAMESPACE_DNS,
    "url": uuid.NAMESPACE_URL,
    "oid": uuid.NAMESPACE_OID,
    "x500": uuid.NAMESPACE_X500,
}


def type_(value: Any) -> str:
    """Return JMESPath's name of the value's type."""
    return kind_of(value)


def to_string(value: Any) -> str:
    """Return a string unchanged, and anything else as compact JSON."""
    if isinstance(value, str):
        return value
    pieces = _Pieces()
    pieces.write(value)
    return "".join(pieces.written)


def to_binary(text: str, encoding: str = "base64") -> BinaryText:
    """Return ``text`` decoded from ``encoding`` as binary: base64, hex or utf-8."""
    read = _ENCODINGS.get(encoding)
    if read is None:
        refuse_value("to_binary() supports the encodings base64, hex and utf-8")
    return read(text)


def sha256_(text: str) -> str:
    """Return the SHA-256 of the string's UTF-8 bytes in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def md5_(text: str) -> str:
    """Return the MD5 of the string's UTF-8 bytes in hexadecimal."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def uuid5(namespace: str, name: str) -> str:
    """Return the version 5 UUID of ``name`` in a namespace: a UUID, or dns, url, oid, x500."""
    known = _NAMESPACES.get(namespace) or _uuid(namespace)
    if known is None:
        refuse_value("uuid5()'s namespace must be a UUID or one of dns, url, oid, x500")
    return str(uuid.uuid5(known, name))


class _Pieces:
    """One value written as JSON. The length is checked while it grows: values may share parts."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self._length = 0

    def write(self, value: Any) -> None:
        match kind_of(value):
            case "string":
                self._add(json.dumps(value))
            case "number":
                self._add(number_json(value))
            case "boolean":
                self._add("true" if value else "false")
            case "null":
                self._add("null")
            case "array":
                self._add("[")
                self._write_array(value)
                self._add("]")
            case "object":
                self._add("{")
                self._write_object(value)
                self._add("}")
            case "expression":
                refuse_type("to_string() takes a value, not an expression")

    def _write_array(self, value: list[Any]) -> None:
        for place, element in enumerate(value):
            if place:
                self._add(",")
            self.write(element)

    def _write_object(self, value: dict[str, Any]) -> None:
        for place, (name, inner) in enumerate(value.items()):
            self._add(f"{',' if place else ''}{json.dumps(name)}:")
            self.write(inner)

    def _add(self, piece: str) -> None:
        self._length += len(piece)
        check_length(self._length)
        self.written.append(piece)


def _from_base64(text: str) -> BinaryText:
    canonical = canonical_base64(text)
    if canonical is None:
        refuse_value("to_binary() was given a string that is not base64")
    return BinaryText(canonical)


def _from_hex(text: str) -> BinaryText:
    raw = _unhexed(text)
    if raw is None:
        refuse_value("to_binary() was given a string that is not hexadecimal")
    return _encoded(raw)


def _unhexed(text: str) -> bytes | None:
    try:
        return binascii.unhexlify(text)
    except ValueError:
        return None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _encoded(raw: bytes) -> BinaryText:
    return BinaryText(binascii.b2a_base64(raw, newline=False).decode("ascii"))


_ENCODINGS: dict[str, Callable[[str], BinaryText]] = {
    "base64": _from_base64,
    "hex": _from_hex,
    "utf-8": lambda text: _encoded(text.encode()),
}
