"""Findings as text for a person: with the lines they are about, or one line each."""

from rich.text import Text

from retable.runner.lint.result import LintResult
from retable.runner.text.code_frame import concise_frame, full_frame


def full(result: LintResult) -> list[Text]:
    """Return a frame for each finding, an empty line after each."""
    return [
        full_frame(problem, loaded.text) + Text("\n")
        for loaded in result.specs
        for problem in loaded.problems
    ]


def concise(result: LintResult) -> list[Text]:
    """Return a line for each finding."""
    return [concise_frame(problem) for problem in result.problems]
