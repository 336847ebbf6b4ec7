"""Drilling down: each differing attribute of each differing item, and no other."""

import json
from pathlib import Path
from typing import Any

import pytest

from retable.runner.export.spool import IN_PLACE
from retable.runner.report.item_figures import AttributeChange
from retable.runner.verify.compare import DIFF, compare
from retable.runner.verify.drill import Drill
from retable.runner.verify.expire import write_expired
from retable.runner.verify.sample_keys import count_equal, pick
from retable.transforms.describe import describe_item
from retable.transforms.expiry import LEFT_ALONE_SECONDS
from retable.transforms.project import Projected, project
from support.both import KEY, AsItIs, Both, Table, item
from support.ledgers import as_line, write_ledger

NOW = 2_000_000_000


def test_only_what_changed_is_told_and_values_only_where_asked_for(tmp_path: Path) -> None:
    exported = [item("a", n={"N": "1"}, s={"S": ""}, same={"SS": ["x", "y"]}), item("b")]
    held = [item("a", n={"N": "2"}, new={"NULL": True}, same={"SS": ["y", "x"]}), item("b")]
    both = Both(tmp_path, exported, held)
    (row,) = both.drill.rows(both.differences(), None, show_values=False)
    assert (row.kind, row.place) == ("different", "data/0.json.gz:1")
    assert row.changes == (
        AttributeChange(name="n", expected_type="N", actual_type="N"),
        AttributeChange(name="new", expected_type=None, actual_type="NULL"),
        AttributeChange(name="s", expected_type="S", actual_type=None),
    )
    (shown,) = both.drill.rows(both.differences(), None, show_values=True)
    assert (shown.changes[0].expected, shown.changes[0].actual) == ({"N": "1"}, {"N": "2"})
    assert shown.changes[2].expected == {"S": ""}


def test_spelling_and_order_are_no_changes(tmp_path: Path) -> None:
    exported = [item("a", n={"N": "1.0"}, m={"M": {"x": {"S": "1"}, "y": {"N": "1e1"}}})]
    held = [item("a", n={"N": "1"}, m={"M": {"y": {"N": "10"}, "x": {"S": "1"}}})]
    assert Both(tmp_path, exported, held).differences() == ()


def test_missing_and_extra_items_are_named_without_changes(tmp_path: Path) -> None:
    both = Both(tmp_path, [item("a"), item("b")], [item("b"), item("c")])
    rows = both.drill.rows(both.differences(), None, show_values=True)
    assert [(row.kind, row.key["id"]["S"], row.place, row.changes) for row in rows] == [
        ("missing", "a", "data/0.json.gz:1", ()),
        ("extra", "c", None, ()),
    ]


def test_attributes_without_a_part_in_the_checksum_are_not_told(tmp_path: Path) -> None:
    both = Both(tmp_path, [item("a", n={"N": "1"}, s={"S": "x"})], [item("a", n={"N": "2"})])
    (row,) = both.drill.rows(both.differences(), frozenset(["id", "n"]), show_values=False)
    assert [change.name for change in row.changes] == ["n"]


def test_a_value_of_400_kb_is_cut_and_says_so(tmp_path: Path) -> None:
    both = Both(tmp_path, [item("a", s={"S": "x" * 300_000})], [item("a", s={"S": "y"})])
    (row,) = both.drill.rows(both.differences(), None, show_values=True)
    value = (row.changes[0].expected or {})["S"]
    assert len(value) < 3_000
    assert "(cut; 300,000 characters)" in value


def test_a_sample_is_the_same_for_the_same_run_and_finds_a_changed_item(tmp_path: Path) -> None:
    items = [item(f"i{number}", n={"N": str(number)}) for number in range(20)]
    both = Both(tmp_path, items, items)

    def sampled(salt: str, limit: int) -> Any:
        return pick(both.expected, limit, salt, quarantined=None, expired=None)

    assert sampled("one", 5) == sampled("one", 5) != sampled("two", 5)
    assert count_equal(sampled("one", 20), both.drill, None) == 20
    held = [*items[:18], item("i18", n={"N": "0"})]
    worse = Drill(Table(*held), "orders", KEY, files=both.files, holder=IN_PLACE, mapping=AsItIs())
    assert count_equal(sampled("one", 20), worse, None) == 18


def test_a_sample_looks_only_at_the_attributes_of_the_checksum(tmp_path: Path) -> None:
    chosen = frozenset(["id", "n"])
    exported = item("a", n={"N": "1"}, s={"S": "x"})
    held = item("a", n={"N": "1"}, s={"S": "y"})
    line = as_line(exported)
    folder = write_ledger(
        tmp_path / "expected", [Projected(AsItIs(), chosen).apply(line)], lines=[line]
    )
    both = Both(tmp_path, [exported], [held])
    sampled = pick(folder, 5, "", quarantined=None, expired=None)
    assert count_equal(sampled, both.drill, chosen) == 1
    assert project(describe_item(held, KEY), chosen).digest == sampled[0].digest


@pytest.mark.parametrize(
    ("expires", "counts"),
    [
        ({"N": str(NOW)}, True),
        ({"N": str(NOW - 1)}, True),
        ({"N": f"{NOW - 1}.5"}, True),
        ({"N": str(NOW + 1)}, False),
        ({"N": str(NOW - LEFT_ALONE_SECONDS - 1)}, False),
        ({"S": str(NOW - 1)}, False),
        ({"NULL": True}, False),
    ],
)
def test_only_what_has_expired_is_told_from_what_is_lost(
    tmp_path: Path, expires: dict[str, Any], *, counts: bool
) -> None:
    both = Both(tmp_path, [item("a", ttl=expires), item("b"), item("c")], [item("c")])
    both.differences()
    path = tmp_path / "expired.jsonl"
    assert write_expired(both.actual, both.drill, "ttl", NOW, path) == counts
    again = compare(
        both.expected,
        quarantined=None,
        expired=path,
        actual=both.actual,
        diff=tmp_path / "diff.jsonl",
    )
    assert again.missing == (1 if counts else 2)
    assert again.expected_count == (2 if counts else 3)
    assert (both.actual.parent / DIFF).is_file()
    keys = [json.loads(text)["key"] for text in path.read_text().splitlines()]
    assert keys == (['{"id":{"S":"a"}}'] if counts else [])
