"""Paths that match nothing in any given row (MIG407), and a ``where`` that reads none (MIG408)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from retable.runner.lint.subject import Subject, Written
from retable.schema.problem import Problem
from retable.schema.rules import Rule
from retable.schema.wording import MAX_COMPARED, is_near, shown
from retable.transforms.grammar import Node, place_of

Path = tuple[str, ...]
"""Names from the item on: ``("customer", "id")``."""
_LEFT_ONLY = {"projection", "filter_projection", "value_projection", "flatten", "pipe"}
"""The right side of these is not evaluated over the item."""


@dataclass(slots=True)
class _Seen:
    """What all the given items together have at one place."""

    names: dict[str, "_Seen"] = field(default_factory=dict)
    is_list: bool = False

    def add(self, value: Mapping[str, Any]) -> None:
        """Add the content of one typed value."""
        self.is_list |= "L" in value
        for name, part in value.get("M", {}).items():
            self.names.setdefault(name, _Seen()).add(part)

    def has(self, path: Path) -> bool:
        """Return whether ``path`` exists in one of the items, even as NULL."""
        place = self
        for name in path:
            # A list may have elements with the name; lists are not followed.
            if place.is_list or name not in place.names:
                return place.is_list
            place = place.names[name]
        return True


def check_paths(subject: Subject) -> Iterator[Problem]:
    """Yield a finding for each path that no row test's item has."""
    given = _Seen()
    for row in subject.spec.tests:
        given.add({"M": row.given})
    for written in subject.expressions:
        paths = dict.fromkeys(_paths(written.tree))
        if written.path == ("transform", "where") and not paths and not _reads(written.tree):
            message = "where has the same result for every item"
            hint = "a name reads an attribute; write a string as 'text'"
            yield subject.at(Rule.CONSTANT_WHERE, written.path, message, hint=hint)
        for path in paths if subject.spec.tests else ():
            if path[0] not in written.bound and not given.has(path):
                yield _missing(subject, written, path, given)


def _paths(node: Node) -> Iterator[Path]:
    """Yield the paths that are followed from the item itself."""
    path, rest = _prefix(node)
    if path:
        yield path
    for child in rest:
        yield from _paths(child)


def _prefix(node: Node) -> tuple[Path, Sequence[Node]]:
    """Return the names ``node`` begins with, and the nodes below that start from the item again."""
    kind, children = node["type"], node["children"]
    if kind == "field":
        return (node["value"],), ()
    if kind == "subexpression":
        path, rest = _prefix(children[0])
        if _is_pure(children[0]):
            fields = takewhile(lambda child: child["type"] == "field", children[1:])
            path += tuple(child["value"] for child in fields)
        return path, rest
    if kind == "index_expression" or kind in _LEFT_ONLY:
        return _prefix(children[0])
    return (), () if kind in {"expref", "slice"} else children


def _is_pure(node: Node) -> bool:
    """Return whether ``node`` is names joined by dots, with nothing in between."""
    if node["type"] == "subexpression":
        return all(map(_is_pure, node["children"]))
    return bool(node["type"] == "field")


def _reads(node: Node) -> bool:
    """Return whether anything in ``node`` depends on the item."""
    if node["type"] in {"field", "current"}:
        return True
    return node["type"] != "slice" and any(map(_reads, node["children"]))


def _missing(subject: Subject, written: Written, path: Path, given: _Seen) -> Problem:
    name = ".".join(path)
    message = f"no row test's item has {shown(name)}, so it is null in all of them"
    text = written.expression.text
    return subject.inside(
        Rule.ALWAYS_NULL, written.expression, place_of(path, text), message, _hint(path, given)
    )


def _hint(path: Path, given: _Seen) -> str:
    """Suggest what may have been meant: a name that exists where the path stops matching."""
    depth = next(d for d in range(len(path)) if not given.has(path[: d + 1]))
    for name in path[:depth]:
        given = given.names[name]
    near = [name for name in sorted(given.names)[:MAX_COMPARED] if is_near(path[depth], name)]
    if near:
        return f"did you mean {'.'.join((*path[:depth], near[0]))}?"
    if len(path) == 1:
        return f"add it to a row test, or write '{path[0]}' if it is a string"
    return "add it to a row test"
