"""Warnings that a spec itself suppresses: ``# migrate: ignore MIG330 -- why``.

A comment applies to its own line, or to the next one if it is alone on its line. Errors cannot be
ignored: a run refuses a spec that has one. A comment without effect is a finding (MIG6xx).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retable.schema.comments import Comment, comments
from retable.schema.findings import first_of
from retable.schema.problem import Edit, Problem, Span
from retable.schema.rules import Rule

_IGNORE = re.compile(r"ignore[ \t][A-Za-z0-9, \t]*")
_CODE = re.compile(r"[A-Za-z0-9]+")
_RULES = {rule.code: rule for rule in Rule}


@dataclass(frozen=True, slots=True)
class _Ignore:
    """One code in one comment."""

    code: str
    span: Span
    line: int
    comment: Comment
    alone: bool
    """Whether it is the comment's only one."""


def suppress(problems: Sequence[Problem], file: str, text: str) -> tuple[Problem, ...]:
    """Return ``problems`` without those that ``text`` ignores, plus its comments without effect."""
    ignores: list[_Ignore] = []
    found: list[Problem] = []
    for comment in comments(text):
        wrong = _fault(comment, file)
        found += [wrong] if wrong is not None else []
        ignores += () if wrong is not None else _ignores(comment)
    ignored = {(ignore.line, ignore.code) for ignore in ignores}
    hidden = [problem for problem in problems if _is_ignored(problem, ignored)]
    used = {(problem.span.line, problem.code) for problem in hidden}
    kept = [problem for problem in problems if not _is_ignored(problem, ignored)]
    found += (problem for ignore in ignores for problem in _wrong_code(ignore, file))
    if not any(problem.severity == "error" for problem in problems):
        # With an error, the passes that warn did not run.
        found += (_unused(ignore, file) for ignore in ignores if _is_unused(ignore, used))
    return (*kept, *first_of(found))


def _is_ignored(problem: Problem, ignored: set[tuple[int, str]]) -> bool:
    return problem.severity == "warning" and (problem.span.line, problem.code) in ignored


def _fault(comment: Comment, file: str) -> Problem | None:
    """Return what is wrong with the comment as a whole."""
    codes, _, reason = comment.text.partition("--")
    if _IGNORE.fullmatch(codes) and _CODE.search(codes, len("ignore")) and reason.strip():
        return None
    message = "a linter comment must name the rules to ignore, and say why"
    hint = "# migrate: ignore MIG330 -- the old table holds test items"
    return Rule.BAD_SUPPRESSION.finding(file, comment.span, message, hint=hint)


def _ignores(comment: Comment) -> Iterator[_Ignore]:
    codes, _, _ = comment.text.partition("--")
    start = comment.span.end_column - len(comment.text)
    matches = list(_CODE.finditer(codes, len("ignore")))
    for match in matches:
        column, line = start + match.start(), comment.span.line
        span = Span(line, column, line, column + len(match[0]))
        yield _Ignore(match[0].upper(), span, comment.line, comment, len(matches) == 1)


def _wrong_code(ignore: _Ignore, file: str) -> Iterator[Problem]:
    rule = _RULES.get(ignore.code)
    if rule is None:
        message, hint = (
            f"there is no rule {ignore.code}",
            "`migrate explain CODE` describes a rule",
        )
        yield Rule.UNKNOWN_SUPPRESSION.finding(file, ignore.span, message, hint=hint)
    elif rule.severity == "error":
        message = f"{rule.code} is an error, which a run refuses"
        hint = "fix it; only warnings can be ignored"
        yield Rule.UNKNOWN_SUPPRESSION.finding(file, ignore.span, message, hint=hint)


def _is_unused(ignore: _Ignore, used: set[tuple[int, str]]) -> bool:
    rule = _RULES.get(ignore.code)
    known = rule is not None and rule.severity == "warning"
    return known and (ignore.line, ignore.code) not in used


def _unused(ignore: _Ignore, file: str) -> Problem:
    message = f"line {ignore.line} does not break {ignore.code}, so nothing is ignored"
    fix = (Edit(ignore.comment.removal, ""),) if ignore.alone else ()
    return Rule.UNUSED_SUPPRESSION.finding(file, ignore.span, message, hint="remove it", fix=fix)
