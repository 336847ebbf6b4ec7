"""What the target table holds is described as the mapping describes what it expects."""

import pickle
from typing import Any

import pytest

from retable.transforms.describe import Described, describe_item
from retable.transforms.item_outcome import Kept, Rejected
from support.mapping_specs import ID, line, mapping


def test_an_item_read_back_is_described_like_the_one_that_was_expected() -> None:
    outcome = mapping().apply(line({"id": {"S": "1"}, "n": {"N": "1.0"}, "s": {"SS": ["b", "a"]}}))
    assert isinstance(outcome, Kept)
    found: Any = {"s": {"SS": ["a", "b"]}, "id": {"S": "1"}, "n": {"N": "1"}}
    assert describe_item(found, ID) == outcome.results[0]


def test_another_value_is_another_digest() -> None:
    item = {"id": {"S": "1"}, "n": {"N": "1"}}
    other = {"id": {"S": "1"}, "n": {"N": "2"}}
    assert describe_item(item, ID).digest != describe_item(other, ID).digest


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"id": {"N": "1"}},
        {"id": {"S": "1"}, "n": {"N": "x"}},
        {"id": {"S": "1"}, "s": {"SS": []}},
    ],
)
def test_an_item_that_does_not_belong_there_is_refused(item: Any) -> None:
    with pytest.raises(ValueError, match="attribute"):
        describe_item(item, ID)


def test_an_exported_line_is_described_like_the_item_on_it() -> None:
    item: Any = {"s": {"SS": ["a", "b"]}, "id": {"S": "1"}, "n": {"N": "1.0"}}
    outcome = pickle.loads(pickle.dumps(Described(ID))).apply(line(item))  # noqa: S301 -- our own
    assert outcome == Kept((describe_item(item, ID),))


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"7", b'{"Item":7}', b'{"Item":{}}', b'{"Item":{"id":{"S":1}}}']
)
def test_a_line_without_an_item_of_the_table_is_rejected(text: bytes) -> None:
    assert isinstance(Described(ID).apply(text), Rejected)
