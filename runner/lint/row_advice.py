"""Row tests that cover too little, or can never pass: MIG502 to MIG506."""

import json
from collections.abc import Iterator

from retable.runner.lint.subject import Subject
from retable.schema.problem import Problem
from retable.schema.reasons import Reason
from retable.schema.rules import Rule
from retable.schema.spec import (
    Expectation,
    ExpectDropped,
    ExpectItem,
    ExpectItems,
    ExpectRejected,
    ExpectSome,
    RowTest,
)
from retable.schema.wording import shown

# A given row is always a readable item, and is never written to a table.
_NEVER = {Reason.MALFORMED_LINE, Reason.MALFORMED_ITEM, Reason.REFUSED_BY_TABLE}


def check_rows(subject: Subject) -> Iterator[Problem]:
    """Yield what the row tests do not cover."""
    spec = subject.spec
    if not spec.tests:
        message = "the spec has no row tests"
        hint = "write tests: with a given item and its expected result"
        yield subject.at(Rule.NO_ROW_TESTS, ("name",), message, hint=hint)
        return
    yield from _untested_fields(subject)
    if spec.transform.where is not None and not _any(subject, ExpectDropped):
        message = "no row test expects an item to be dropped"
        hint = "add one with expect: dropped"
        yield subject.at(Rule.WHERE_NOT_TESTED, ("transform", "where"), message, hint=hint)
    yield from _repeated(subject)
    for row in spec.tests:
        reason = _never(subject, row.expect)
        if reason is not None:
            yield subject.at(Rule.ROW_NEVER_PASSES, (*row.path, "expect"), reason)


def _any(subject: Subject, kind: type[Expectation]) -> bool:
    return any(isinstance(row.expect, kind) for row in subject.spec.tests)


def _untested_fields(subject: Subject) -> Iterator[Problem]:
    expected = [one for row in subject.spec.tests for one in _items(row.expect)]
    named = {name for one in expected for name in _names(one)}
    for path, template in subject.templates:
        for field in template.fields:
            if field.name not in named:
                message = f"no row test has an expectation for {shown(field.name)}"
                hint = "add it to an expect_some"
                place = (*path, "fields", field.name)
                yield subject.at(Rule.FIELD_NOT_TESTED, place, message, hint=hint)


def _items(expectation: Expectation) -> tuple[ExpectItem | ExpectSome, ...]:
    match expectation:
        case ExpectItems(items):
            return items
        case ExpectItem() | ExpectSome():
            return (expectation,)
        case ExpectDropped() | ExpectRejected():
            return ()


def _names(expected: ExpectItem | ExpectSome) -> Iterator[str]:
    match expected:
        case ExpectItem(item):
            yield from item
        case ExpectSome(present, absent):
            yield from (*present, *absent)


def _repeated(subject: Subject) -> Iterator[Problem]:
    first: dict[str, RowTest] = {}
    for row in subject.spec.tests:
        earlier = first.setdefault(json.dumps(row.given, sort_keys=True), row)
        if earlier is not row:
            message = f"{shown(row.name)} has the same given item as {shown(earlier.name)}"
            others = (subject.label((*earlier.path, "name"), "the same item"),)
            path = (*row.path, "name")
            yield subject.at(Rule.REPEATED_ROW, path, message, others=others)


def _never(subject: Subject, expectation: Expectation) -> str | None:
    """Return why no item can meet ``expectation``; ``None`` if one can."""
    match expectation:
        case ExpectDropped():
            if not any(each.path[-1] == "where" for each in subject.expressions):
                return "no item is dropped without a where"
        case ExpectRejected(reason):
            if reason in _NEVER:
                return f"a row test's item is never rejected as {reason.value}"
        case ExpectItem() | ExpectSome() | ExpectItems():
            found = (_impossible(subject, one) for one in _items(expectation))
            return next((reason for reason in found if reason is not None), None)
    return None


def _impossible(subject: Subject, expected: ExpectItem | ExpectSome) -> str | None:
    """Return what the expected item has, or lacks, that no target item can."""
    item = expected.item if isinstance(expected, ExpectItem) else expected.present
    for key in subject.spec.target.key.attributes:
        absent = isinstance(expected, ExpectItem) or key.name in expected.absent
        if key.name not in item and absent:
            return f"every item has {shown(key.name)}, a target key; the test does not expect it"
        kind = next(iter(item.get(key.name, {key.type: None})))
        if kind != key.type:
            return f"{shown(key.name)} is a target key of type {key.type}; the test expects {kind}"
    return None
