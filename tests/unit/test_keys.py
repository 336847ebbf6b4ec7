"""Keys of the table and of its indexes: what an item must have for DynamoDB to take it."""

from typing import Any

import pytest

from retable.schema.reasons import Reason
from retable.transforms import compile_mapping
from retable.transforms.item_outcome import Kept, Rejected
from support.mapping_specs import INDEXES, field, key, line, made, mapping, reason, refused, spec


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (None, Reason.MISSING_KEY),
        ({"N": "1"}, Reason.WRONG_KEY_TYPE),
        ({"NULL": True}, Reason.WRONG_KEY_TYPE),
        ({"S": ""}, Reason.EMPTY_KEY),
        ({"S": "é" * 1025}, Reason.KEY_TOO_LONG),
    ],
)
def test_a_key_must_be_there_of_its_type_and_fit(typed: Any, found: Reason) -> None:
    item = {} if typed is None else {"id": typed}
    assert refused(item=item) is found


def test_a_sort_key_may_be_shorter_only() -> None:
    schema = key("id", "at", types=("S", "B"))
    item = {"id": {"S": "x" * 2048}, "at": {"B": "AAAA" * 341 + "AA=="}}
    assert isinstance(mapping(schema=schema).apply(line(item)), Kept)
    item["at"] = {"B": "AAAA" * 342}
    assert refused(item=item, schema=schema) is Reason.KEY_TOO_LONG
    item["at"] = {"B": ""}
    assert refused(item=item, schema=schema) is Reason.EMPTY_KEY


def test_a_key_that_is_dropped_or_not_copied_is_missing() -> None:
    assert refused(drop=("id",)) is Reason.MISSING_KEY
    assert refused(copy="none") is Reason.MISSING_KEY


def test_an_expression_error_on_a_key_is_a_missing_key_that_says_why() -> None:
    failing = mapping(field("id", "lower(missing)"))
    outcome = failing.apply(line({}))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.MISSING_KEY
    assert "lower()" in outcome.detail
    assert refused(field("id", "&a")) is Reason.MISSING_KEY


def test_keys_are_checked_first_and_partition_before_sort() -> None:
    fields = (field("made", "lower(missing)"), field("at", "missing"), field("id", "number"))
    item = {"number": {"N": "1"}, "at": {"S": "x"}}
    schema = key("id", "at")
    assert refused(*fields, item=item, schema=schema) is Reason.WRONG_KEY_TYPE
    assert refused(*fields[:2], item={"id": {"S": "1"}}, schema=schema) is Reason.MISSING_KEY
    assert refused(fields[0], item={"id": {"N": "1"}}) is Reason.WRONG_KEY_TYPE


def test_a_key_with_a_default_is_never_missing() -> None:
    outcome = mapping(field("id", "missing", default={"S": "d"})).apply(line({}))
    assert made(outcome) == {"id": {"S": "d"}}


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ({}, None),
        ({"status": {"S": "x"}}, None),
        ({"status": {"S": "x"}, "n": {"N": "0"}, "at": {"B": "AA=="}}, None),
        ({"status": {"N": "1"}}, Reason.WRONG_INDEX_KEY_TYPE),
        ({"status": {"NULL": True}}, Reason.WRONG_INDEX_KEY_TYPE),
        ({"status": {"S": ""}}, Reason.EMPTY_INDEX_KEY),
        ({"at": {"B": ""}}, Reason.EMPTY_INDEX_KEY),
        ({"n": {"S": "1"}}, Reason.WRONG_INDEX_KEY_TYPE),
    ],
)
def test_an_index_takes_an_item_or_dynamodb_refuses_it_whole(
    item: Any, found: Reason | None
) -> None:
    whole = line({"id": {"S": "1"}, **item})
    declared = mapping(indexes=INDEXES).apply(whole)
    kept = compile_mapping(spec(), INDEXES).apply(whole)
    assert declared == kept
    assert (reason(declared) if isinstance(declared, Rejected) else None) is found


def test_a_key_out_of_range_is_refused_for_that_and_not_as_missing() -> None:
    schema = key("n", types=("N", "S"))
    assert refused(item={"n": {"N": "1E999"}}, schema=schema) is Reason.NUMBER_OUT_OF_RANGE
    dropped = refused(item={"n": {"N": "1E999"}}, schema=schema, drop=("n",))
    assert dropped is Reason.MISSING_KEY
