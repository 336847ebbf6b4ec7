"""One exported line, one outcome: what is kept, how it is typed, and why it is refused."""

import json
import pickle
from typing import Any

import pytest

from retable.schema.reasons import Reason
from retable.schema.spec import KeyAttribute, Winner
from retable.transforms.describe import describe_item
from retable.transforms.item_outcome import Dropped, Kept, Rejected
from retable.transforms.mapping import Mapping
from support.mapping_specs import (
    CANONICAL,
    EVERYTHING,
    ID,
    INDEXES,
    expression,
    field,
    line,
    made,
    mapping,
    reason,
    refused,
    value_of,
)


def test_a_copied_item_keeps_every_type() -> None:
    assert made(mapping().apply(line(EVERYTHING))) == CANONICAL


def test_the_result_holds_the_canonical_item_its_key_digest_and_size() -> None:
    outcome = mapping().apply(b'{"Item": {"n": {"N": "1.0"}, "id": {"S": "1"}}}\n')
    assert isinstance(outcome, Kept)
    (result,) = outcome.results
    assert result.item_json == b'{"id":{"S":"1"},"n":{"N":"1"}}'
    assert result.key == '{"id":{"S":"1"}}'
    assert (result.size, result.rank) == (2 + 1 + 1 + 2, None)


def test_fields_see_the_exported_item_and_not_one_another() -> None:
    swap = mapping(field("a", "b"), field("b", "a"))
    item = {"id": {"S": "1"}, "a": {"N": "1"}, "b": {"N": "2"}}
    assert made(swap.apply(line(item))) == {"id": {"S": "1"}, "a": {"N": "2"}, "b": {"N": "1"}}


def test_a_field_that_gives_nothing_still_takes_the_place_of_the_attribute() -> None:
    item = {"id": {"S": "1"}, "a": {"N": "1"}}
    assert made(mapping(field("a", "missing")).apply(line(item))) == {"id": {"S": "1"}}


def test_drop_and_copy_choose_what_comes_along() -> None:
    item = {"id": {"S": "1"}, "a": {"N": "1"}, "b": {"N": "2"}}
    assert made(mapping(drop=("a",)).apply(line(item))).keys() == {"id", "b"}
    assert made(mapping(copy=("id", "b")).apply(line(item))).keys() == {"id", "b"}
    only = mapping(field("id", "id"), copy="none")
    assert made(only.apply(line(item))).keys() == {"id"}


def test_an_item_for_which_where_is_falsy_is_dropped() -> None:
    for text in ("missing", "empty", "`false`", "none", "list"):
        item = {"id": {"S": "1"}, "empty": {"S": ""}, "none": {"NULL": True}, "list": {"L": []}}
        assert mapping(where=text).apply(line(item)) == Dropped()
    item = {"id": {"S": "1"}, "zero": {"N": "0"}}
    assert isinstance(mapping(where="zero").apply(line(item)), Kept)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("l[0]", {"S": "a"}),
        ("l[1]", {"S": "b"}),
        ("l[2]", None),
        ("l[-2]", {"S": "a"}),
        ("l[-3]", None),
        ("l[1:]", {"L": [{"S": "b"}]}),
        ("l[::-1]", {"L": [{"S": "b"}, {"S": "a"}]}),
        ("l[5:]", {"L": []}),
        ("id[0]", None),
        ("[l[2], l[1]]", {"L": [{"NULL": True}, {"S": "b"}]}),
        ("to_array(l)[2]", None),
        ("to_array(l)[-3]", None),
    ],
)
def test_places_in_a_list_end_where_the_list_does(text: str, found: Any) -> None:
    assert value_of(text, {"l": {"L": [{"S": "a"}, {"S": "b"}]}}) == found


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("number", {}),
        ("flag", {}),
        ("id == '1'", {}),
        ("id != '1'", {}),
        ("number > `1`", {}),
        ("`1.50`", {}),
        ("'text'", {}),
        ("`null`", {}),
        ("[number, flag, nothing]", {}),
        ("{a: map, b: texts}", {}),
        ("list", {}),
        ("list[*]", {}),
        ("list[:0]", {}),
        ("map.*", {}),
        ("@", {}),
        ("merge(map, {x: numbers})", {}),
        ("to_string(number)", {"type": "N"}),
        ("number", {"type": "S"}),
        ("['a', 'b']", {"type": "SS"}),
        ("texts", {"type": "L"}),
        ("missing", {"default": {"M": {"a": {"L": []}, "b": {"NS": ["10", "7"]}}}}),
        ("binaries", {}),
        ("'a\u00e9\"\\\\\n'", {}),
    ],
)
@pytest.mark.parametrize("copy", ["all", "none", ("list", "map", "flag")])
def test_the_size_and_all_else_of_a_result_are_those_of_its_item(
    text: str, rest: dict[str, Any], copy: Any
) -> None:
    outcome = mapping(field("made", text, **rest), field("id", "id"), copy=copy).apply(
        line(EVERYTHING)
    )
    assert isinstance(outcome, Kept), outcome
    (result,) = outcome.results
    assert result == describe_item(json.loads(result.item_json), ID)


