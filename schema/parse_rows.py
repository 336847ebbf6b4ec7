"""``tests`` of a spec: given rows, and the expected result of each."""

from collections.abc import Iterator, Mapping, Sequence

from retable.schema.cursor import Cursor
from retable.schema.parse_source import check_inside
from retable.schema.reasons import Reason
from retable.schema.rules import Rule
from retable.schema.spec import (
    Expectation,
    ExpectDropped,
    ExpectItem,
    ExpectItems,
    ExpectRejected,
    ExpectSome,
    RowFiles,
    RowTest,
    SpecPath,
    TypedItem,
)
from retable.schema.typed import faults
from retable.schema.values import ValueFaultError, to_typed_item
from retable.schema.wording import any_near, choices, did_you_mean, dotted, is_near, shown

_GIVEN = ("given", "given_typed", "given_file")
_EXPECTED = ("expect", "expect_some", "expect_typed", "expect_file")
_REASONS = tuple(reason.value for reason in Reason)


def parse_rows(cursor: Cursor) -> tuple[RowTest, ...]:
    """Return ``tests``, each case a test; those with errors are left out, with findings."""
    _check_names([cursor[index] for index in range(len(cursor.value))])
    return tuple(
        row for index in range(len(cursor.value)) for row in _rows(cursor[index]) if row is not None
    )


def _check_names(entries: Sequence[Cursor]) -> None:
    first: dict[str, Cursor] = {}
    for entry in entries:
        # A row with other errors still has a name to compare.
        row = entry.value
        if not isinstance(row, dict) or "name" not in row or not entry["name"].sound():
            continue
        name = entry["name"]
        earlier = first.setdefault(name.value, name)
        if earlier is not name:
            message = f"the test in line {earlier.span().line} already has this name"
            others = (earlier.label("first used here"),)
            name.error(Rule.DUPLICATE_NAME, message, others=others)


def _rows(cursor: Cursor) -> Iterator[RowTest | None]:
    if not isinstance(cursor.value, dict):
        return
    if "cases" not in cursor:
        yield _row(cursor, None)
        return
    if cursor.findings.blamed((*cursor.path, "cases")):
        return
    cases = list(cursor.entries("cases"))
    _check_names(cases)
    for number, case in enumerate(cases, 1):
        if isinstance(case.value, dict):
            yield _row(case, cursor, number)


def _row(cursor: Cursor, test: Cursor | None, number: int = 0) -> RowTest | None:
    """Return a test, or a case of ``test``; the case's attributes override the test's."""
    wholes = [cursor] if test is None else [test, cursor]
    sources = [(each, _only(each, _GIVEN, "given")) for each in wholes]
    expected = _expected(cursor, test)
    name = cursor.get("name", number)
    if not any(key for _, key in sources):
        _missing(cursor, test, _GIVEN, "given")
        return None
    if expected is None or not all(_readable(each) for each in wholes):
        return None
    where, key = expected
    files = RowFiles(given=_file(sources, "given_file"), expect=_file([expected], "expect_file"))
    return RowTest(
        name=name if test is None else f"{test.get('name')}[{name}]",
        given=_given(sources),
        expect=ExpectItem({}) if key == "expect_file" else _expectation(where[key], key),
        span=cursor.span(),
        path=cursor.path,
        files=files if files != RowFiles() else None,
    )


def _readable(cursor: Cursor) -> bool:
    """Return whether the parts of a test, except its cases, can be read."""
    return (
        all(part.sound() for key, part in cursor.items() if key != "cases")
        and not cursor.findings.blamed(cursor.path)
        and cursor.path not in cursor.findings.incomplete
    )


def _given(sources: Sequence[tuple[Cursor, str | None]]) -> TypedItem:
    """Return the given item: a case's attributes override the test's."""
    item: dict[str, Mapping[str, object]] = {}
    for cursor, key in sources:
        if key in {"given", "given_typed"}:
            item.update(_item(cursor[str(key)], typed=key == "given_typed"))
    return item


def _file(sources: Sequence[tuple[Cursor, str | None]], file_key: str) -> str | None:
    """Return the file that is named last, or ``None``."""
    found = None
    for cursor, key in sources:
        if key == file_key:
            found = check_inside(cursor[file_key])
    return found


