"""Plain values as DynamoDB JSON, and the DynamoDB JSON that specs write."""

from decimal import Decimal
from typing import Any

import pytest

from retable.schema.typed import faults
from retable.schema.values import ValueFaultError, number_text, to_typed, to_typed_item


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        ("a", {"S": "a"}),
        ("", {"S": ""}),
        (12, {"N": "12"}),
        (Decimal("12.50"), {"N": "12.5"}),
        (True, {"BOOL": True}),
        (False, {"BOOL": False}),
        (None, {"NULL": True}),
        (b"\xff", {"B": "/w=="}),
        ({"b", "a"}, {"SS": ["a", "b"]}),
        ({10, Decimal("9.5")}, {"NS": ["9.5", "10"]}),
        ({b"b", b"a"}, {"BS": ["YQ==", "Yg=="]}),
        ([1, "a", [None]], {"L": [{"N": "1"}, {"S": "a"}, {"L": [{"NULL": True}]}]}),
        ({"a": {"b": 1}}, {"M": {"a": {"M": {"b": {"N": "1"}}}}}),
    ],
)
def test_each_plain_value_has_its_type(value: Any, typed: Any) -> None:
    assert to_typed(value) == typed


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Decimal("1E3"), "1000"),
        (Decimal("-0.0"), "0"),
        (Decimal("0E+5"), "0"),
        (Decimal("1.2300"), "1.23"),
        (Decimal("-5E-3"), "-0.005"),
        (Decimal("9.99E125"), "999" + "0" * 123),
        (10**37 + 1, "1" + "0" * 36 + "1"),
    ],
)
def test_numbers_are_plain_strings_without_needless_zeros(number: Any, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize("value", [set(), {1, "a"}, {True}, {None}, {b"a", "a"}, 1.5, object()])
def test_what_no_item_holds_is_refused(value: Any) -> None:
    with pytest.raises(ValueFaultError):
        to_typed(value)


def test_a_fault_names_the_way_to_it() -> None:
    with pytest.raises(ValueFaultError) as caught:
        to_typed_item({"a": [{"b": set()}]})
    assert caught.value.path == ("a", 0, "b")
    with pytest.raises(ValueFaultError) as caught:
        to_typed_item({"": 1})
    assert caught.value.path == ("",)


def test_thirty_two_levels_are_held_and_thirty_three_are_not() -> None:
    value: Any = "leaf"
    typed: Any = {"S": "leaf"}
    for _ in range(31):
        value, typed = [value], {"L": [typed]}
    assert to_typed(value) == typed
    assert list(faults({"a": typed})) == []
    with pytest.raises(ValueFaultError, match="32 levels"):
        to_typed([value])
    ((_, message),) = faults({"a": {"L": [typed]}})
    assert "32 levels" in message


@pytest.mark.parametrize(
    "typed",
    [
        {"S": ""},
        {"N": "-0012.500"},
        {"N": "1e125"},
        {"N": "0e999"},
        {"B": ""},
        {"B": "/w=="},
        {"BOOL": False},
        {"NULL": True},
        {"SS": ["a", "b"]},
        {"NS": ["1", "2"]},
        {"BS": ["AA==", "AQ=="]},
        {"L": []},
        {"M": {}},
        {"M": {"a": {"L": [{"N": "1"}]}}},
    ],
)
def test_good_dynamodb_json_has_no_fault(typed: Any) -> None:
    assert list(faults({"a": typed})) == []


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        *(({"N": text}, ("a", "N")) for text in ("", " 1", "1 ", "NaN", "Infinity", "0x1", "1_0")),
        *(({"N": text}, ("a", "N")) for text in ("1" * 39, "1e126", "1e-131", "\u0661")),
        *(({"B": text}, ("a", "B")) for text in ("A", "A===", "é", "A A=", "-_==")),
        ({"NS": ["1", "x"]}, ("a", "NS", 1)),
        ({"NS": ["1", "1.0"]}, ("a", "NS", 1)),
        ({"SS": ["a", "a"]}, ("a", "SS", 1)),
        ({"BS": ["AQ==", "?"]}, ("a", "BS", 1)),
        ({"M": {"": {"S": "x"}}}, ("a", "M", "")),
        ({"L": [{"M": {"b": {"N": "x"}}}]}, ("a", "L", 0, "M", "b", "N")),
    ],
)
def test_a_fault_in_dynamodb_json_is_found_where_it_is(typed: Any, path: Any) -> None:
    assert [found for found, _ in faults({"a": typed})] == [path]


def test_no_fault_shows_a_value() -> None:
    card = "4929-1234"
    typed: Any = {"a": {"N": card}, "b": {"B": card + "é"}, "c": {"NS": [card]}}
    assert all(card not in message for _, message in faults(typed))
