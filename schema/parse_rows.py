"""``tests`` of a spec: rows that are given, and what must become of them."""

from collections.abc import Mapping, Sequence

from retable.schema.cursor import Cursor
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
    SpecPath,
    TypedItem,
)
from retable.schema.typed import faults
from retable.schema.values import ValueFaultError, to_typed_item
from retable.schema.wording import choices, did_you_mean, dotted, is_near, shown

_GIVEN = ("given", "given_typed")
_EXPECTED = ("expect", "expect_some", "expect_typed")
_REASONS = tuple(reason.value for reason in Reason)


def parse_rows(cursor: Cursor) -> tuple[RowTest, ...]:
    """Return ``tests``; what is wrong with one goes to the findings, and it is left out."""
    _check_names(cursor)
    rows = (_row(cursor[index]) for index in range(len(cursor.value)))
    return tuple(row for row in rows if row is not None)


def _check_names(cursor: Cursor) -> None:
    lines: dict[str, int] = {}
    for index, row in enumerate(cursor.value):
        # A row with other faults still has a name to compare.
        if not isinstance(row, dict) or "name" not in row or not cursor[index]["name"].sound():
            continue
        name = cursor[index]["name"]
        if name.value in lines:
            message = f"the test in line {lines[name.value]} has this name already"
            name.error(Rule.DUPLICATE_NAME, message)
        lines.setdefault(name.value, name.span().line)


def _row(cursor: Cursor) -> RowTest | None:
    if not isinstance(cursor.value, dict):
        return None
    given = _only(cursor, _GIVEN, "given")
    expected = _only(cursor, _EXPECTED, "expected")
    if given is None or expected is None or not cursor.sound():
        return None
    item = _item(cursor[given], typed=given == "given_typed")
    return RowTest(
        name=cursor.get("name"),
        given=item,
        expect=_expectation(cursor[expected], expected),
        span=cursor.span(),
    )


def _only(cursor: Cursor, keys: Sequence[str], what: str) -> str | None:
    """Return the one of ``keys`` that is there."""
    there = [key for key in keys if key in cursor]
    if not there and cursor.path not in cursor.findings.incomplete and not _misspelt(cursor, keys):
        message = f"a row test says what is {what} by one of {choices(keys)}; found none"
        cursor.error(Rule.NOT_TOGETHER, message, at="key")
    for extra in there[1:]:
        message = f"a row test says what is {what} once; {there[0]} says it already"
        cursor[extra].error(Rule.NOT_TOGETHER, message, at="key")
    return there[0] if len(there) == 1 else None


def _misspelt(cursor: Cursor, keys: Sequence[str]) -> bool:
    """Say whether an unknown key, which is a finding already, is probably one of ``keys``."""
    return any(is_near(key, known) for key in cursor.value if key not in keys for known in keys)


def _item(cursor: Cursor, *, typed: bool) -> TypedItem:
    item: Mapping[str, Mapping[str, object]] = cursor.value
    if typed:
        for path, message in faults(item):
            _refuse(cursor, path, message)
        return item
    return _typed(cursor, cursor.value)


def _typed(cursor: Cursor, values: Mapping[str, object]) -> TypedItem:
    """Return plain values as DynamoDB JSON, one attribute after the other to find every fault."""
    item: dict[str, Mapping[str, object]] = {}
    for name, value in values.items():
        try:
            item.update(to_typed_item({name: value}))
        except ValueFaultError as fault:
            _refuse(cursor, fault.path, str(fault))
    return item


def _refuse(cursor: Cursor, path: SpecPath, message: str) -> None:
    """Add what is wrong inside an item, by the names that lead to it and never by its value."""
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
