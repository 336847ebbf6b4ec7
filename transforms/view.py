"""How JMESPath sees DynamoDB values, and how its results become DynamoDB JSON again.

S is a string, N a number, M an object, L an array, NULL null, a set an array in canonical order, B
base64 text. A value that is merely passed through must keep its type, so the three kinds that plain
JSON cannot distinguish carry their type with them: sets, binary and a null that is present.
``canonical`` checks the values.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from retable.schema.limits import MAX_NESTING
from retable.schema.reasons import Reason
from retable.transforms.fault import ItemFaultError
from retable.transforms.judge import Typed
from retable.transforms.size import MAX_ITEM_BYTES

SetKind = Literal["SS", "NS", "BS"]


class BinaryText(str):
    """B: a base64 string to every function, and B again in a result."""

    __slots__ = ()


class SetView(list[Any]):
    """A set: an array to every function, and the set again in a result."""

    __slots__ = ("kind",)

    def __init__(self, kind: SetKind, members: list[Any]) -> None:
        """Take the ``members`` in canonical order."""
        self.kind: SetKind = kind
        super().__init__(members)


class Null:
    """``{"NULL": true}``: null to JMESPath, yet present, unlike a missing attribute."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Equal everything JMESPath reads as null."""
        return other is None or isinstance(other, Null)

    def __hash__(self) -> int:
        """Hash as null does."""
        return hash(None)

    def __repr__(self) -> str:
        """Return its JSON name."""
        return "null"


NULL: Final = Null()


def is_null(value: Any) -> bool:
    """Return whether JMESPath reads ``value`` as null."""
    return value is None or value is NULL


def view_value(typed: Typed) -> Any:
    """Return what JMESPath sees of one canonical value."""
    ((kind, value),) = typed.items()
    return _VIEWS[kind](value)


def typed_value(value: Any) -> Typed:
    """Return an expression's result as DynamoDB JSON; numbers are not yet normalised.

    Raises:
        ItemFaultError: it is not a value (``&expression``), or so large or so deep that no item
            can hold it. Values that share their parts are bounded as well.
    """
    return _Typing().value(value, 1)


class _Typing:
    """One conversion. ``left`` bounds its work: every value counts as at least one byte."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_ITEM_BYTES

    def value(self, value: Any, level: int) -> Typed:
        if level > MAX_NESTING:
            raise ItemFaultError(Reason.TOO_DEEP, f"nested deeper than {MAX_NESTING} levels")
        self.left -= 1
        if self.left < 0:
            detail = f"a value of more than {MAX_ITEM_BYTES:,} bytes"
            raise ItemFaultError(Reason.ITEM_TOO_LARGE, detail)
        if isinstance(value, SetView):
            return {value.kind: [str(member) for member in value]}
        if isinstance(value, list):
            return {"L": [self.value(inner, level + 1) for inner in value]}
        if isinstance(value, dict):
            return {"M": {name: self.value(inner, level + 1) for name, inner in value.items()}}
        return _typed_scalar(value)


def _typed_scalar(value: Any) -> Typed:
    match value:
        case BinaryText():
            return {"B": str(value)}
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case None | Null():
            return {"NULL": True}
        case _:
            detail = "the result is an expression, not a value"
            raise ItemFaultError(Reason.EXPRESSION_ERROR, detail)


def _view_map(value: Mapping[str, Typed]) -> dict[str, Any]:
    # An export does not guarantee the order of attributes, so they are sorted by name (I7).
    return {name: view_value(value[name]) for name in sorted(value)}


_VIEWS: dict[str, Callable[[Any], Any]] = {
    "S": lambda text: text,
    "BOOL": lambda flag: flag,
    "N": Decimal,
    "M": _view_map,
    "L": lambda elements: [view_value(element) for element in elements],
    "NULL": lambda _: NULL,
    "B": BinaryText,
    "SS": lambda members: SetView("SS", members),
    "NS": lambda members: SetView("NS", [Decimal(member) for member in members]),
    "BS": lambda members: SetView("BS", [BinaryText(member) for member in members]),
}
