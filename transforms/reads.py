"""What parts of an item an expression looks at, so that only those are unwrapped.

The answer may name more than is really looked at, never less.
"""

from collections.abc import Iterable
from typing import Any

Node = Any
"""A node of jmespath's tree: a dict of its ``type``, its ``children`` and often a ``value``."""
Reads = dict[str, "Reads"] | None
"""Attribute names and what is read below each; ``None`` is everything."""

# Only their first child looks at the item itself; the others look at what that one gave.
_CHAINS = frozenset(
    {
        "subexpression",
        "index_expression",
        "projection",
        "value_projection",
        "filter_projection",
        "flatten",
        "pipe",
    }
)


def reads_of(trees: Iterable[Node]) -> Reads:
    """Return what the expressions with these ``trees`` read, taken together."""
    reads: dict[str, Reads] = {}
    for tree in trees:
        for path in _paths(tree):
            if not path:
                return None
            _add(reads, path)
    return reads


def path_of(tree: Node) -> tuple[str, ...] | None:
    """Return the names an expression walks down, if that is all it does: ``customer.id``."""
    if tree["type"] == "field":
        return (tree["value"],)
    if tree["type"] == "subexpression":
        names = _leading_names(tree)
        return names if len(names) == len(tree["children"]) else None
    return None


def _paths(node: Node) -> Iterable[tuple[str, ...]]:
    kind = node["type"]
    if kind == "field":
        yield (node["value"],)
    elif kind in {"current", "identity"}:
        yield ()
    elif kind == "subexpression" and (names := _leading_names(node)):
        yield names
    elif kind in _CHAINS:
        yield from _paths(node["children"][0])
    elif kind not in {"literal", "expref", "slice", "index"}:
        for child in node["children"]:
            yield from _paths(child)


def _leading_names(node: Node) -> tuple[str, ...]:
    names = []
    for child in node["children"]:
        if child["type"] != "field":
            break
        names.append(child["value"])
    return tuple(names)


def _add(reads: dict[str, Reads], path: tuple[str, ...]) -> None:
    for name in path[:-1]:
        inner = reads.setdefault(name, {})
        if inner is None:
            return
        reads = inner
    reads[path[-1]] = None