def test_required_and_default_apply_to_what_is_absent_only() -> None:
    default = {"S": "d"}
    assert value_of("missing", {}, default=default) == default
    assert value_of("missing", {}, default=default, required=True) == default
    assert value_of("none", {"none": {"NULL": True}}, default=default) == {"NULL": True}
    assert value_of("text", {"text": {"S": ""}}, default=default, required=True) == {"S": ""}
    assert refused(field("made", "missing", required=True)) is Reason.MISSING_FIELD


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"{",
        b"[]",
        b"null",
        b'{"Item": []}',
        b"{}",
        b'{"Item": null}',
        b'{"Item": {"a": NaN}}',
    ],
)
def test_a_line_that_is_no_item_is_malformed(text: bytes) -> None:
    assert reason(mapping().apply(text)) is Reason.MALFORMED_LINE


def test_half_a_surrogate_pair_and_endless_nesting_are_malformed() -> None:
    assert reason(mapping().apply(b'{"Item":{"id":{"S":"\\ud800"}}}')) is Reason.MALFORMED_LINE
    assert reason(mapping().apply(b'{"Item":' * 100_000)) is Reason.MALFORMED_LINE


@pytest.mark.parametrize("typed", [{"NULL": False}, {"SS": []}, {"NS": ["1", "1.0"]}, {"Q": 1}, 7])
def test_an_attribute_that_is_no_value_is_malformed_where_it_is_used(typed: Any) -> None:
    item = {"id": {"S": "1"}, "a": typed}
    assert refused(item=item) is Reason.MALFORMED_ITEM
    assert refused(field("made", "a"), item=item, drop=("a",)) is Reason.MALFORMED_ITEM
    assert refused(item=item, copy="none", where="a || id", drop=("a",)) is Reason.MALFORMED_ITEM
    assert isinstance(mapping(drop=("a",)).apply(line(item)), Kept)


@pytest.mark.parametrize("text", ["lower(missing)", "nope(id)", "&id", "[&id]", "divide(`1`, `0`)"])
def test_an_expression_error_elsewhere_is_one(text: str) -> None:
    assert refused(field("made", text)) is Reason.EXPRESSION_ERROR


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("join('-', [id, n])", "an array of number and string"),
        ("join('-', [n, n])", "an array of number"),
        ("join('-', [id, missing])", "an array of null and string"),
    ],
)
def test_elements_that_are_written_out_are_checked_as_any_others(text: str, found: str) -> None:
    outcome = mapping(field("made", text)).apply(line({"id": {"S": "1"}, "n": {"N": "1"}}))
    detail = f"field 'made': join() takes string[] as strings, not {found}"
    assert outcome == (Reason.EXPRESSION_ERROR, detail)


def test_an_expression_error_in_where_is_one() -> None:
    assert refused(where="lower(missing)") is Reason.EXPRESSION_ERROR


def test_fields_are_checked_in_their_order() -> None:
    first, second = field("b", "missing", required=True), field("a", "lower(missing)")
    assert refused(first, second) is Reason.MISSING_FIELD
    assert refused(second, first) is Reason.EXPRESSION_ERROR


def test_numbers_out_of_range_are_refused_where_they_come_along() -> None:
    item = {"id": {"S": "1"}, "n": {"N": "1" * 39}}
    assert refused(item=item) is Reason.NUMBER_OUT_OF_RANGE
    assert refused(field("made", "n"), item=item, drop=("n",)) is Reason.NUMBER_OUT_OF_RANGE
    assert refused(where="keys(@)", item=item, drop=("n",)) is Reason.NUMBER_OUT_OF_RANGE
    assert isinstance(mapping(drop=("n",)).apply(line(item)), Kept)


def test_numbers_computed_out_of_range_are_refused() -> None:
    item = {"id": {"S": "1"}, "n": {"N": "9" * 38}}
    for text in ("multiply(n, `1.5`)", "multiply(n, n)", "[multiply(n, n)]"):
        assert refused(field("made", text), item=item) is Reason.NUMBER_OUT_OF_RANGE


