"""Document: the values of one YAML text and the position of each.

Numbers are exact, keys are unique strings, nothing is ambiguous. What the keys mean is up to
``validate`` and ``parse``.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retable.schema.compose import MAX_DEPTH, PLAIN, QUOTED, ComposeError, Node, compose
from retable.schema.findings import Findings
from retable.schema.problem import Edit, Label, Span, SpecError
from retable.schema.rules import Rule
from retable.schema.scalars import AmbiguousScalarError, is_date, resolve_plain
from retable.schema.spec import SpecPath
from retable.schema.wording import kind, quoted, short

MAX_VALUES = 50_000
"""Values in one spec, aliases expanded: far more than any spec, far less than an alias bomb."""
_BINARY = "tag:yaml.org,2002:binary"
_SET = "tag:yaml.org,2002:set"
_HALF = "the string holds half a surrogate pair, which is not a character"


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one text: str, int, Decimal, bool, ``None``, bytes, set, list and dict.

    ``spans`` and ``keys`` give the position of each value and each key by its path. ``findings``
    holds what was wrong so far; a value that could not be read is kept as a string.
    """

    file: str
    text: str = field(repr=False)
    value: Mapping[str, Any]
    spans: Mapping[SpecPath, Span] = field(repr=False)
    keys: Mapping[SpecPath, Span] = field(repr=False)
    findings: Findings

    def source(self, path: SpecPath) -> str:
        """Return the text of the value at ``path`` if it is on one line, else an empty string."""
        span = self.spans[path]
        if span.line != span.end_line:
            return ""
        return self.text.splitlines()[span.line - 1][span.column - 1 : span.end_column - 1]

    def without_entry(self, path: SpecPath) -> tuple[Edit, ...]:
        """Return the edit that removes the entry at ``path`` from its list.

        There is none if it would also delete a comment, or if the entry is the first.
        """
        *parent, index = path
        before = self.spans.get((*parent, int(index) - 1))
        if before is None:
            return ()
        after = self.spans[path]
        removed = Span(before.end_line, before.end_column, after.end_line, after.end_column)
        lines = self.text.splitlines()[removed.line - 1 : removed.end_line]
        lines[-1] = lines[-1][: removed.end_column - 1]
        lines[0] = lines[0][removed.column - 1 :]
        return () if any("#" in line for line in lines) else (Edit(removed, ""),)


def read_document(file: str, text: str) -> Document:
    """Read ``text``; ``file`` is its name in findings.

    Raises:
        SpecError: the text is not one YAML document, or one that is too large.
    """
    builder = _Builder(file)
    try:
        value = _build(builder, text)
    except ComposeError as error:
        raise _fatal(file, error, text) from error
    return Document(file, text, value, builder.spans, builder.keys, builder.findings)


def _build(builder: "_Builder", text: str) -> dict[str, Any]:
    node = compose(text)
    if node is None:
        hint = "`migrate init` writes a first draft"
        raise ComposeError(Rule.EMPTY_FILE, Span(1, 1, 1, 1), "the spec is empty", hint)
    value = builder.build(node, ())
    if not isinstance(value, dict):
        message = f"a spec must be a mapping; found {kind(value)}"
        hint = "a spec starts with the line `spec: 1`"
        raise ComposeError(Rule.NOT_A_MAPPING, _start(node.span), message, hint)
    return value


def _fatal(file: str, error: ComposeError, text: str) -> SpecError:
    """Return the error for a file that cannot be checked beyond ``error``."""
    problem = error.rule.finding(file, error.span, str(error), hint=error.hint)
    return SpecError((problem,), text)


