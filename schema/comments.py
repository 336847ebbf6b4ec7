"""The comments of a YAML text that speak to this program, and where they stand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from retable.schema.problem import Span

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[ \t]*migrate:(.*)$")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment ``# migrate: …``. ``text`` is what follows the colon; ``span`` covers it all."""

    text: str
    span: Span
    line: int
    """The line it speaks of: its own, or the next one with anything but a comment."""
    removal: Span
    """What goes when the comment does: the blanks before it too, or its whole line."""


def comments(text: str) -> tuple[Comment, ...]:
    """Return the comments in ``text``; none where it is no YAML."""
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
    return tuple(
        _comment(lines, number, match)
        for number, match in found
        if not any(first <= (number, match.start() + 1) < end for first, end in scalars)
    )


def _matches(lines: list[str]) -> Iterator[tuple[int, re.Match[str] | None]]:
    return ((number, _COMMENT.search(line)) for number, line in enumerate(lines, 1))


def _scalars(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield where each scalar begins and ends: a # inside one begins no comment."""
    for token in yaml.scan(text, Loader=_LOADER):
        if isinstance(token, yaml.ScalarToken):
            start, end = token.start_mark, token.end_mark
            yield (start.line + 1, start.column + 1), (end.line + 1, end.column + 1)


def _comment(lines: list[str], number: int, match: re.Match[str]) -> Comment:
    line = number
    before = len(lines[number - 1][: match.start()].rstrip())
    removal = Span(number, before + 1, number, match.end() + 1)
    if not before:
        removal = Span(number, 1, number + 1, 1)
        bare = enumerate(lines[number:], number + 1)
        line = next((at for at, one in bare if one.strip() and one.strip()[0] != "#"), number)
    text = match[1].rstrip(" \t")
    span = Span(number, match.start() + 1, number, match.start(1) + len(text) + 1)
    return Comment(text.lstrip(" \t"), span, line, removal)
