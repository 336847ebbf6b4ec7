"""Item sizes, as DynamoDB counts them."""

from typing import Any

import pytest

from retable.transforms.canonical import canonical_value
from retable.transforms.size import item_size, value_size


@pytest.mark.parametrize(
    ("number", "size"),
    [
        ("0", 1),
        ("-0", 1),
        ("1", 2),
        ("12", 2),
        ("123", 3),
        ("120", 2),  # zeros at the end do not count; an older rule says 3
        ("-1", 3),
        ("3.14159", 5),
        ("42.12", 3),
        ("120.5", 4),
        ("0.001", 2),
        ("1.001", 4),
        ("1E125", 2),
        ("1E-130", 2),
        ("9" * 38, 20),
        ("0042.1200", 3),
        ("1000001", 5),
    ],
)
def test_a_number_costs_a_byte_for_two_digits_and_one_more(number: str, size: int) -> None:
    assert value_size(canonical_value({"N": number})) == size


@pytest.mark.parametrize(
    ("typed", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "été"}, 5),
        ({"B": "AAH/"}, 3),
        ({"B": "AA=="}, 1),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + 1 + 2 + 1 + 2),
        ({"M": {"é": {"S": "ab"}}}, 3 + 1 + 2 + 2),
        ({"SS": ["ab", "é"]}, 4),
        ({"NS": ["1", "-20"]}, 5),
        ({"BS": ["AAH/", "AA=="]}, 4),
    ],
)
def test_each_type_costs_what_dynamodb_counts(typed: dict[str, Any], size: int) -> None:
    assert value_size(typed) == size


def test_an_item_costs_its_names_and_values() -> None:
    assert item_size({"id": {"S": "abc"}, "né": {"BOOL": True}}) == 2 + 3 + 3 + 1