class _Builder:
    """Builds the value of each node, records its position, and collects findings."""

    def __init__(self, file: str) -> None:
        self.spans: dict[SpecPath, Span] = {}
        self.keys: dict[SpecPath, Span] = {}
        self.findings = Findings(file, self.spans, self.keys)
        self._open: set[int] = set()
        self._count = 0

    def build(self, node: Node, path: SpecPath) -> Any:
        self._count += 1
        if self._count > MAX_VALUES:
            message = f"more than {MAX_VALUES:,} values, aliases expanded"
            raise ComposeError(Rule.TOO_MANY_VALUES, _start(node.span), message)
        if len(path) > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels, aliases expanded"
            raise ComposeError(Rule.NESTED_TOO_DEEP, _start(node.span), message)
        self.spans[path] = node.span
        if node.target is not None:
            return self._alias(node, node.target, path)
        if node.kind == "scalar":
            return self._scalar(node, path)
        self._open.add(id(node))
        value = self._collection(node, path)
        self._open.discard(id(node))
        return value

    def _alias(self, node: Node, target: Node, path: SpecPath) -> Any:
        if id(target) in self._open:
            message = "an alias refers to something that contains it"
            raise ComposeError(Rule.RECURSIVE_ALIAS, node.span, message, "write the values out")
        value = self.build(target, path)
        self.spans[path] = node.span
        return value

    def _collection(self, node: Node, path: SpecPath) -> Any:
        if node.tag == _SET:
            return self._set(node, path)
        if node.tag is not None:
            self._refuse_tag(node.tag, path)
        if node.kind == "list":
            return [self.build(child, (*path, i)) for i, child in enumerate(node.children)]
        return self._mapping(node, path)

    def _mapping(self, node: Node, path: SpecPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in zip(node.children[::2], node.children[1::2], strict=True):
            name = self._key(key)
            if name is None:
                self.findings.incomplete.add(path)
                continue
            inner = (*path, name)
            if name in values:
                first = self.keys[inner]
                message = f"{short(name)} is already in line {first.line}"
                others = (Label(first, "first given here"),)
                self.findings.add_at(key.span, Rule.DUPLICATE_KEY, message, others=others)
                continue
            self.keys[inner] = key.span
            values[name] = self.build(value, inner)
        return values

    def _key(self, node: Node) -> str | None:
        """Return the name of a key; ``None``, with a finding, if it is not a string."""
        node, span = node.target or node, node.span
        if node.kind != "scalar":
            self.findings.add_at(_start(span), Rule.KEY_NOT_TEXT, "a key must be a string")
        elif node.tag == QUOTED:
            if node.text == _characters(node.text):
                return node.text
            self.findings.add_at(span, Rule.BAD_TEXT, _HALF, hint="write the character itself")
        elif node.tag != PLAIN:
            self.findings.add_at(span, Rule.UNSUPPORTED_TAG, "a key takes no tag")
        elif node.text == "<<":
            message = "merge keys (<<) are not part of YAML 1.2"
            self.findings.add_at(span, Rule.MERGE_KEY, message, hint="write the keys out")
        else:
            return self._plain_key(node.text, span)
        return None

    def _plain_key(self, text: str, span: Span) -> str | None:
        try:
            value = resolve_plain(text)
        except ValueError as error:
            rule = Rule.KEY_NOT_TEXT
            message = f"a key must be a string; {short(text)} may be a number"
            if isinstance(error, AmbiguousScalarError):
                rule, message = Rule.AMBIGUOUS_SCALAR, _ambiguous(text)
            self.findings.add_at(span, rule, message, hint=quoted(text))
            return None
        if isinstance(value, str):
            return value
        message = f"a key must be a string; YAML reads {short(text) or 'this'} as {kind(value)}"
        fix = (Edit(span, f'"{text}"'),) if text.isdecimal() else ()
        self.findings.add_at(span, Rule.KEY_NOT_TEXT, message, hint=quoted(text), fix=fix)
        return None

    def _scalar(self, node: Node, path: SpecPath) -> Any:
        if node.tag == _BINARY:
            return self._binary(node.text, path)
        if node.tag == PLAIN:
            return self._plain(node.text, path)
        if node.tag != QUOTED:
            self._refuse_tag(str(node.tag), path)
        return self._checked(node.text, path)

    def _plain(self, text: str, path: SpecPath) -> Any:
        try:
            value = resolve_plain(text)
        except AmbiguousScalarError:
            message = _ambiguous(text)
            self.findings.add(Rule.AMBIGUOUS_SCALAR, path, message, hint=_advice(text))
            return text
        except ValueError as error:
            hint = f"{quoted(text)} if it is a string"
            self.findings.add(Rule.NUMBER_NOT_STORABLE, path, str(error), hint=hint)
            return text
        if is_date(text):
            message = f"YAML 1.1 reads {short(text)} as a date; here it is a string"
            fix = (Edit(self.spans[path], f'"{text}"'),)
            self.findings.warn(Rule.UNQUOTED_DATE, path, message, hint=quoted(text), fix=fix)
        return value

    def _checked(self, text: str, path: SpecPath) -> str:
        """Return ``text`` without halves of surrogate pairs, which escapes can produce."""
        checked = _characters(text)
        if checked != text:
            self.findings.add(Rule.BAD_TEXT, path, _HALF, hint="write the character itself")
        return checked

    def _binary(self, text: str, path: SpecPath) -> Any:
        try:
            return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            self.findings.add(Rule.BAD_BINARY, path, "!!binary must be base64")
            return text

    def _set(self, node: Node, path: SpecPath) -> Any:
        if node.kind != "mapping":
            message = "!!set must be written with braces; found a list"
            self.findings.add(Rule.BAD_SET, path, message, hint="!!set {a, b}")
            return set()
        members: dict[Any, None] = {}
        for index, key in enumerate(node.children[::2]):
            inner = (*path, index)
            member = self.build(key, inner)
            if isinstance(member, list | dict | set):
                message = "a member of a !!set must be a string, a number or binary"
                self.findings.add(Rule.BAD_SET, inner, message)
            elif member in members and self.findings.sound(*inner):
                self.findings.add(Rule.BAD_SET, inner, "a !!set holds a member twice")
            elif not _is_nothing(node.children[2 * index + 1]):
                message = "a member of a !!set has no value"
                self.findings.add(Rule.BAD_SET, inner, message, hint="!!set {a, b}")
            else:
                members[member] = None
        return set(members)

    def _refuse_tag(self, tag: str, path: SpecPath) -> None:
        name = tag.replace("tag:yaml.org,2002:", "!!")
        hint = "remove the tag" if name[:2] == "!!" else "quote a string that starts with !"
        message = f"the tag {short(name)} is neither !!binary nor !!set"
        if tag in {_BINARY, _SET}:
            message = f"the tag {name} does not fit its value"
        self.findings.add(Rule.UNSUPPORTED_TAG, path, message, hint=hint)


def _is_nothing(node: Node) -> bool:
    return node.kind == "scalar" and node.tag == PLAIN and node.text in {"", "~", "null"}


def _start(span: Span) -> Span:
    return Span(span.line, span.column, span.line, span.column + 1)


def _characters(text: str) -> str:
    """Return ``text`` with a question mark for each half of a surrogate pair."""
    return text.encode(errors="replace").decode()


def _ambiguous(text: str) -> str:
    return f"YAML 1.1 and YAML 1.2 read {short(text)} differently"


def _advice(text: str) -> str:
    lower = text.lower()
    if lower in {"yes", "on", "no", "off"}:
        meant = "true" if lower in {"yes", "on"} else "false"
        return f"{quoted(text)}, or write {meant}"
    if lower.lstrip("+-") in {".inf", ".nan"}:
        return f"{quoted(text)} if it is a string; DynamoDB has no such number"
    return f"{quoted(text)} if it is a string, or write the number in plain digits"
