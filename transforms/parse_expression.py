"""The text of one JMESPath expression to its tree. What the tree means is defined elsewhere."""

from jmespath.exceptions import (
    EmptyExpressionError,
    IncompleteExpressionError,
    LexerError,
    ParseError,
)

from retable.transforms.functions.kinds import ErrorKind, ExpressionError
from retable.transforms.grammar import Node, StrictParser, depth_of

MAX_LEVELS = 120
"""Deeper ones could exhaust the interpreter's stack; none written by hand comes near."""


def parse_expression(text: str) -> Node:
    """Return the tree of the expression in ``text``.

    Raises:
        ExpressionError: the text does not follow JMESPath's grammar; ``offset`` says where.
    """
    tree = _parse(text)
    if depth_of(tree) > MAX_LEVELS:
        message = f"the expression is nested deeper than {MAX_LEVELS} levels"
        raise _syntax(message, 0)
    return tree


def _parse(text: str) -> Node:
    try:
        text.encode()
        return StrictParser().parse(text).parsed
    except UnicodeEncodeError as error:
        message, offset = "half a surrogate pair is not a character", error.start
    except EmptyExpressionError:
        message, offset = "the expression is empty", 0
    except IncompleteExpressionError:
        message, offset = "the expression ends unexpectedly", len(text)
    except LexerError as error:
        message, offset = _lexical(error, text), error.lexer_position
    except ParseError as error:
        message, offset = _grammatical(error), error.lex_position
    except (IndexError, RecursionError, ValueError):
        # The library lets these escape when tokens run out, or levels or a number get too large.
        message, offset = "the expression cannot be read", 0
    raise _syntax(message, offset)


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
        return "the expression ends unexpectedly"
    return f"unexpected {error.token_value!r}"


def _syntax(message: str, offset: int) -> ExpressionError:
    kind: ErrorKind = "syntax"
    return ExpressionError(kind, message, offset)
