"""Findings as SARIF 2.1.0, which code scanning services and editors read."""

import json
from importlib.metadata import version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from retable.runner.lint.result import LintResult
from retable.runner.text.code_frame import masked
from retable.schema.problem import Edit, Label, Problem, Span
from retable.schema.rules import Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def render(result: LintResult) -> str:
    """Return one SARIF run with every finding and the rules they break."""
    broken = {problem.code for problem in result.problems}
    rules = [rule for rule in Rule if rule.code in broken]
    places = {rule.code: index for index, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "migrate",
                "version": version("retable"),
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, places[problem.code]) for problem in result.problems],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.words,
        "shortDescription": {"text": rule.meaning},
        "help": {"text": f"migrate explain {rule.code}"},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(problem: Problem, place: int) -> dict[str, Any]:
    hint = f"\n{masked(problem.hint)}" if problem.hint else ""
    found: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": place,
        "level": problem.severity,
        "message": {"text": f"{masked(problem.message)}{hint}"},
        "locations": [{"physicalLocation": _location(problem.file, problem.span)}],
    }
    if problem.others:
        labels = enumerate(problem.others)
        found["relatedLocations"] = [_related(problem.file, *label) for label in labels]
    if problem.fix:
        found["fixes"] = [_fix(problem)]
    return found


def _related(file: str, number: int, label: Label) -> dict[str, Any]:
    return {
        "id": number,
        "message": {"text": label.text},
        "physicalLocation": _location(file, label.span),
    }


def _fix(problem: Problem) -> dict[str, Any]:
    return {
        "description": {"text": problem.hint or problem.message},
        "artifactChanges": [
            {
                "artifactLocation": {"uri": _uri(problem.file)},
                "replacements": [_replacement(edit) for edit in problem.fix],
            }
        ],
    }


def _replacement(edit: Edit) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}


def _location(file: str, span: Span) -> dict[str, Any]:
    return {"artifactLocation": {"uri": _uri(file)}, "region": _region(span)}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="replace")
