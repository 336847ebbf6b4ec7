"""Row tests pass silently, and say only what differs."""

from typing import Any

from retable.schema.reasons import Reason
from retable.schema.spec import ExpectDropped, ExpectItem, ExpectRejected, ExpectSome, RowTest
from retable.transforms.rows import run_row
from support.mapping_specs import NOWHERE, field, mapping

ITEM: dict[str, Any] = {
    "id": {"S": "1"},
    "n": {"N": "1"},
    "m": {"M": {"a": {"N": "1"}, "b": {"S": "x"}}},
}


def run(expect: Any, given: Any = None, **rest: Any) -> tuple[str, ...]:
    row = RowTest(name="r", given=given or ITEM, expect=expect, span=NOWHERE)
    return tuple(map(str, run_row(mapping(**rest), row)))


def test_a_row_that_is_met_says_nothing() -> None:
    assert run(ExpectItem(ITEM)) == ()
    assert run(ExpectItem(ITEM | {"n": {"N": "1.0"}})) == ()
    assert run(ExpectSome({"n": {"N": "1"}}, ("gone",))) == ()
    assert run(ExpectDropped(), where="missing") == ()
    assert run(ExpectRejected(Reason.MISSING_KEY), drop=("id",)) == ()


def test_a_row_that_is_not_met_says_what_differs() -> None:
    assert run(ExpectSome({"n": {"N": "2"}})) == ('n: expected {"N":"2"}, got {"N":"1"}',)
    assert run(ExpectSome({"z": {"N": "2"}})) == ('z: expected {"N":"2"}, got absent',)
    assert run(ExpectSome({}, ("n",))) == ('n: expected absent, got {"N":"1"}',)
    assert run(ExpectItem({"id": {"S": "1"}, "n": {"N": "1"}}))[0].startswith("m: expected absent")


def test_inside_a_map_only_what_differs_is_shown() -> None:
    expected = {"m": {"M": {"a": {"N": "1"}, "c": {"S": "y"}}}}
    assert run(ExpectSome(expected)) == (
        'm.c: expected {"S":"y"}, got absent',
        'm.b: expected absent, got {"S":"x"}',
    )


def test_another_outcome_is_named() -> None:
    assert run(ExpectDropped()) == ("expected dropped, got an item",)
    assert run(ExpectItem(ITEM), where="missing") == ("expected an item, got dropped",)
    (line,) = run(ExpectRejected(Reason.EMPTY_KEY), drop=("id",))
    assert line.startswith("expected rejected: empty-key, got rejected: missing-key (")
    assert run(ExpectRejected(Reason.EMPTY_KEY)) == ("expected rejected: empty-key, got an item",)


def test_an_expected_value_that_no_item_can_have_is_a_difference() -> None:
    assert run(ExpectSome({"n": {"SS": []}})) == ('n: expected {"SS":[]}, got {"N":"1"}',)


def test_a_long_value_is_cut() -> None:
    (line,) = run(ExpectSome({"n": {"S": "x" * 5000}}))
    assert len(line) < 300


def test_a_row_that_needs_a_function_that_is_not_here_could_not_be_evaluated() -> None:
    row = RowTest(name="r", given=ITEM, expect=ExpectDropped(), span=NOWHERE)
    (line,) = map(str, run_row(mapping(field("a", "mine(id)")), row))
    assert line == "could not be evaluated: there is no function mine()"
