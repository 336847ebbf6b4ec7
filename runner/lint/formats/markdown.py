"""Findings as Markdown, for a step's summary or a pull request comment."""

from collections.abc import Iterator

from retable.runner.lint.result import LintResult
from retable.runner.text.code_frame import masked
from retable.runner.text.escape import shortened
from retable.schema.problem import Problem

MAX_ROWS = 200
"""Under GitHub's 64 KiB for a comment: a row is at most 300 characters."""
CELL = 120
_ESCAPES = {ord(sign): f"&#{ord(sign)};" for sign in "\\`*_[]#|~<>&@!"}


def render(result: LintResult) -> str:
    """Return a heading, the figures and a table of the findings, errors first."""
    return "\n".join(_parts(result)) + "\n"


def _parts(result: LintResult) -> Iterator[str]:
    yield f"### migrate lint: {result.summary}"
    if not result.problems:
        return
    yield ""
    yield "| | place | rule | finding |"
    yield "| --- | --- | --- | --- |"
    first = sorted(result.problems, key=lambda problem: problem.severity != "error")
    for problem in first[:MAX_ROWS]:
        yield _row(problem)
    if len(first) > MAX_ROWS:
        yield ""
        yield f"{MAX_ROWS} of {len(first):,} findings; all are in the log."


def _row(problem: Problem) -> str:
    place = f"{problem.file}:{problem.span.line}:{problem.span.column}"
    words = f"{problem.message} ({problem.hint})" if problem.hint else problem.message
    cells = (problem.severity, _code(place), f"{problem.code} {problem.name}", _text(words))
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    return f"`{shortened(text, CELL).replace('`', '').replace('|', '')}`"


def _text(text: str) -> str:
    """Return text with Markdown, HTML and mentions escaped."""
    return shortened(masked(text), 2 * CELL).translate(_ESCAPES)
