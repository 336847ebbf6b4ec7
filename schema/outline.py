"""Outline: the name of a spec and of its row tests, to list hundreds of specs. It checks nothing.

Parsing a whole spec takes several times as long. What is left out here is a finding there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from retable.schema.compose import PLAIN, QUOTED, ComposeError, Node, compose
from retable.schema.problem import Span
from retable.schema.scalars import resolve_plain
from retable.schema.tags import is_tag

MAX_ROWS = 50_000
"""Aliases expanded; a spec with this many values is refused."""


@dataclass(frozen=True, slots=True)
class OutlinedRow:
    """One row test: its name in ``Spec.tests``, and its position."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The names in one spec file, as far as they can be read."""

    name: str | None = None
    tags: tuple[str, ...] = ()
    rows: tuple[OutlinedRow, ...] = ()


def outline(text: str) -> Outline:
    """Return the names in ``text``; none if it is not a YAML mapping."""
    try:
        root = compose(text)
    except ComposeError:
        return Outline()
    parts = _entries(root)
    tags = (_text(tag) for tag in _elements(parts.get("tags")))
    rows: dict[str, OutlinedRow] = {}
    for row in islice(_rows(parts.get("tests")), MAX_ROWS):
        rows.setdefault(row.name, row)
    return Outline(
        name=_text(parts.get("name")),
        tags=tuple(dict.fromkeys(tag for tag in tags if tag is not None and is_tag(tag))),
        rows=tuple(rows.values()),
    )


def _rows(tests: Node | None) -> Iterator[OutlinedRow]:
    for test in _elements(tests):
        parts = _entries(test)
        name = _text(parts.get("name"))
        if name is None:
            continue
        if "cases" not in parts:
            yield OutlinedRow(name, test.span)
        for number, case in enumerate(_elements(parts.get("cases")), 1):
            named = _entries(case).get("name")
            inner = str(number) if named is None else _text(named)
            if inner is not None:
                yield OutlinedRow(f"{name}[{inner}]", case.span)


def _elements(node: Node | None) -> tuple[Node, ...]:
    """Return the entries of a list; none of anything else."""
    real = _real(node)
    return real.children if real is not None and real.kind == "list" else ()


def _entries(node: Node | None) -> Mapping[str, Node]:
    """Return the entries of a mapping by their keys, the first of each; none of anything else."""
    real = _real(node)
    found: dict[str, Node] = {}
    if real is not None and real.kind == "mapping":
        for key, value in zip(real.children[::2], real.children[1::2], strict=True):
            name = _text(key)
            if name is not None:
                found.setdefault(name, value)
    return found


def _text(node: Node | None) -> str | None:
    real = _real(node)
    if real is None or real.kind != "scalar" or real.tag not in {PLAIN, QUOTED}:
        return None
    if real.tag == QUOTED:
        return real.text
    try:
        value = resolve_plain(real.text)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def _real(node: Node | None) -> Node | None:
    """Return the node that an alias refers to, or the node itself."""
    return node if node is None or node.target is None else node.target
