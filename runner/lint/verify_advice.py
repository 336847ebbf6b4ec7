"""Verification that does not cover what the spec changes: MIG337 and MIG338."""

import re
from collections.abc import Iterator

from retable.runner.lint.subject import Subject
from retable.schema.problem import Problem
from retable.schema.rules import Rule
from retable.schema.wording import choices, shown

_TARGET = re.compile(r"\btarget\b", re.IGNORECASE)
_NOT_CODE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
MAX_SQL = 20_000
"""Longer queries are not checked: unclosed comments would take too long to find."""


def check_verification(subject: Subject) -> Iterator[Problem]:
    """Yield what ``verify`` would not detect."""
    yield from _checksum(subject)
    for index, query in enumerate(subject.spec.verify.queries):
        short = len(query.sql) <= MAX_SQL
        if short and not _TARGET.search(_NOT_CODE.sub(" ", query.sql)):
            message = f"the query {shown(query.name)} does not read target, the rebuilt table"
            hint = "select from target, which has a column item"
            yield subject.at(
                Rule.BLIND_QUERY, ("verify", "queries", index, "sql"), message, hint=hint
            )


def _checksum(subject: Subject) -> Iterator[Problem]:
    compared = subject.spec.verify.checksum
    if compared == "all":
        return
    keys = {attribute.name for attribute in subject.spec.target.key.attributes}
    made = {
        field.name: (*path, "fields", field.name)
        for path, template in subject.templates
        for field in template.fields
        if field.name not in {*compared, *keys}
    }
    if made:
        message = f"checksum leaves out {choices(map(shown, made), 'and')}, which fields produce"
        others = tuple(subject.label(path, "produced here") for path in made.values())
        hint = "write checksum: all, or add the missing attributes"
        path = ("verify", "checksum")
        yield subject.at(Rule.BLIND_CHECKSUM, path, message, hint=hint, others=others)
