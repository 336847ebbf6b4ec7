"""JMESPath's grammar as ``jmespath`` parses it, made strict and exact.

Numbers in literals are read as int or Decimal; a missing comma, which the library accepts, is the
syntax error that the grammar says it is; calls record their offset. What a tree means is defined
elsewhere.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from jmespath import ast
from jmespath.exceptions import LexerError, ParseError
from jmespath.lexer import Lexer
from jmespath.parser import ParsedResult, Parser

from retable.transforms.number import MAX_WORKING_EXPONENT

Node = Any
"""A node of jmespath's tree: a dict of its ``type``, its ``children`` and often a ``value``."""
Token = Any
"""A dict of ``type``, ``value``, ``start`` and ``end``, as the library's lexer produces them."""


class ExactLexer(Lexer):
    """Reads the numbers of literals as they are written."""

    # The library's own, missing from its type stubs.
    _position: int
    _expression: str
    _consume_until: Callable[[str], str]

    def _consume_literal(self) -> Token:
        start = self._position
        written = self._consume_until("`")
        lexeme = written.replace("\\`", "`")
        token = {"type": "literal", "start": start, "end": start + len(written) + 2}
        try:
            return token | {"value": _json(lexeme), "bare": False}
        except json.JSONDecodeError:
            # Before JMESPath had 'text', other text than JSON in backticks was a string (JEP-12).
            bare = '"' + lexeme.lstrip() + '"'
        except (ValueError, RecursionError):
            message = "the literal holds a number or a string that cannot be processed"
            raise LexerError(start, lexeme, message) from None
        try:
            return token | {"value": _json(bare), "bare": True}
        except ValueError:
            message = "the literal between the backticks is not JSON"
            raise LexerError(start, lexeme, message) from None


class StrictParser(Parser):
    """Parses with ``ExactLexer``, requires every comma, and records where functions are called."""

    # The library's own, missing from its type stubs.
    _expression: Callable[..., Node]
    _current_token: Callable[[], str]
    _lookahead_token: Callable[[int], Token]
    _match: Callable[[str], None]
    _match_multiple_tokens: Callable[[list[str]], None]

    # The library keeps one cache for all parsers; our trees must not get into it.
    _CACHE: dict[str, ParsedResult] = {}  # noqa: RUF012  # the library's own name and use of it

    def _parse(self, expression: str) -> ParsedResult:
        self.tokenizer = ExactLexer().tokenize(expression)
        self._tokens = list(self.tokenizer)
        self._index = 0
        tree = self._expression(binding_power=0)
        if self._current_token() != "eof":
            token = self._lookahead_token(0)
            raise ParseError(token["start"], token["value"], token["type"], "unexpected token")
        return ParsedResult(expression, tree)

    def _token_nud_quoted_identifier(self, token: Token) -> Node:
        if self._current_token() == "lparen":
            message = "a function name must not be quoted"
            raise ParseError(token["start"], token["value"], token["type"], message)
        return ast.field(token["value"])

    def _token_led_lparen(self, left: Node) -> Node:
        name = self._lookahead_token(-2)
        if left["type"] != "field" or name["type"] != "unquoted_identifier":
            message = "only a name can be called"
            raise ParseError(name["start"], name["value"], name["type"], message)
        arguments: list[Node] = []
        while self._current_token() != "rparen":
            if arguments:
                self._match("comma")
            arguments.append(self._expression())
        self._match("rparen")
        node: Node = ast.function_expression(left["value"], arguments)
        node["start"] = name["start"]
        return node

    def _parse_multi_select_hash(self) -> Node:
        pairs: list[Node] = []
        while not pairs or self._current_token() != "rbrace":
            if pairs:
                self._match("comma")
            name = self._lookahead_token(0)["value"]
            self._match_multiple_tokens(["quoted_identifier", "unquoted_identifier"])
            self._match("colon")
            pairs.append(ast.key_val_pair(key_name=name, node=self._expression(0)))
        self._match("rbrace")
        return ast.multi_select_dict(nodes=pairs)


def depth_of(tree: Node) -> int:
    """Return how deep a tree is nested."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in children_of(node)]
    return depth


def children_of(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below ``node``."""
    if node["type"] != "slice":  # a slice keeps three numbers there
        yield from node["children"]


def calls_of(tree: Node) -> Iterator[Node]:
    """Yield the function calls in a tree; each has its ``start`` in the text."""
    if tree["type"] == "function_expression":
        yield tree
    for child in children_of(tree):
        yield from calls_of(child)


def bare_literals(text: str) -> Iterator[Token]:
    """Yield the literals of a valid expression that are not JSON, and so read as strings."""
    for token in ExactLexer().tokenize(text):
        if token["type"] == "literal" and token.get("bare"):
            yield token


def place_of(path: Sequence[str], text: str) -> tuple[int, int]:
    """Return where ``path``, names joined by dots, first occurs: its offset and length.

    If it is written in another way, that is the whole text.
    """
    tokens = list(ExactLexer().tokenize(text))
    names = {"unquoted_identifier", "quoted_identifier"}
    for index, first in enumerate(tokens):
        part = tokens[index : index + 2 * len(path) - 1]
        words = [token["value"] for token in part[::2] if token["type"] in names]
        dots = all(token["type"] == "dot" for token in part[1::2])
        if words == list(path) and dots and (not index or tokens[index - 1]["type"] != "dot"):
            return first["start"], part[-1]["end"] - first["start"]
    return 0, len(text)


def _json(text: str) -> Any:
    value = json.loads(text, parse_float=_decimal, parse_constant=_no_constant)
    # Half surrogate pairs, which JSON can contain and no item can hold, are refused here.
    json.dumps(value, ensure_ascii=False, default=str).encode()
    return value


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if number and abs(number.adjusted()) > MAX_WORKING_EXPONENT:
        raise ValueError(text)
    return number


def _no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python's JSON accepts and JSON does not have.

    Raises:
        JSONDecodeError: always.
    """
    raise json.JSONDecodeError(name, name, 0)
