"""The ``# migrate:`` comments in a YAML text, and where they are."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from retable.schema.problem import Span

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[ \t]*migrate:(.*)$")
Place = tuple[int, int]
"""Line and column, from 1."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment ``# migrate: …``. ``text`` is what follows the colon; ``span`` covers it all."""

    text: str
    span: Span
    line: int
    """The line it applies to: its own, or the next line that is not just a comment."""
    removal: Span
    """What to delete with the comment: the spaces before it too, or its whole line."""


def comments(text: str) -> tuple[Comment, ...]:
    """Return the comments in ``text``; none if it is not valid YAML."""
    if "migrate:" not in text:
        return ()
    lines = text.splitlines()
    found = [(number, match) for number, match in _matches(lines) if match is not None]
    if not found:
        return ()
    try:
        scalars = list(_scalars(text))
    except yaml.YAMLError:
        return ()
    starts = [first for first, _ in scalars]
    targets = _target_lines(lines)
    return tuple(
        _comment(lines, targets, number, match)
        for number, match in found
        if not _inside((number, match.start() + 1), starts, scalars)
    )


def _inside(place: Place, starts: list[Place], scalars: list[tuple[Place, Place]]) -> bool:
    """Return whether ``place`` is inside the last of the scalars that begin before it."""
    index = bisect_right(starts, place) - 1
    return index >= 0 and place < scalars[index][1]


def _target_lines(lines: list[str]) -> list[int]:
    """Return for each line number the next line that is not just a comment; 0 for none."""
    found = [0] * (len(lines) + 1)
    for number in range(len(lines) - 1, 0, -1):
        after = lines[number].strip()
        found[number] = number + 1 if after and after[0] != "#" else found[number + 1]
    return found


def _matches(lines: list[str]) -> Iterator[tuple[int, re.Match[str] | None]]:
    return ((number, _COMMENT.search(line)) for number, line in enumerate(lines, 1))


def _scalars(text: str) -> Iterator[tuple[Place, Place]]:
    """Yield where each scalar begins and ends: a # inside a scalar does not begin a comment."""
    for token in yaml.scan(text, Loader=_LOADER):
        if isinstance(token, yaml.ScalarToken):
            start, end = token.start_mark, token.end_mark
            yield (start.line + 1, start.column + 1), (end.line + 1, end.column + 1)


def _comment(lines: list[str], targets: list[int], number: int, match: re.Match[str]) -> Comment:
    line = number
    before = len(lines[number - 1][: match.start()].rstrip())
    removal = Span(number, before + 1, number, match.end() + 1)
    if not before:
        removal = Span(number, 1, number + 1, 1)
        line = targets[number] or number
    text = match[1].rstrip(" \t")
    span = Span(number, match.start() + 1, number, match.start(1) + len(text) + 1)
    return Comment(text.lstrip(" \t"), span, line, removal)
