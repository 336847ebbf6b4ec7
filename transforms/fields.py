"""One entry of ``transform.fields``: from an exported item to the value of one attribute."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from retable.schema.reasons import Reason
from retable.schema.spec import AttributeType, Field
from retable.transforms.canonical import Typed, canonical_value
from retable.transforms.coerce import coerce
from retable.transforms.expression import Expression, ExpressionError, compile_expression
from retable.transforms.fault import ItemFaultError, shown
from retable.transforms.number import exact, number_rank
from retable.transforms.reads import path_of
from retable.transforms.view import BinaryText, is_null, typed_value

Source = Mapping[str, Typed]
"""The exported item: attribute names to canonical values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """What makes one attribute."""

    name: str
    expression: Expression
    path: tuple[str, ...] | None
    """Where the expression only walks down maps, the names it walks: no view is needed then."""
    type: AttributeType | None
    required: bool
    default: Typed | None

    def make(self, source: Source, view: Any) -> Typed | None:
        """Return the attribute's canonical value, ``None`` where it is absent.

        Raises:
            ItemFaultError: the expression fails on this item, or its value cannot be an
                attribute's, or not of the declared type.
        """
        try:
            made = self._value(source, view)
            if made is not None:
                return made if self.type is None else coerce(made, self.type)
        except ExpressionError as error:
            what = f"field {shown(self.name)}"
            raise failed(what, error) from None
        except ItemFaultError as fault:
            raise fault.inside(self.name) from None
        return self.default

    def _value(self, source: Source, view: Any) -> Typed | None:
        if self.path is not None:
            return _walk(source, self.path)
        value = self.expression.evaluate(view)
        if value is None:
            return None
        if type(value) is str:
            return {"S": value}
        typed = {"N": str(value)} if type(value) is Decimal else typed_value(value)
        return canonical_value(typed)


def maker_of(field: Field) -> Maker:
    """Return what makes ``field``.

    Raises:
        ExpressionError: its expression does not follow the grammar.
        ItemFaultError: its default is no value DynamoDB holds.
    """
    expression = compile_expression(field.expression.text)
    return Maker(
        name=field.name,
        expression=expression,
        path=path_of(expression.tree),
        type=field.type,
        required=field.required,
        default=None if field.default is None else canonical_value(dict(field.default)),
    )


def missing_field(name: str) -> ItemFaultError:
    """Return the fault of an item for which a required field gave nothing."""
    return ItemFaultError(Reason.MISSING_FIELD, f"required field {shown(name)} is absent")


def failed(what: str, error: ExpressionError) -> ItemFaultError:
    """Return the fault of an item on which the expression of ``what`` failed."""
    return ItemFaultError(Reason.EXPRESSION_ERROR, f"{what}: {error.message}")


def rank_of(value: Any) -> bytes | None:
    """Return bytes that sort as the values of a collision's expression: numbers, then text.

    Raises:
        ItemFaultError: ``value`` is neither a number, nor text, nor null.
    """
    if is_null(value):
        return None
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return b"\x01" + number_rank(exact(value))
    if isinstance(value, str) and not isinstance(value, BinaryText):
        return b"\x02" + value.encode()
    detail = "transform.collisions: the winner's expression must give a number, text or null"
    raise ItemFaultError(Reason.EXPRESSION_ERROR, detail)


def _walk(source: Source, path: tuple[str, ...]) -> Typed | None:
    typed = source.get(path[0])
    for name in path[1:]:
        inner = None if typed is None else typed.get("M")
        if inner is None:
            return None
        typed = inner.get(name)
    return typed
