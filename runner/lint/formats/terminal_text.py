"""Findings as text for people: with the source lines, or one line each."""

from rich.text import Text

from retable.runner.lint.result import LintResult
from retable.runner.text.code_frame import concise_frame, full_frame


def full(result: LintResult) -> list[Text]:
    """Return a code frame for each finding, each followed by an empty line."""
    return [
        full_frame(problem, loaded.text) + Text("\n")
        for loaded in result.specs
        for problem in loaded.problems
    ]


def concise(result: LintResult) -> list[Text]:
    """Return one line per finding."""
    return [concise_frame(problem) for problem in result.problems]