def test_nesting_is_bounded_for_what_comes_along() -> None:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(31):
        value = {"M": {"m": value}}
    item = {"id": {"S": "1"}, "deep": value}
    assert isinstance(mapping().apply(line(item)), Kept)
    assert refused(field("made", "[deep]"), item=item) is Reason.TOO_DEEP
    item["deep"] = {"L": [value]}
    assert refused(item=item) is Reason.TOO_DEEP
    assert isinstance(mapping(drop=("deep",)).apply(line(item)), Kept)


def test_the_greatest_item_has_409600_bytes() -> None:
    filler = 409_600 - 2 - 1 - 1
    item = {"id": {"S": "1"}, "t": {"S": "x" * filler}}
    outcome = mapping().apply(line(item))
    assert isinstance(outcome, Kept)
    assert outcome.results[0].size == 409_600
    item["t"] = {"S": "x" * (filler + 1)}
    assert refused(item=item) is Reason.ITEM_TOO_LARGE


def test_what_is_too_large_by_the_greater_number_rule_only_is_left_to_the_table() -> None:
    item = {"id": {"S": "1"}, "n": {"N": "120"}, "t": {"S": "x" * (409_600 - 2 - 1 - 1 - 2 - 1)}}
    assert isinstance(mapping().apply(line(item)), Kept)


def test_a_value_of_shared_parts_is_stopped_before_it_fills_the_memory() -> None:
    text = "[@, @]" + " | [@, @]" * 25
    assert refused(field("made", text)) is Reason.ITEM_TOO_LARGE


@pytest.mark.parametrize(
    ("typed", "rank"),
    [
        ({"S": "b"}, b"\x02b"),
        ({"S": ""}, b"\x02"),
        ({"N": "0"}, b"\x01\x80"),
        ({"NULL": True}, None),
        (None, None),
    ],
)
def test_the_winner_of_a_collision_is_ranked_by_number_or_text(
    typed: Any, rank: bytes | None
) -> None:
    item = {"id": {"S": "1"}} | ({} if typed is None else {"at": typed})
    ranking = mapping(collisions=Winner(take="latest", by=expression("at")))
    outcome = ranking.apply(line(item))
    assert isinstance(outcome, Kept)
    assert outcome.results[0].rank == rank


@pytest.mark.parametrize("typed", [{"BOOL": True}, {"L": []}, {"B": "AA=="}, {"SS": ["a"]}])
def test_a_winner_that_cannot_be_ranked_is_an_expression_error(typed: Any) -> None:
    winner = Winner(take="first", by=expression("at"))
    item = {"id": {"S": "1"}, "at": typed}
    assert refused(item=item, collisions=winner) is Reason.EXPRESSION_ERROR


def test_details_name_attributes_and_never_values() -> None:
    secret = "hunter2"  # noqa: S105  # it stands for any value
    item = {"id": {"S": "1"}, "pin": {"S": secret}, "n": {"N": secret}}
    attempts = [
        mapping().apply(line(item)),
        mapping(field("id", "multiply(pin, `1`)")).apply(line({"pin": {"S": secret}})),
        mapping(field("n", "pin", type="N")).apply(line({"id": {"S": "1"}, "pin": {"S": secret}})),
        mapping(field("id", "[pin]")).apply(line({"pin": {"S": secret}})),
    ]
    for outcome in attempts:
        assert isinstance(outcome, Rejected)
        assert secret not in outcome.detail


def test_a_long_name_is_cut_in_details() -> None:
    outcome = mapping().apply(line({"id": {"S": "1"}, "x" * 60_000: {"NULL": False}}))
    assert isinstance(outcome, Rejected)
    assert len(outcome.detail) < 200


def test_a_mapping_travels_to_another_process() -> None:
    original = mapping(field("made", "to_string(id)"), where="id", indexes=INDEXES)
    travelled = pickle.loads(pickle.dumps(original))  # noqa: S301  # our own
    assert isinstance(travelled, Mapping)
    text = line(EVERYTHING)
    assert travelled.apply(text) == original.apply(text)


def test_unknown_functions_are_named_once() -> None:
    calls = mapping(field("a", "mine(id) || other(mine(id))"), where="lower(id)")
    assert calls.unknown_functions == ("mine", "other")


def test_an_attribute_named_twice_like_a_key_path_is_only_walked_where_it_is_a_map() -> None:
    item = {"id": {"S": "1"}, "a": {"M": {"b": {"S": "x"}}}, "a.b": {"S": "y"}}
    assert made(mapping(field("c", "a.b"), field("d", '"a.b"')).apply(line(item)))["c"] == {
        "S": "x"
    }
    assert json.loads(line(item))["Item"]["a.b"] == {"S": "y"}


def test_the_key_schema_of_the_tests_is_one_text() -> None:
    assert ID.attributes == (KeyAttribute("id", "S"),)
