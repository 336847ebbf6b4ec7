"""Which stage of generated code raised an exception, and the reject reason for it.

Nothing in an exported line may escape the kernel as an exception; if it does, that is a bug.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import DecimalException
from typing import Any

import orjson

from retable.schema.reasons import Reason
from retable.transforms.fault import ItemFaultError
from retable.transforms.functions.kinds import ExpressionError
from retable.transforms.item_outcome import Rejected
from retable.transforms.judge import judge


@dataclass(frozen=True, slots=True)
class Place:
    """One stage of a mapping: an expression and its purpose, or a built-in check."""

    what: str | None = None
    """The expression as details name it: ``transform.where``, ``field 'total'``."""
    field: str | None = None
    """The attribute that is being produced."""
    key: bool = False
    """It is part of the table's key, which is missing if its expression fails."""


def rejected(error: Exception, place: Place, item: Any) -> Rejected:
    """Return why ``item`` cannot become a target item, given what ended its mapping.

    Raises:
        Exception: ``error``, if nothing in the item explains it.
    """
    if item.__class__ is not dict:
        return _no_item(error)
    fault = _fault(error, place, item)
    if fault is None:
        raise error
    return Rejected(fault.reason, fault.detail)


def check_once(line: bytes, item: Any) -> None:
    """Refuse a line whose ``item`` is not one, or with a duplicate name within one object.

    Raises:
        TypeError: it is none.
        ItemFaultError: it does; which of two equal names counts is undefined.
    """
    if item.__class__ is not dict:
        raise TypeError
    json.loads(line, object_pairs_hook=_once, parse_int=str, parse_float=str)


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ItemFaultError(Reason.MALFORMED_LINE, "the line names something twice in one object")


def _no_item(error: Exception) -> Rejected:
    if isinstance(error, orjson.JSONDecodeError):
        return Rejected(Reason.MALFORMED_LINE, "the line is no JSON in UTF-8")
    return Rejected(Reason.MALFORMED_LINE, "the line has no Item object")


def _fault(error: Exception, place: Place, item: Mapping[str, Any]) -> ItemFaultError | None:
    match error:
        case ItemFaultError():
            fault = _named(error, item) if place.field is None else error.inside(place.field)
        case RecursionError() if place.what is None:
            fault = ItemFaultError(Reason.TOO_DEEP, "values are nested too deeply to be read")
        case ExpressionError() | DecimalException() | OverflowError() | RecursionError():
            fault = ItemFaultError(Reason.EXPRESSION_ERROR, f"{place.what}: {_message(error)}")
        case orjson.JSONEncodeError():
            detail = "an expression returned a string that is not valid UTF-8"
            fault = ItemFaultError(Reason.EXPRESSION_ERROR, detail)
        case _:
            return _first_fault(item)
    if place.key and fault.reason is Reason.EXPRESSION_ERROR:
        return ItemFaultError(Reason.MISSING_KEY, fault.detail)
    return fault


def _message(error: Exception) -> str:
    if isinstance(error, ExpressionError):
        return error.message
    if isinstance(error, RecursionError):
        return "the values are nested too deeply"
    return "a number grew beyond what can be computed exactly"


def _named(fault: ItemFaultError, item: Mapping[str, Any]) -> ItemFaultError:
    """Return ``fault`` with the name of the attribute that causes it, if one does by itself."""
    for name, typed in item.items():
        try:
            judge(typed)
        except ItemFaultError as found:
            if (found.reason, found.detail) == (fault.reason, fault.detail):
                return fault.inside(name)
    return fault


def _first_fault(item: Mapping[str, Any]) -> ItemFaultError | None:
    """Return the first fault of the attributes, which kept the code from reading them."""
    for name, typed in item.items():
        try:
            judge(typed)
        except ItemFaultError as fault:
            return fault.inside(name)
    return None
