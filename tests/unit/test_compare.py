"""Comparison: every difference is found, counted and named, and nothing else is (I4)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from retable.runner.ledger.questions import Ledger
from retable.runner.verify import compare as module
from retable.runner.verify.compare import Comparison, Difference, compare
from retable.schema.reasons import Reason
from retable.transforms.item_outcome import Dropped, Outcome, Rejected, Result
from support.comparisons import is_equal
from support.ledgers import kept, key_text, result, write_actual, write_ledger

NAMES = [f"item {number}" for number in range(60)]


class Sides:
    """Both ledgers of a run in ``folder``, and how they compare."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.expected = folder / "ledger" / "expected"
        self.actual = folder / "ledger" / "actual"
        self.quarantined = folder / "load.jsonl"

    def write(self, expected: Sequence[Outcome], actual: Sequence[Result]) -> None:
        write_ledger(self.expected, expected[::2])
        write_ledger(self.expected, expected[1::2], part=1)
        write_actual(self.actual, reversed(actual))
        write_actual(self.actual, [], part=1)

    def compare(self) -> Comparison:
        return compare(
            self.expected,
            quarantined=self.quarantined,
            actual=self.actual,
            diff=self.folder / "diff.jsonl",
        )

    def lines(self) -> list[dict[str, Any]]:
        text = (self.folder / "diff.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path / "it's [a] *run?")


def key(name: str) -> dict[str, Any]:
    return {"id": {"S": name}}


def test_i4_equal_sides_pass_in_any_order(sides: Sides) -> None:
    rejected = Rejected(Reason.MISSING_KEY, "")
    sides.write([*map(kept, NAMES), Dropped(), rejected], [result(name) for name in NAMES])
    found = sides.compare()
    assert is_equal(found)
    assert (found.expected_count, found.actual_count) == (60, 60)
    assert found.expected_checksum == found.actual_checksum
    assert found.expected_checksum != "0" * 32
    assert (found.missing, found.extra, found.different) == (0, 0, 0)
    assert (found.buckets_differing, found.first) == ((), ())
    assert sides.lines() == []
    assert duckdb_rows(sides) == []


def test_i4_missing_extra_and_different_items_are_named(sides: Sides) -> None:
    actual = [result(name) for name in NAMES[3:]] + [result("extra")]
    actual[0] = result(NAMES[3], "changed")
    sides.write([kept(name) for name in NAMES], actual)
    found = sides.compare()
    assert not is_equal(found)
    assert (found.expected_count, found.actual_count) == (60, 58)
    assert (found.missing, found.extra, found.different) == (3, 1, 1)
    assert found.expected_checksum != found.actual_checksum
    by_kind = {(row.kind, row.key["id"]["S"]) for row in found.first}
    assert by_kind == {
        ("missing", NAMES[0]),
        ("missing", NAMES[1]),
        ("missing", NAMES[2]),
        ("different", NAMES[3]),
        ("extra", "extra"),
    }


def test_diff_lines_have_kind_key_and_source(sides: Sides) -> None:
    sides.write([kept("a"), kept("b")], [result("b", "changed"), result("c")])
    found = sides.compare()
    assert sides.lines() == [
        {"kind": "missing", "key": key("a"), "source_file": "data/0.json.gz", "source_line": 1},
        {"kind": "different", "key": key("b"), "source_file": "data/1.json.gz", "source_line": 1},
        {"kind": "extra", "key": key("c"), "source_file": None, "source_line": None},
    ]
    assert found.first == tuple(
        Difference(
            kind=line["kind"],
            key=line["key"],
            source_file=line["source_file"],
            source_line=line["source_line"],
        )
        for line in sides.lines()
    )
    assert [row[:2] for row in duckdb_rows(sides)] == [
        ("missing", key_text("a")),
        ("different", key_text("b")),
        ("extra", key_text("c")),
    ]


def test_equal_counts_do_not_hide_that_items_were_swapped(sides: Sides) -> None:
    sides.write([kept("a", "1"), kept("b", "2")], [result("a", "2"), result("b", "1")])
    found = sides.compare()
    assert (found.expected_count, found.actual_count, found.different) == (2, 2, 2)


def test_two_items_that_changed_alike_do_not_cancel(sides: Sides) -> None:
    sides.write([], [result("a"), result("a")])
    found = sides.compare()
    assert found.actual_checksum != found.expected_checksum
    assert found.extra == 2


def test_an_item_that_is_there_twice_is_extra(sides: Sides) -> None:
    sides.write([kept("a"), kept("b")], [result("a"), result("b"), result("b")])
    found = sides.compare()
    assert (found.missing, found.extra, found.different) == (0, 1, 0)
    assert [(row.kind, row.key) for row in found.first] == [("extra", key("b"))]


def test_an_item_there_twice_does_not_hide_one_that_is_missing(sides: Sides) -> None:
    sides.write([kept("a"), kept("b")], [result("a"), result("a")])
    found = sides.compare()
    assert (found.missing, found.extra, found.different) == (1, 1, 0)


def test_an_empty_table_lacks_everything(sides: Sides) -> None:
    sides.write([kept(name) for name in NAMES], [])
    found = sides.compare()
    assert (found.missing, found.actual_count) == (60, 0)
    assert found.actual_checksum == "0" * 32
    assert len(found.buckets_differing) > 1


def test_only_the_buckets_of_both_digests_of_the_item_are_named(sides: Sides) -> None:
    both = [result(NAMES[7]), result(NAMES[7], "changed")]
    sides.write(
        [kept(name) for name in NAMES],
        [both[1] if name == NAMES[7] else result(name) for name in NAMES],
    )
    assert set(sides.compare().buckets_differing) == {made.digest[0] >> 56 for made in both}


def test_what_lost_a_collision_is_not_expected(sides: Sides) -> None:
    collide = [kept("a", "old", rank=b"1"), kept("a", "new", rank=b"2"), kept("b")]
    sides.write(collide, [result("a", "new"), result("b")])
    Ledger(sides.expected).superseded("latest")
    assert is_equal(sides.compare())
    sides.write(collide, [result("a", "old"), result("b")])
    assert sides.compare().different == 1


def test_what_the_table_refused_is_not_expected(sides: Sides) -> None:
    sides.write([kept(name) for name in "abc"], [result("a")])
    sides.quarantined.write_text(
        json.dumps({"key": key_text("b"), "reason": "refused-by-table", "item": key("b")})
        + "\n"
        + '{"key":{"id":{"S":"c"}},"reason":"refused-by-table"}\n'
        + json.dumps({"key": key_text("b"), "reason": "refused-by-table"})
        + "\n"
    )
    found = sides.compare()
    assert is_equal(found)
    assert found.expected_count == 1


def test_a_torn_line_of_the_quarantine_takes_nothing_away(sides: Sides) -> None:
    sides.write([kept("a")], [])
    sides.quarantined.write_text(json.dumps({"key": key_text("a")})[:-3])
    assert sides.compare().missing == 1


def test_a_refused_item_that_is_in_the_table_is_extra(sides: Sides) -> None:
    sides.write([kept("a")], [result("a")])
    sides.quarantined.write_text(json.dumps({"key": key_text("a")}) + "\n")
    assert sides.compare().extra == 1


def test_what_an_earlier_comparison_found_is_replaced(sides: Sides) -> None:
    sides.write([kept("a")], [])
    assert sides.compare().missing == 1
    sides.write([kept("a")], [result("a")])
    assert is_equal(sides.compare())
    assert sides.lines() == []
    assert duckdb_rows(sides) == []


def test_joining_in_batches_finds_the_same(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    sides.write([kept(name) for name in NAMES], [result(name, "x") for name in NAMES[5:]])
    whole = sides.compare()
    lines = sides.lines()
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    assert sides.compare() == whole
    assert sides.lines() == lines
    assert (whole.missing, whole.different) == (5, 55)


def test_the_first_differences_are_few_and_the_files_have_all(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHOWN", 3)
    sides.write([kept(name) for name in NAMES], [])
    found = sides.compare()
    assert len(found.first) == 3
    assert len(sides.lines()) == 60


def test_every_check_can_be_run_again_by_hand(sides: Sides) -> None:
    sides.write([kept(name) for name in NAMES], [result(name) for name in NAMES[1:]])
    sides.quarantined.write_text(json.dumps({"key": key_text(NAMES[2])}) + "\n")
    found = sides.compare()
    again = {name: duckdb.execute(sql).fetchall() for name, sql in found.sql.items()}
    assert again["row count"] == [(59, 59)]
    assert again["checksum"] == [(found.expected_checksum, found.actual_checksum)]
    assert sorted(row[:2] for row in again["differing items"]) == [
        ("extra", key_text(NAMES[2])),
        ("missing", key_text(NAMES[0])),
    ]


def test_nothing_is_left_behind_but_the_files(sides: Sides) -> None:
    sides.write([kept("a")], [])
    sides.compare()
    names = sorted(path.name for path in sides.folder.rglob("*") if path.is_file())
    parts = ["00000.parquet", "00001.parquet"] * 2
    assert names == sorted([*parts, "diff.jsonl", "diff.parquet"])


def duckdb_rows(sides: Sides) -> list[tuple[Any, ...]]:
    path = str(sides.folder / "ledger" / "diff.parquet").replace("[", "[[]").replace("*", "[*]")
    return duckdb.execute("select * from read_parquet(?)", [path.replace("?", "[?]")]).fetchall()
