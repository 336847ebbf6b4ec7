"""What generated code calls for all but the most common values: both views of a value.

*Plain* values are JSON as Python values, plus ``view``'s classes for DynamoDB's types; *typed* ones
are DynamoDB JSON (``{"S": …}``), with ``None`` for absent. Typed values are checked when they are
read here. The generator decides which of these is called when.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from retable.transforms.functions.kinds import (
    ErrorKind,
    ExpressionError,
    Reference,
    is_false,
    kind_of,
    refuse_value,
)
from retable.transforms.functions.text import check_length
from retable.transforms.judge import Typed, judge, judge_list
from retable.transforms.view import NULL, Null, typed_value, view_value

_ELEMENTS = {"SS": "S", "NS": "N", "BS": "B"}
"""The types of the members of sets."""
_ORDERED = ("number", "string")


def see(typed: Any) -> Any:
    """Return the plain view of a typed value."""
    if typed is None:
        return None
    judge(typed)
    return view_value(typed)


def see_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain view of a whole item; attributes by name: an export guarantees no order."""
    return {name: see(item[name]) for name in sorted(item)}


def wrap(value: Any) -> Typed | None:
    """Return the typed form of a plain value, canonical; absent for a computed null."""
    if value is None:
        return None
    typed = typed_value(value)
    judge(typed)
    return typed


def member(typed: Any, name: str) -> Any:
    """Return the named value of a typed map, unchecked; absent for anything else."""
    members = _inside(typed, "M")
    return None if members is None else members.get(name)


def elements(typed: Any) -> list[Any] | None:
    """Return the elements of a typed list or set; ``None`` for anything else."""
    if typed is None:
        return None
    found: list[Any] | None = _inside(typed, "L")
    if found is not None:
        return found
    (kind,) = typed
    if kind not in _ELEMENTS:
        return None
    judge(typed)
    return [{_ELEMENTS[kind]: one} for one in typed[kind]]


def typed_values(typed: Any) -> list[Any] | None:
    """Return the values of a typed map in the order of their names; ``None`` for anything else."""
    members = _inside(typed, "M")
    return None if members is None else [members[name] for name in sorted(members)]


def _inside(typed: Any, expected: str) -> Any:
    """Return what a typed list or map holds, with only its own shape checked; else ``None``."""
    if typed is None:
        return None
    if typed.__class__ is not dict or len(typed) != 1:
        judge(typed)
    inside = typed.get(expected)
    if inside is None:
        if expected in typed or not typed.keys() & _KINDS:
            judge(typed)
        return None
    if inside.__class__ is not (list if expected == "L" else dict):
        judge(typed)
    return inside


_KINDS = frozenset({"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"})


def flat_typed(typed: Any) -> Typed | None:
    """Return the typed list with the elements of its lists in their place."""
    outer = elements(typed)
    if outer is None:
        return None
    inner = [elements(one) for one in outer]
    check_length(sum(1 if found is None else len(found) for found in inner))
    pairs = zip(outer, inner, strict=True)
    return {"L": [each for one, found in pairs for each in ([one] if found is None else found)]}


def flat(value: Any) -> list[Any] | None:
    """Return the array with the elements of its arrays in their place."""
    if not isinstance(value, list):
        return None
    check_length(sum(len(one) if isinstance(one, list) else 1 for one in value))
    return [each for one in value for each in (one if isinstance(one, list) else [one])]


def false(typed: Any) -> bool:
    """Return whether a typed value counts as false."""
    return typed is None or is_false(see(typed))


def null(typed: Any) -> bool:
    """Return whether JMESPath reads a typed value as null."""
    return typed is None or "NULL" in typed


def equal(left: Any, right: Any) -> bool:
    """Return whether two plain values are equal; JMESPath's true is not 1."""
    if left.__class__ is bool or right.__class__ is bool:
        return left is right
    return bool(left == right)


def ordered(left: Any, right: Any) -> bool:
    """Return whether the operators of order are defined on two plain values."""
    kind = kind_of(left)
    return kind in _ORDERED and kind_of(right) == kind


def refuse_step() -> NoReturn:
    """Refuse a slice that never ends."""
    refuse_value("the step of a slice must not be 0")


def unknown(name: str) -> NoReturn:
    """Refuse a call of a function that does not exist."""
    kind: ErrorKind = "unknown-function"
    raise ExpressionError(kind, f"there is no function {name}()")


NAMES: dict[str, Callable[..., Any] | Any] = {
    one.__name__: one
    for one in (
        Decimal,
        Reference,
        elements,
        equal,
        false,
        flat,
        flat_typed,
        is_false,
        judge,
        judge_list,
        member,
        null,
        ordered,
        refuse_step,
        see,
        see_item,
        typed_values,
        unknown,
        wrap,
    )
} | {"NULL": NULL, "Null": Null}
"""The names that all generated code can use."""
