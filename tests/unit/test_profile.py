"""The profile: every attribute of every item that is looked at, before and after the mapping."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retable.runner.engine import profile as module
from retable.runner.engine.profile import PROFILED_ITEMS, Profile, stride
from retable.runner.report.item_figures import Attribute
from retable.schema.reasons import Reason
from retable.transforms.item_outcome import Dropped, Kept, Rejected, Result

ITEM = {"id": {"S": "1"}, "total": {"N": "1"}, "tags": {"SS": ["a"]}}
INDEXES = {"by_total": ("total",), "by_both": ("total", "status")}


def line(**attributes: object) -> bytes:
    return orjson.dumps({"Item": attributes})


def kept(**attributes: object) -> Kept:
    return Kept((Result(orjson.dumps(attributes), "", (0, 0), 0),))


def counted(*pairs: tuple[bytes, Kept | Dropped | Rejected]) -> Profile:
    profile = Profile()
    for given_, outcome in pairs:
        profile.add(given_, outcome, INDEXES)
    return profile


def test_attributes_are_counted_by_type_on_both_sides() -> None:
    found = counted(
        (line(**ITEM), kept(id={"S": "1"}, total={"N": "1"})),
        (line(id={"S": "2"}, total={"S": "?"}), Dropped()),
        (line(id={"N": "3"}), Rejected(Reason.WRONG_KEY_TYPE, "")),
    ).summary(INDEXES)
    assert (found.items_before, found.items_after) == (3, 1)
    assert found.before == (
        Attribute(name="id", types={"N": 1, "S": 2}),
        Attribute(name="total", types={"N": 1, "S": 1}),
        Attribute(name="tags", types={"SS": 1}),
    )
    assert found.after == (
        Attribute(name="id", types={"S": 1}),
        Attribute(name="total", types={"N": 1}),
    )


def test_an_item_enters_an_index_if_it_has_all_its_keys() -> None:
    found = counted(
        (line(**ITEM), kept(total={"N": "1"})),
        (line(**ITEM), kept(total={"N": "1"}, status={"S": "NEW"})),
        (line(**ITEM), kept(status={"S": "NEW"})),
    ).summary(INDEXES)
    assert {one.index: one.items for one in found.indexes} == {"by_total": 2, "by_both": 1}


@pytest.mark.parametrize("text", [b"", b"[]", b'{"Item":[]}', b'{"Item":{"a":{}}}', b"\xff"])
def test_what_is_no_item_is_passed_over(text: bytes) -> None:
    assert counted((text, Rejected(Reason.MALFORMED_ITEM, ""))) == Profile()


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from("SN")), max_size=8))
def test_counting_in_parts_is_counting_at_once(items: list[dict[str, str]]) -> None:
    made = [{name: {kind: "1"} for name, kind in item.items()} for item in items]
    pairs = [(line(**item), kept(**item)) for item in made]
    parts = Profile()
    for pair in pairs:
        parts.merge(counted(pair))
    assert parts == counted(*pairs)


def test_endless_names_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_NAMES", 3)
    item = {f"n{number}": {"S": ""} for number in range(10)}
    assert len(counted((line(**item), kept(**item))).before) == 3


@given(st.integers(0, 10**9))
def test_no_more_items_are_looked_at_than_there_is_time_for(items: int) -> None:
    assert items // stride(items) <= PROFILED_ITEMS
