"""YAML text to a bounded tree of nodes with their positions. ``document`` gives them meaning.

Nothing is constructed: no tag creates an object here, and every scalar stays a string.
Events come from libyaml if PyYAML was built with it, which is 20 times faster. Text that libyaml
refuses is parsed again by PyYAML's own parser, so error messages and positions never depend on it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from retable.schema.problem import Span
from retable.schema.rules import Rule

MAX_DEPTH = 80
"""Levels of nesting: 32 of an item's value, two each in DynamoDB JSON, plus the path to it."""
PLAIN = "plain"
"""The tag of an unquoted scalar without an explicit tag."""
QUOTED = "quoted"
"""The tag of a quoted or block scalar without an explicit tag."""
_BLOCK_STYLES = frozenset("|>")
_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# libyaml accepts tabs between tokens and ? inside words; PyYAML refuses some of them.
_DISPUTED = re.compile(r"\t|[^\s\[]\?")
_WORDS = (
    ("could not find expected ':'", "a key without a colon"),
    ("expected <block end>, but found '<block mapping start>'", "a key in an unexpected column"),
    ("expected <block end>, but found", "the block should end here, but there is"),
    ("'<block mapping start>'", "a mapping"),
    ("'<block end>'", "the end of the block"),
    ("'<stream end>'", "the end of the file"),
    ("'<scalar>'", "a scalar"),
)
"""PyYAML's names for its tokens, and plain ones."""
_HINTS = (
    ("'\\t' that cannot start", "YAML is indented with spaces, never with tabs"),
    ("that cannot start any token", "quote a string that starts with this character"),
    ("mapping values are not allowed", "quote a string that contains a colon and a space"),
    ("unknown escape character", "between single quotes, a backslash is just a backslash"),
    ("while scanning a quoted scalar", "the closing quote is missing"),
    ("<block end>, but found '<scalar>'", "a quote may end too early"),
    ("expected <block end>", "all entries of a mapping or list start in the same column"),
    ("could not find expected ':'", "a key ends in a colon followed by a space"),
    ("expected ',' or", "quote a string that contains brackets, braces, commas or quotes"),
    ("undefined alias", "quote a string that starts with *"),
    ("while scanning an anchor", "quote a string that starts with &"),
    ("while scanning an alias", "quote a string that starts with *"),
)


class ComposeError(Exception):
    """Text that cannot be composed; ``rule``, ``span`` and ``hint`` say which rule and where."""

    def __init__(self, rule: Rule, span: Span, message: str, hint: str | None = None) -> None:
        """Keep the facts of the one finding."""
        self.rule = rule
        self.span = span
        self.hint = hint
        super().__init__(message)


@dataclass(slots=True, eq=False)
class Node:
    """One node. ``children`` are the entries of a list, or keys and values in turn.

    An alias has only ``target``, the node it refers to, which may not be complete yet.
    """

    kind: Literal["scalar", "list", "mapping", "alias"]
    span: Span
    tag: str | None = None
    text: str = ""
    children: tuple["Node", ...] = ()
    target: "Node | None" = None


def compose(text: str) -> Node | None:
    """Return the root node of ``text``; ``None`` if it holds only white space and comments.

    Raises:
        ComposeError: the text is not one YAML document, or is nested deeper than ``MAX_DEPTH``.
    """
    if (index := text.find("\ufeff")) >= 0:
        # A byte order mark inside the text: the parsers disagree on whether it is a column.
        raise _bad_character(text, index)
    if _DISPUTED.search(text):
        return _compose_slowly(text)
    try:
        return _Composer(text, _FAST).root()
    except (yaml.YAMLError, ValueError, OverflowError):
        return _compose_slowly(text)


def _compose_slowly(text: str) -> Node | None:
    try:
        return _Composer(text, yaml.SafeLoader).root()
    except yaml.reader.ReaderError as error:
        raise _bad_character(text, error.position) from error
    except yaml.MarkedYAMLError as error:
        raise _syntax(error) from error
    except (ValueError, OverflowError) as error:
        # An escape beyond Unicode ("\UFFFFFFFF") reaches chr() unchecked, without a mark.
        place = _escape_beyond_unicode(text)
        raise ComposeError(Rule.YAML_SYNTAX, place, "an escape that is not a character") from error


