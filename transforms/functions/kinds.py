"""JMESPath's names of types, and the errors that functions raise."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal, NoReturn

from retable.transforms.view import BinaryText, Null, SetView

Kind = Literal["string", "number", "boolean", "array", "object", "null", "expression"]
ErrorKind = Literal["syntax", "unknown-function", "invalid-arity", "invalid-type", "invalid-value"]


class ExpressionError(ValueError):
    """An expression that cannot be read or evaluated. The message holds no item values.

    ``kind`` is JMESPath's own name of the error; ``offset`` is the place in the expression's text,
    counted in characters from 0, where the error has one.
    """

    def __init__(self, kind: ErrorKind, message: str, offset: int | None = None) -> None:
        """Keep all three."""
        self.kind: ErrorKind = kind
        self.message = message
        self.offset = offset
        super().__init__(message)

    def __reduce__(self) -> tuple[type, tuple[ErrorKind, str, int | None]]:
        """Let a process pool carry the error."""
        return type(self), (self.kind, self.message, self.offset)


class Reference:
    """``&expression``: passed to functions that evaluate it on elements they choose."""

    __slots__ = ("evaluate",)

    def __init__(self, evaluate: Callable[[Any], Any]) -> None:
        """Keep what evaluates the expression on a value."""
        self.evaluate = evaluate

    def __call__(self, value: Any) -> Any:
        """Return the expression's value for ``value``."""
        return self.evaluate(value)


KINDS: dict[type, Kind] = {
    str: "string",
    BinaryText: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    Decimal: "number",
    list: "array",
    SetView: "array",
    dict: "object",
    type(None): "null",
    Null: "null",
    Reference: "expression",
}
"""JMESPath's type name of each class; ``kind_of`` knows their subclasses too."""


def kind_of(value: Any) -> Kind:
    """Return JMESPath's name of the type of ``value``.

    Raises:
        ExpressionError: JMESPath has no type for ``value``.
    """
    kind: Kind | None = KINDS.get(type(value))
    if kind is None:
        kind = next((name for known, name in KINDS.items() if isinstance(value, known)), None)
    if kind is None:
        refuse_type(f"{type(value).__name__} is not a JMESPath value")
    return kind


def is_false(value: Any) -> bool:
    """Return whether ``value`` is falsy: null, false, and empty strings, arrays and objects."""
    if value is None or value is False or type(value) is Null:
        return True
    return isinstance(value, (str, list, dict)) and not value


def whole_number(value: Any, what: str, *, least: int | None = None) -> int:
    """Return ``value`` as an int.

    Raises:
        ExpressionError: it has a fraction, or is below ``least``.
    """
    whole = int(value)
    if whole != value:
        refuse_value(f"{what} must be a whole number")
    if least is not None and whole < least:
        refuse_value(f"{what} must not be below {least}")
    return whole


def refuse_value(message: str) -> NoReturn:
    """Refuse an argument of the right type that cannot be used.

    Raises:
        ExpressionError: always.
    """
    kind: ErrorKind = "invalid-value"
    raise ExpressionError(kind, message)


def refuse_type(message: str) -> NoReturn:
    """Refuse an argument of the wrong type.

    Raises:
        ExpressionError: always.
    """
    kind: ErrorKind = "invalid-type"
    raise ExpressionError(kind, message)
