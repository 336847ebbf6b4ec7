"""One JMESPath expression: read once, evaluated over many values.

Which functions there are, and what each node means, is decided elsewhere.
"""

from decimal import Decimal, DecimalException
from typing import Any

from jmespath.exceptions import (
    EmptyExpressionError,
    IncompleteExpressionError,
    LexerError,
    ParseError,
)

from retable.transforms.functions.kinds import ErrorKind, ExpressionError
from retable.transforms.grammar import StrictParser, depth_of
from retable.transforms.reads import Node
from retable.transforms.reference import ExactInterpreter

MAX_LEVELS = 120
"""Deeper ones would press on the interpreter's stack; none written by hand comes near."""
_INTERPRETER = ExactInterpreter()

__all__ = ["Expression", "ExpressionError", "compile_expression"]


class Expression:
    """A JMESPath expression that can be evaluated."""

    __slots__ = ("text", "tree")

    def __init__(self, text: str, tree: Node) -> None:
        """Keep what was read; ``compile_expression`` reads it."""
        self.text = text
        self.tree = tree

    def search(self, value: Any) -> Any:
        """Return what the expression gives for ``value``: JSON as Python holds it, numbers exact.

        Numbers are int or Decimal; a float in ``value`` counts as the decimal it prints as. The
        result may share parts with ``value``.

        Raises:
            ExpressionError: a function does not exist or cannot be applied to its arguments.
        """
        return self.evaluate(_exactly(value))

    def evaluate(self, value: Any) -> Any:
        """Return what the expression gives for a ``value`` without floats.

        Raises:
            ExpressionError: as ``search``.
        """
        try:
            return _INTERPRETER.visit(self.tree, value)
        except DecimalException:
            message = "a number grew beyond what can be computed exactly"
        except RecursionError:
            message = "the values are nested too deeply"
        kind: ErrorKind = "invalid-value"
        raise ExpressionError(kind, message)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Travel as text: a tree is rebuilt faster than it is unpickled."""
        return compile_expression, (self.text,)


def compile_expression(text: str) -> Expression:
    """Return the expression that ``text`` writes.

    Raises:
        ExpressionError: the text does not follow JMESPath's grammar; ``offset`` says where.
    """
    tree = _parse(text)
    if depth_of(tree) > MAX_LEVELS:
        message = f"the expression is nested deeper than {MAX_LEVELS} levels"
        raise _syntax(message, 0)
    return Expression(text, tree)


def _parse(text: str) -> Node:
    try:
        text.encode()
        return StrictParser().parse(text).parsed
    except UnicodeEncodeError as error:
        message, offset = "half a surrogate pair is no text", error.start
    except EmptyExpressionError:
        message, offset = "the expression is empty", 0
    except IncompleteExpressionError:
        message, offset = "the expression ends too early", len(text)
    except LexerError as error:
        message, offset = _lexical(error, text), error.lexer_position
    except ParseError as error:
        message, offset = _grammatical(error), error.lex_position
    except (IndexError, RecursionError, ValueError):
        # The library lets these escape where tokens run out, levels pile up or a number never ends.
        message, offset = "the expression cannot be read", 0
    raise _syntax(message, offset)


def _exactly(value: Any) -> Any:
    """Return ``value`` with decimals in place of floats."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if type(value) is list:
        return [_exactly(element) for element in value]
    if type(value) is dict:
        return {name: _exactly(inner) for name, inner in value.items()}
    return value


def _lexical(error: LexerError, text: str) -> str:
    if error.message.startswith("Unknown token"):
        return f"unexpected character {text[error.lexer_position : error.lexer_position + 1]!r}"
    if error.message.startswith("Unclosed"):
        return f"the {text[error.lexer_position : error.lexer_position + 1]} is not closed"
    return error.message


def _grammatical(error: ParseError) -> str:
    if error.msg.startswith(("a ", "only ")):
        return error.msg
    if error.token_type == "EOF":  # noqa: S105  # a token of the grammar
        return "the expression ends too early"
    return f"unexpected {error.token_value!r}"


def _syntax(message: str, offset: int) -> ExpressionError:
    kind: ErrorKind = "syntax"
    return ExpressionError(kind, message, offset)
