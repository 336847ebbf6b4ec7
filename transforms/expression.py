"""One JMESPath expression: parsed once, evaluated over many values.

The functions and the meaning of each node are defined elsewhere.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, DecimalException
from typing import Any, Final

from retable.transforms.compiler.code import Module
from retable.transforms.compiler.expressions import Expressions, Operand
from retable.transforms.compiler.runtime import NAMES
from retable.transforms.functions.floats import literal_float, over_floats
from retable.transforms.functions.kinds import ErrorKind, ExpressionError
from retable.transforms.functions.signature import Function
from retable.transforms.functions.table import FUNCTIONS
from retable.transforms.grammar import Node
from retable.transforms.parse_expression import parse_expression

ARITHMETIC_ERRORS: Final = (DecimalException, OverflowError, RecursionError)
"""What evaluation may raise besides ``ExpressionError``."""

Functions = Mapping[str, Function]
"""The functions expressions may call, by name."""

__all__ = ["Expression", "ExpressionError", "compile_expression"]


class Expression:
    """A JMESPath expression that can be evaluated."""

    __slots__ = ("_exact", "_floats", "_functions", "text", "tree")

    def __init__(self, text: str, tree: Node, functions: Functions) -> None:
        """Keep the parsed tree; ``compile_expression`` parses it."""
        self.text = text
        self.tree = tree
        self._functions = functions
        self._exact: Callable[[Any], Any] | None = None
        self._floats: Callable[[Any], Any] | None = None

    def search(self, value: Any) -> Any:
        """Return the expression's result for ``value``: JSON as Python values.

        If any number in ``value`` is a Decimal, all numbers are: literals, results, and floats as
        they print. Otherwise numbers are ints and floats, as in ``jmespath``. The result may share
        parts with ``value``.

        Raises:
            ExpressionError: a function does not exist or cannot be applied to its arguments.
        """
        try:
            if _has_decimal(value):
                return self._over_decimals()(_exactly(value))
            return self._over_floats()(value)
        except ARITHMETIC_ERRORS as error:
            raise arithmetic_error(error) from None

    def _over_decimals(self) -> Callable[[Any], Any]:
        if self._exact is None:
            self._exact = _function_of(self.tree, self._functions)
        return self._exact

    def _over_floats(self) -> Callable[[Any], Any]:
        if self._floats is None:
            functions = over_floats(self._functions)
            self._floats = _function_of(self.tree, functions, literal_float)
        return self._floats

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Pickle as text: a tree is rebuilt faster than it is unpickled."""
        return compile_expression, (self.text,)


def arithmetic_error(error: Exception) -> ExpressionError:
    """Return the ``ExpressionError`` for one of ``ARITHMETIC_ERRORS``."""
    kind: ErrorKind = "invalid-value"
    if isinstance(error, RecursionError):
        return ExpressionError(kind, "the values are nested too deeply")
    return ExpressionError(kind, "a number grew beyond what can be computed exactly")


def _function_of(
    tree: Node, functions: Functions, literal: Callable[[Any], Any] = lambda value: value
) -> Callable[[Any], Any]:
    module = Module(NAMES)
    writer = module.function("search", "value")
    found = Expressions(module, functions, literal).plain(writer, tree, Operand("value", "plain"))
    name = writer.end(found.name)
    run: Callable[[Any], Any] = module.run(name, "<expression>")
    return run


def _has_decimal(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_decimal, value))
    if isinstance(value, dict):
        return any(map(_has_decimal, value.values()))
    return isinstance(value, Decimal)


def compile_expression(text: str, functions: Functions = FUNCTIONS) -> Expression:
    """Parse the expression in ``text``; it may call ``functions``.

    Raises:
        ExpressionError: the text does not follow JMESPath's grammar; ``offset`` says where.
    """
    return Expression(text, parse_expression(text), functions)


def _exactly(value: Any) -> Any:
    """Return ``value`` with decimals instead of floats."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if type(value) is list:
        return [_exactly(element) for element in value]
    if type(value) is dict:
        return {name: _exactly(inner) for name, inner in value.items()}
    return value