def _expected(cursor: Cursor, test: Cursor | None) -> tuple[Cursor, str] | None:
    """Return the test or case that has the expectation, and its key."""
    own = _only(cursor, _EXPECTED, "expected")
    shared = None if test is None else _only(test, _EXPECTED, "expected")
    if own is not None and shared is not None:
        message = f"a row test says what is expected once; its {shared} already says it"
        cursor[own].error(Rule.NOT_TOGETHER, message, at="key")
        return None
    if own is not None:
        return cursor, own
    if test is not None and shared is not None:
        return test, shared
    _missing(cursor, test, _EXPECTED, "expected")
    return None


def _missing(cursor: Cursor, test: Cursor | None, keys: Sequence[str], what: str) -> None:
    """Add the finding that none of ``keys`` is present, unless there is one already."""
    for each in (cursor, test):
        if each is None:
            continue
        if each.path in each.findings.incomplete or _misspelt(each, keys):
            return
        if any(key in each for key in keys):
            return
    message = f"a row test says what is {what} with one of {choices(keys)}; found none"
    cursor.error(Rule.NOT_TOGETHER, message, at="key")


def _only(cursor: Cursor, keys: Sequence[str], what: str) -> str | None:
    """Return the one of ``keys`` that is present, if any."""
    present = [key for key in keys if key in cursor]
    for extra in present[1:]:
        message = f"a row test says what is {what} once; {present[0]} already says it"
        cursor[extra].error(Rule.NOT_TOGETHER, message, at="key")
    return present[0] if len(present) == 1 else None


def _misspelt(cursor: Cursor, keys: Sequence[str]) -> bool:
    """Return whether an unknown key, already a finding, is probably one of ``keys`` misspelt."""
    others = [key for key in cursor.value if key not in keys]
    return any(any_near(others, known) for known in keys)


def _item(cursor: Cursor, *, typed: bool) -> TypedItem:
    item: Mapping[str, Mapping[str, object]] = cursor.value
    if typed:
        for path, message in faults(item):
            _refuse(cursor, path, message)
        return item
    return _typed(cursor, cursor.value)


def _typed(cursor: Cursor, values: Mapping[str, object]) -> TypedItem:
    """Return plain values as DynamoDB JSON, attribute by attribute, to find every error."""
    item: dict[str, Mapping[str, object]] = {}
    for name, value in values.items():
        try:
            item.update(to_typed_item({name: value}))
        except ValueFaultError as fault:
            _refuse(cursor, fault.path, str(fault))
    return item


def _refuse(cursor: Cursor, path: SpecPath, message: str) -> None:
    """Add a finding inside an item, located by the names on the path and never by its value."""
    inner = (*cursor.path, *path)
    cursor.findings.add(Rule.BAD_VALUE, inner, f"{dotted(inner[2:])}: {message}")


def _expectation(cursor: Cursor, key: str) -> Expectation:
    value = cursor.value
    if isinstance(value, list):
        entries = (cursor[index] for index in range(len(value)))
        return ExpectItems(tuple(_one_item(entry, key) for entry in entries))
    if isinstance(value, str):
        return _dropped(cursor)
    if key == "expect" and list(value) == ["rejected"]:
        return _rejected(cursor["rejected"])
    return _one_item(cursor, key)


def _one_item(cursor: Cursor, key: str) -> ExpectItem | ExpectSome:
    if key != "expect_some":
        return ExpectItem(_item(cursor, typed=key == "expect_typed"))
    absent = tuple(name for name, part in cursor.value.items() if part is None)
    present = {name: part for name, part in cursor.value.items() if part is not None}
    return ExpectSome(_typed(cursor, present), absent)


def _dropped(cursor: Cursor) -> Expectation:
    if cursor.value != "dropped":
        forms = "an item, a list of items, dropped or {rejected: reason}"
        message = f"expect is {forms}; found {shown(cursor.value)}"
        hint = None
        if cursor.value in {"rejected", *_REASONS}:
            hint = "write {rejected: reason}"
        elif is_near(cursor.value, "dropped"):
            hint = "did you mean dropped?"
        cursor.error(Rule.UNKNOWN_VALUE, message, hint=hint)
    return ExpectDropped()


def _rejected(cursor: Cursor) -> Expectation:
    reason = cursor.value
    if reason in _REASONS:
        return ExpectRejected(Reason(reason))
    message = f"there is no reason {shown(reason)}"
    hint = f"the reasons are {choices(_REASONS, 'and')}"
    if isinstance(reason, str) and any(is_near(reason, known) for known in _REASONS):
        hint = did_you_mean(reason, _REASONS) or hint
    cursor.error(Rule.UNKNOWN_REASON, message, hint=hint)
    return ExpectRejected(Reason.MISSING_KEY)
