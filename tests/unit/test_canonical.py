"""The canonical form: one for all that DynamoDB takes for the same, none for what it refuses."""

from typing import Any

import pytest

from retable.schema.reasons import Reason
from retable.schema.spec import KeyAttribute, KeySchema
from retable.transforms.canonical import (
    canonical_key,
    canonical_value,
    digest,
)
from retable.transforms.fault import ItemFaultError
from retable.transforms.number import normalize_number
from support.canonical import canonical_item


def nested(levels: int) -> dict[str, Any]:
    """Return a text wrapped in so many lists."""
    value: dict[str, Any] = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ({"N": "0042.1200"}, {"N": "42.12"}),
        ({"SS": ["b", "a", "é"]}, {"SS": ["a", "b", "é"]}),
        ({"NS": ["10", "9", "-1.0"]}, {"NS": ["-1", "9", "10"]}),
        ({"BS": ["/w==", "AA=="]}, {"BS": ["AA==", "/w=="]}),
        ({"B": "AAH"}, {"B": "AAE="}),
        ({"B": ""}, {"B": ""}),
        ({"B": "AB=="}, {"B": "AA=="}),
        ({"M": {"a": {"N": "1.0"}}}, {"M": {"a": {"N": "1"}}}),
        ({"L": [{"N": "1.0"}, {"NULL": True}]}, {"L": [{"N": "1"}, {"NULL": True}]}),
        ({"SS": [""]}, {"SS": [""]}),
    ],
)
def test_a_value_has_one_canonical_form(typed: Any, canonical: Any) -> None:
    assert canonical_value(typed) == canonical
    assert canonical_value(canonical) == canonical


@pytest.mark.parametrize(
    "typed",
    [
        {"NULL": False},
        {"SS": []},
        {"NS": []},
        {"BS": []},
        {"SS": ["a", "a"]},
        {"NS": ["1", "1.0"]},
        {"BS": ["AA==", "AB=="]},
        {"S": 1},
        {"N": 1},
        {"N": "one"},
        {"B": "*"},
        {"B": "AAAAA"},
        {"B": "AA=A"},
        {"B": "AA\n=="},
        {"B": "AA==="},
        {"B": "é"},
        {"B": None},
        {"BOOL": "true"},
        {"L": {}},
        {"M": []},
        {"SS": "a"},
        {"SS": [1]},
        {"NS": [1]},
        {"X": "a"},
        {},
        {"S": "a", "N": "1"},
        "a",
        None,
        {"L": ["a"]},
    ],
)
def test_what_dynamodb_does_not_hold_has_none(typed: Any) -> None:
    with pytest.raises(ItemFaultError) as fault:
        canonical_value(typed)
    assert fault.value.reason is Reason.MALFORMED_ITEM


def test_thirty_one_wraps_are_taken_and_thirty_two_refused() -> None:
    assert canonical_value(nested(31)) == nested(31)
    with pytest.raises(ItemFaultError) as fault:
        canonical_value(nested(32))
    assert fault.value.reason is Reason.TOO_DEEP


def test_a_number_out_of_range_is_distinguished_from_no_number() -> None:
    with pytest.raises(ItemFaultError) as fault:
        canonical_item({"n": {"N": "1E200"}})
    assert fault.value.reason is Reason.NUMBER_OUT_OF_RANGE
    assert "'n'" in fault.value.detail


def test_the_form_has_sorted_names_at_every_depth() -> None:
    item: Any = {"b": {"M": {"é": {"S": "2"}, "z": {"S": "1"}}}, "a": {"N": "01"}}
    expected = '{"a":{"N":"1"},"b":{"M":{"z":{"S":"1"},"é":{"S":"2"}}}}'
    assert canonical_item(item) == expected.encode()


def test_an_attribute_needs_a_name_of_at_most_65535_bytes() -> None:
    canonical_item({"é" * 32_767: {"S": ""}})
    for name in ("", "é" * 32_768):
        with pytest.raises(ItemFaultError):
            canonical_item({name: {"S": ""}})


def test_the_digest_is_blake2b_of_128_bits_in_two_halves() -> None:
    high, low = digest(b"")
    assert f"{high:016x}{low:016x}" == "cae66941d9efbd404e4d88758ea67670"


def test_a_key_is_written_partition_first_whatever_the_item_says() -> None:
    schema = KeySchema(partition=KeyAttribute("z", "S"), sort=KeyAttribute("a", "N"))
    item: Any = {"a": {"N": "1.0"}, "z": {"S": "é"}, "other": {"S": ""}}
    assert canonical_key(item, schema) == '{"z":{"S":"é"},"a":{"N":"1"}}'


def test_a_key_that_is_not_there_cannot_be_written() -> None:
    with pytest.raises(ItemFaultError):
        canonical_key({}, KeySchema(partition=KeyAttribute("z", "S")))


def test_numbers_are_normalised_here_as_well() -> None:
    assert normalize_number("1e0") == "1"
