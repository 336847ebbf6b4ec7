"""Code frames: a finding with its line of the spec and a caret under the place.

Frames show the spec's text and nothing else: never an item. Whatever looks like an AWS credential
is masked, since a frame often ends up in a public log.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len
from rich.text import Text

from retable.runner.text.escape import ELLIPSIS, safe_character, terminal_safe
from retable.schema.problem import Problem, Span

FRAME_CELLS = 100
"""The maximum width of the shown part of a line."""
LEAD_CELLS = 30
"""How much of a long line is kept before the caret."""
MAX_SHOWN = 4 * FRAME_CELLS
"""Characters after the caret that may have to fit; some are zero cells wide."""
TAB = "    "
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""YAML 1.1's line breaks, by which the spans were counted."""
SECRET = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # access key ids
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user and password in a URL
    r"|(?i:(?<=secret_access_key)|(?<=session_token))\s*[:=]\s*\S+"
)
SEVERITY_STYLES = {"error": "bold red", "warning": "bold yellow"}


def full_frame(problem: Problem, text: str) -> Text:
    """Return ``problem`` as several lines: what, where, the line with a caret, the help.

    ``text`` is the spec's text; a frame for a line that is not in it shows no line. The result does
    not end in a line break.
    """
    style = SEVERITY_STYLES[problem.severity]
    head = Text.assemble(
        (f"{problem.severity}[{terminal_safe(problem.code)}]", style),
        (f" {terminal_safe(problem.name)}: ", "bold"),
        (_shown(problem.message), "bold"),
    )
    gutter = max(len(str(span.line)) for span in _spans(problem))
    where = Text.assemble(" " * gutter, ("--> ", "blue"), _place(problem))
    return Text("\n").join([head, where, *_source(problem, text, gutter, style)])


def concise_frame(problem: Problem) -> Text:
    """Return ``problem`` as one line: ``file:line:column: error CODE name: message``."""
    return Text.assemble(
        f"{_place(problem)}: ",
        (problem.severity, SEVERITY_STYLES[problem.severity]),
        f" {terminal_safe(problem.code)} {terminal_safe(problem.name)}: {_shown(problem.message)}",
        f" ({_shown(problem.hint)})" if problem.hint else "",
    )


def render_problems(problems: Sequence[Problem], text: str) -> str:
    """Return full frames without colour, separated by empty lines, ending in a line break."""
    return "\n\n".join(full_frame(problem, text).plain for problem in problems) + "\n"


def masked(text: str) -> str:
    """Return ``text`` with the characters of anything like an AWS credential as ``*``."""
    return SECRET.sub(lambda found: re.sub(r"[^\s:=]", "*", found[0]), text)


class _Line:
    """A piece of a line as shown: one part per character, so that columns can be located."""

    def __init__(self, text: str) -> None:
        self.pieces = [TAB if char == "\t" else safe_character(char) for char in text]
        self._widths = list(map(cell_len, self.pieces))

    def cells(self, start: int, end: int) -> int:
        return sum(self._widths[start:end])


@dataclass(frozen=True, slots=True)
class _Mark:
    """One place to underline, with the label after the underline."""

    span: Span
    sign: str
    style: str
    text: str


def _spans(problem: Problem) -> Iterator[Span]:
    yield problem.span
    yield from (label.span for label in problem.others)


def _source(problem: Problem, text: str, gutter: int, style: str) -> Iterator[Text]:
    lines = _lines(text)
    bar = Text(" " * gutter + " |", style="blue")
    before, shown = 0, ""
    for mark in _marks(problem, style):
        number = mark.span.line
        if not 0 < number <= len(lines):
            continue
        if not before:
            yield bar
        elif number > before + 1:
            yield Text("...", style="blue")
        part, indent, length = _window(lines[number - 1], mark.span)
        if (number, part) != (before, shown):
            head = f"{number:>{gutter}} |"
            yield Text.assemble((head, "blue"), f" {part}" if part else "")
        before, shown = number, part
        under = f"{mark.sign * length} {mark.text}".rstrip()
        yield Text.assemble(bar, " " * (indent + 1), (under, mark.style))
    if before:
        yield bar
    for word, advice in (("help", problem.hint), ("docs", f"migrate explain {problem.code}")):
        if advice:
            yield Text.assemble(" " * gutter, (f" = {word}: ", "blue"), _shown(advice))


@lru_cache(1)
def _lines(text: str) -> Sequence[str]:
    """Return the lines of a text; cached, since many findings of one text are shown in a row."""
    # A byte order mark takes no column; see yaml.reader.Reader.forward.
    plain = text.replace("\ufeff", "")
    return [masked(line) for line in LINE_BREAK.split(plain)] if text else []


def _marks(problem: Problem, style: str) -> list[_Mark]:
    """Return the finding's own place and its other places, in the order of the text."""
    marks = [_Mark(problem.span, "^", style, _shown(problem.label or ""))]
    marks += [_Mark(label.span, "-", "blue", _shown(label.text)) for label in problem.others]
    return sorted(marks, key=lambda mark: mark.span)


def _window(text: str, span: Span) -> tuple[str, int, int]:
    """Return the part of a line to show, the cells before the first caret, and the carets."""
    first = min(span.column - 1, len(text))
    # A span over several lines is underlined to the end of its first one.
    last = span.end_column - 1 if span.end_line == span.line else len(text.rstrip())
    last = max(first, min(last, len(text)))
    # Of a long line, only the part that can be shown is measured.
    left = max(0, first - FRAME_CELLS)
    near = text[left : first + MAX_SHOWN]
    line = _Line(near)
    first, last, length = first - left, last - left, len(near)
    start = _first_shown(line, first)
    end = start
    while end < length and line.cells(start, end + 1) <= FRAME_CELLS:
        end += 1
    lead = ELLIPSIS if left + start else ""
    shown = lead + "".join(line.pieces[start:end]) + (ELLIPSIS if left + end < len(text) else "")
    return shown, len(lead) + line.cells(start, first), max(1, line.cells(first, min(last, end)))


def _first_shown(line: _Line, caret: int) -> int:
    if line.cells(0, len(line.pieces)) <= FRAME_CELLS:
        return 0
    start = caret
    while start and line.cells(start - 1, caret) <= LEAD_CELLS:
        start -= 1
    return start


def _place(problem: Problem) -> str:
    return f"{terminal_safe(problem.file)}:{problem.span.line}:{problem.span.column}"


def _shown(text: str) -> str:
    return terminal_safe(masked(text))
