"""Findings for GitHub Actions: annotations in the diff, a summary, outputs of the step.

It needs no token: all of it goes through the step's own stdout and files.
"""

from collections.abc import Iterator

from retable.runner.lint.result import LintResult
from retable.runner.text.code_frame import concise_frame, masked
from retable.runner.text.escape import terminal_safe
from retable.schema.problem import Problem

MAX_ANNOTATIONS = 10
"""GitHub shows ten of each kind per step and silently drops the rest."""


def render(result: LintResult) -> str:
    """Return workflow commands, errors first, at most ten, then one that counts the rest.

    Every finding is also printed as a plain line, so none is missing from the log.
    """
    first = sorted(result.problems, key=lambda problem: problem.severity != "error")
    shown = first[:MAX_ANNOTATIONS]
    # Indented by a dash, so that a file's name cannot start a command.
    lines = [f"- {concise_frame(problem).plain}" for problem in result.problems]
    lines += [_annotation(problem) for problem in shown]
    if len(first) > len(shown):
        rest = f"{len(shown)} of {len(first):,} findings are shown here; all are in the log"
        lines.append(f"::notice title=migrate lint::{rest}")
    return "".join(f"{line}\n" for line in lines)


def outputs(result: LintResult) -> str:
    """Return the lines for ``$GITHUB_OUTPUT``."""
    return f"errors={result.errors}\nwarnings={result.warnings}\n"


def _annotation(problem: Problem) -> str:
    span = problem.span
    properties = [("file", problem.file), ("line", span.line), ("endLine", span.end_line)]
    if span.line == span.end_line:
        # GitHub accepts columns only for a finding on one line; its end is inclusive.
        properties += [("col", span.column), ("endColumn", max(span.column, span.end_column - 1))]
    properties.append(("title", f"{problem.code} {problem.name}"))
    parameters = ",".join(f"{name}={_property(str(value))}" for name, value in properties)
    text = "\n".join(_words(problem))
    return f"::{problem.severity} {parameters}::{_data(text)}"


def _words(problem: Problem) -> Iterator[str]:
    yield terminal_safe(masked(problem.message))
    if problem.hint:
        yield f"help: {terminal_safe(masked(problem.hint))}"
    yield f"migrate explain {problem.code}"


def _data(text: str) -> str:
    """Escape what would end or alter a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