class _Composer:
    """One pass over the events of one text."""

    def __init__(self, text: str, loader: Any) -> None:
        self._lines = text.splitlines()
        self._next: Callable[[], yaml.Event] = loader(text).get_event
        self._anchors: dict[str, Node] = {}

    def root(self) -> Node | None:
        self._next()
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        node = self._node(self._next(), 1)
        self._next()
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            message = "a second document starts here; one file holds one spec"
            raise ComposeError(Rule.SEVERAL_DOCUMENTS, _span(event), message)
        return node

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels"
            raise ComposeError(Rule.NESTED_TOO_DEEP, _first_line(_span(event)), message)
        # Most nodes are scalars, so they are checked first.
        if isinstance(event, yaml.ScalarEvent):
            tag = event.tag or (PLAIN if event.implicit[0] else QUOTED)
            span = _span(event)
            if event.style in _BLOCK_STYLES or not event.value:
                span = self._scalar_span(event, span)
            node = Node("scalar", span, tag, event.value)
            if event.anchor is not None:
                self._anchors[event.anchor] = node
            return node
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        assert isinstance(event, yaml.CollectionStartEvent)  # noqa: S101 - narrows for mypy
        return self._collection(event, depth)

    def _collection(self, event: yaml.CollectionStartEvent, depth: int) -> Node:
        kind: Literal["list", "mapping"] = (
            "mapping" if isinstance(event, yaml.MappingStartEvent) else "list"
        )
        node = Node(kind, _span(event), event.tag)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        children = []
        while not isinstance(inner := self._next(), yaml.CollectionEndEvent):
            children.append(self._node(inner, depth + 1))
        node.children = tuple(children)
        if event.flow_style or not children:
            node.span = _joined(node.span, _span(inner))
        else:
            # The parser ends a block where the next token starts, which may be far below.
            node.span = _joined(node.span, children[-1].span)
        return node

    def _alias(self, event: yaml.AliasEvent) -> Node:
        if event.anchor not in self._anchors:
            message = f"not YAML: the alias *{event.anchor} has no anchor before it"
            hint = "quote a string that starts with *"
            raise ComposeError(Rule.YAML_SYNTAX, _span(event), message, hint)
        return Node("alias", _span(event), target=self._anchors[event.anchor])

    def _scalar_span(self, event: yaml.ScalarEvent, span: Span) -> Span:
        """Return a scalar's span; a block scalar ends with its last line that is not blank."""
        if span[:2] == span[2:]:
            # An empty value is placed right after its colon or dash.
            before = self._lines[span.line - 1 : span.line] or [""]
            column = len(before[0][: span.column - 1].rstrip()) + 1
            return Span(span.line, column, span.line, column)
        if event.style not in _BLOCK_STYLES:
            return span
        line = min(span.end_line if span.end_column > 1 else span.end_line - 1, len(self._lines))
        while line > span.line and not self._lines[line - 1].strip():
            line -= 1
        return Span(span.line, span.column, line, len(self._lines[line - 1]) + 1)


def _span(event: yaml.Event) -> Span:
    # Only events that a program creates itself have no marks.
    start: Any = event.start_mark
    end: Any = event.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _joined(first: Span, last: Span) -> Span:
    return Span(first.line, first.column, last.end_line, last.end_column)


def _first_line(span: Span) -> Span:
    return span if span.line == span.end_line else Span(span.line, span.column, *_after(span))


def _after(span: Span) -> tuple[int, int]:
    return (span.line, span.column + 1)


def _syntax(error: yaml.MarkedYAMLError) -> ComposeError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    words = " ".join(part for part in (error.context, error.problem) if part)
    hint = next((hint for sign, hint in _HINTS if sign in words), None)
    problem = " ".join((error.problem or error.context or "not understood").split())
    for token, plain in _WORDS:
        problem = problem.replace(token, plain)
    if error.context and error.context_mark and error.context_mark.line + 1 != line:
        problem += f" ({error.context} that starts in line {error.context_mark.line + 1})"
    span = Span(line, column, line, column + 1)
    return ComposeError(Rule.YAML_SYNTAX, span, f"not YAML: {problem}", hint)


def _bad_character(text: str, index: int) -> ComposeError:
    line, column = _place(text, index)
    message = f"not YAML: the character U+{ord(text[index]):04X} is not allowed in a file"
    hint = "write it as an escape between double quotes, such as \\u0007"
    return ComposeError(Rule.YAML_SYNTAX, Span(line, column, line, column + 1), message, hint)


def _escape_beyond_unicode(text: str) -> Span:
    line, column = _place(text, max(text.find("\\U"), 0))
    return Span(line, column, line, column + 1)


def _place(text: str, index: int) -> tuple[int, int]:
    """Return line and column of the character at ``index``."""
    before = (text[:index] + "x").splitlines()
    return len(before), len(before[-1])
