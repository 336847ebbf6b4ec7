"""Findings as JSON, described by ``schema/lint.schema.json``."""

import json
from typing import Any

from retable.runner.lint.result import LintResult
from retable.runner.text.code_frame import masked
from retable.schema.problem import Problem, Span

FORMAT_VERSION = 1


def render(result: LintResult) -> str:
    """Return the findings as indented JSON; JSON escapes the text, and credentials are masked."""
    document = {
        "format_version": FORMAT_VERSION,
        "files": [loaded.file for loaded in result.specs],
        "errors": result.errors,
        "warnings": result.warnings,
        "problems": [_entry(problem) for problem in result.problems],
    }
    return json.dumps(document, indent=2) + "\n"


def _entry(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        **_place(problem.span),
        "severity": problem.severity,
        "code": problem.code,
        "name": problem.name,
        "message": masked(problem.message),
        "hint": None if problem.hint is None else masked(problem.hint),
        "fixable": bool(problem.fix),
        "others": [{**_place(label.span), "text": label.text} for label in problem.others],
    }


def _place(span: Span) -> dict[str, int]:
    return {
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
