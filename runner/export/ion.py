"""Converts Amazon Ion text to DynamoDB JSON, exactly. It does not interpret lines.

The types are AWS's ("DynamoDB table export output format", Amazon Ion): string is S, decimal N,
bool BOOL, blob B, struct M, list L, null NULL, and a list annotated ``$dynamodb_SS``,
``$dynamodb_NS`` or ``$dynamodb_BS`` is a set. DynamoDB writes no other Ion values.
"""

import base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from amazon.ion import simpleion
from amazon.ion.core import IonType
from amazon.ion.exceptions import IonException
from amazon.ion.simple_types import (
    IonPyBool,
    IonPyBytes,
    IonPyDecimal,
    IonPyDict,
    IonPyInt,
    IonPyList,
    IonPyNull,
    IonPyText,
)

from retable.transforms.number import normalize_number

MODEL = simpleion.IonPyValueModel.MAY_BE_BARE
"""Plain Python values wherever that loses nothing; twice as fast."""
SETS = {"$dynamodb_SS": "SS", "$dynamodb_NS": "NS", "$dynamodb_BS": "BS"}
MEMBERS = {"SS": "S", "NS": "N", "BS": "B"}

Typed = dict[str, Any]


class NotDynamoDBError(ValueError):
    """Ion text that no DynamoDB export contains. It has no message: that could hold item data."""


def read_ion(text: bytes) -> Mapping[str, Any]:
    """Return the fields of the one struct in ``text``; their values are Ion's, unconverted.

    Raises:
        NotDynamoDBError: it is not Ion text with exactly one struct.
    """
    try:
        value = simpleion.loads(text.decode(), value_model=MODEL)
    # The library does not wrap every error that it runs into.
    except (IonException, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise NotDynamoDBError from error
    return read_fields(value)


def typed_fields(struct: Any) -> Typed:
    """Return an Ion struct as an attribute map in DynamoDB JSON.

    Raises:
        NotDynamoDBError: it is not a struct, or DynamoDB cannot hold a value in it.
    """
    return {name: typed_value(value) for name, value in read_fields(struct).items()}


def typed_value(value: Any) -> Typed:
    """Return one Ion value as DynamoDB JSON.

    Raises:
        NotDynamoDBError: DynamoDB cannot hold it.
    """
    convert = _RULES.get(type(value))
    if convert is None:
        raise NotDynamoDBError
    if getattr(value, "ion_annotations", ()):
        return _set(value)
    return convert(value)


def read_fields(struct: Any) -> Mapping[str, Any]:
    """Return a struct's fields, each with a different name; their values are unconverted.

    Raises:
        NotDynamoDBError: it is not a struct, has annotations, or has a field twice.
    """
    if not isinstance(struct, IonPyDict) or struct.ion_annotations:
        raise NotDynamoDBError
    pairs = struct.items()
    fields = dict(pairs)
    if len(fields) != len(pairs) or not all(type(name) is str for name in fields):
        raise NotDynamoDBError
    return fields


def _set(value: Any) -> Typed:
    """Return the set that an annotated list holds."""
    names = [annotation.text for annotation in value.ion_annotations]
    kind = SETS.get(names[0]) if len(names) == 1 else None
    if kind is None or getattr(value, "ion_type", None) is not IonType.LIST:
        raise NotDynamoDBError
    members = []
    for member in value:
        ((found, content),) = typed_value(member).items()
        if found != MEMBERS[kind]:
            raise NotDynamoDBError
        members.append(content)
    return {kind: members}


def _number(value: Decimal | int) -> Typed:
    """Return a number as DynamoDB JSON writes it; one out of range is returned unchanged.

    The mapping rejects such a number with a reason of its own.
    """
    # ``str(int)`` has a limit on digits that is meant for other uses.
    text = str(Decimal(value))
    try:
        return {"N": normalize_number(text)}
    except ValueError:
        return {"N": text}


def _binary(value: bytes) -> Typed:
    # A clob is read as bytes too, but never as plain ``bytes``.
    if getattr(value, "ion_type", IonType.BLOB) is not IonType.BLOB:
        raise NotDynamoDBError
    return {"B": base64.b64encode(value).decode("ascii")}


def _list(value: Any) -> Typed:
    if getattr(value, "ion_type", IonType.LIST) is not IonType.LIST:
        raise NotDynamoDBError
    return {"L": [typed_value(element) for element in value]}


def _null(value: Any) -> Typed:
    if getattr(value, "ion_type", IonType.NULL) is not IonType.NULL:
        raise NotDynamoDBError
    return {"NULL": True}


def _text(value: str) -> Typed:
    return {"S": str(value)}


def _flag(value: Any) -> Typed:
    return {"BOOL": bool(value)}


def _map(value: Any) -> Typed:
    return {"M": typed_fields(value)}


_RULES: dict[type, Callable[[Any], Typed]] = {
    str: _text,
    IonPyText: _text,
    Decimal: _number,
    IonPyDecimal: _number,
    int: _number,
    IonPyInt: _number,
    bool: _flag,
    IonPyBool: _flag,
    bytes: _binary,
    IonPyBytes: _binary,
    type(None): _null,
    IonPyNull: _null,
    list: _list,
    IonPyList: _list,
    IonPyDict: _map,
}
