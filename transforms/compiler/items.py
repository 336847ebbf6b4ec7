"""What a generated mapping calls to build an item: fields' types, copies, size, key."""

from decimal import Decimal
from struct import Struct
from typing import Any, NoReturn

from retable.schema.reasons import Reason
from retable.schema.spec import AttributeType
from retable.transforms.canonical import SURELY_A_NAME, check_name
from retable.transforms.coerce import coerce
from retable.transforms.compiler.runtime import wrap
from retable.transforms.fault import ItemFaultError, shown
from retable.transforms.functions.kinds import kind_of, refuse_type
from retable.transforms.judge import Typed, judge, judge_all
from retable.transforms.keys import KeyRule
from retable.transforms.number import exact, number_rank
from retable.transforms.size import MAX_ITEM_BYTES
from retable.transforms.view import BinaryText, is_null

FLAGS: dict[bool | None, Typed | None] = {True: {"BOOL": True}, False: {"BOOL": False}, None: None}
FLAG_EXCESS = {True: 4, False: 5, None: 0}
"""Typed booleans, and the excess ``judge`` returns for them."""
halves = Struct(">QQ").unpack


def wrapped(value: Any) -> tuple[Typed | None, int]:
    """Return the typed form of a plain value and its excess; absent for a computed null."""
    typed = wrap(value)
    return (None, 0) if typed is None else (typed, judge(typed))


def given_type(typed: Any, target: AttributeType) -> tuple[Typed | None, int]:
    """Return a typed value converted to ``target``, and its excess; absent stays absent."""
    if typed is None:
        return None, 0
    excess = judge(typed)
    if target in typed:
        return typed, excess
    made = coerce(typed, target)
    return made, judge(made)


def copied(attributes: dict[str, Any]) -> int:
    """Check attributes that are copied under their own names; return their excess."""
    if "" in attributes or sum(map(len, attributes)) > SURELY_A_NAME:
        for name in attributes:
            check_name(name)
    return judge_all(attributes.values())


def checked_key(rule: KeyRule, typed: Any) -> int:
    """Check a value of the table's key, also by the key's rule; return its excess."""
    excess = 0
    if typed is not None:
        try:
            excess = judge(typed)
        except ItemFaultError as fault:
            raise fault.inside(rule.attribute.name) from None
    rule.check(typed)
    return excess


def missing(name: str) -> NoReturn:
    """Refuse an item for which a required field has no value."""
    raise ItemFaultError(Reason.MISSING_FIELD, f"required field {shown(name)} is absent")


def too_large(size: int) -> NoReturn:
    """Refuse an item that is too large for DynamoDB."""
    detail = f"{size:,} bytes; DynamoDB holds {MAX_ITEM_BYTES:,} at most"
    raise ItemFaultError(Reason.ITEM_TOO_LARGE, detail)


def no_array(value: Any) -> NoReturn:
    """Refuse an ``each`` that is neither an array nor null."""
    refuse_type(f"each must be an array, not {kind_of(value)}")


def rank_of(value: Any) -> bytes | None:
    """Return bytes that sort as the values of a collision's expression: numbers, then strings.

    Raises:
        ItemFaultError: ``value`` is neither a number, nor a string, nor null.
    """
    if is_null(value):
        return None
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return b"\x01" + number_rank(exact(value))
    if isinstance(value, str) and not isinstance(value, BinaryText):
        return b"\x02" + value.encode()
    detail = "transform.collisions: the winner's expression must return a number, a string or null"
    raise ItemFaultError(Reason.EXPRESSION_ERROR, detail)
