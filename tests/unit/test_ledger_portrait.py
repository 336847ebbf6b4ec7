"""What the items are like, asked of the ledger: largest, hottest, rejected."""

from pathlib import Path

import orjson
import pytest

from retable.runner.engine.rejects import RejectWriter
from retable.runner.ledger.portrait import hottest_partitions, reject_groups, sizes_for_report
from retable.runner.ledger.questions import Ledger
from retable.runner.report.item_figures import RejectGroup, SizedItem
from retable.schema.reasons import Reason
from retable.transforms.item_outcome import Dropped, Kept, Rejected, Result
from support.ledgers import write_ledger


def sized(name: str, size: int) -> Kept:
    return Kept((Result(b"{}", orjson.dumps({"id": {"S": name}}).decode(), (0, 0), size),))


def paired(partition: str, sort: int, size: int = 100, name: str = "id") -> Kept:
    key = orjson.dumps({name: {"S": partition}, "at": {"N": str(sort)}}).decode()
    return Kept((Result(b"{}", key, (0, 0), size),))


def test_the_largest_items_are_named_with_their_lines(tmp_path: Path) -> None:
    folder = write_ledger(tmp_path / "it's", [sized("a", 10), sized("b", 400_000), Dropped()])
    write_ledger(folder, [sized("c", 5_000)], part=1)
    found = sizes_for_report(folder, Ledger(folder).sizes(), 2)
    assert (found.items, found.bytes, found.largest) == (3, 405_010, 400_000)
    assert found.largest_items == (
        SizedItem(key={"id": {"S": "b"}}, bytes=400_000, place="data/0.json.gz:2"),
        SizedItem(key={"id": {"S": "c"}}, bytes=5_000, place="data/1.json.gz:1"),
    )
    assert sum(bar.items for bar in found.histogram) == 3


@pytest.mark.parametrize("name", ["id", "a/b~c", "it's", "d.e[0]"])
def test_the_hottest_partitions_are_those_with_most_write_units(tmp_path: Path, name: str) -> None:
    rows = [paired("many", number, name=name) for number in range(5)]
    rows += [paired("large", 1, 20_000, name), paired("small", 1, 1, name)]
    found = hottest_partitions(write_ledger(tmp_path, rows), name, 2)
    assert (found.keys, found.write_units) == (3, 5 + 20 + 1)
    told = [(one.key[name]["S"], one.items, one.write_units) for one in found.hottest]
    assert told == [("large", 1, 20), ("many", 5, 5)]


def test_an_empty_ledger_has_no_partitions(tmp_path: Path) -> None:
    assert hottest_partitions(write_ledger(tmp_path, []), "id", 5).keys == 0


def write_rejects(folder: Path, part: int, rejects: list[Rejected]) -> None:
    folder.mkdir(exist_ok=True)
    with RejectWriter(folder / f"{part:05d}.jsonl") as writer:
        for number, rejected in enumerate(rejects, 1):
            writer.add(f"data/{part}.json.gz", number, b'{"Item":{}}', rejected)


def test_rejects_are_told_by_reason_and_attribute_most_frequent_first(tmp_path: Path) -> None:
    absent = Rejected(Reason.MISSING_KEY, "key attribute 'id' is absent")
    empty = Rejected(Reason.EMPTY_KEY, "key attribute 'id' is empty")
    write_rejects(tmp_path / "q", 0, [empty, absent, absent])
    write_rejects(tmp_path / "q", 1, [absent] * 3)
    found = reject_groups(tmp_path / "q", tmp_path / "spill", 10)
    assert found == (
        RejectGroup(
            reason="missing-key",
            detail="key attribute 'id' is absent",
            items=5,
            examples=("data/0.json.gz:2", "data/0.json.gz:3", "data/1.json.gz:1"),
        ),
        RejectGroup(
            reason="empty-key",
            detail="key attribute 'id' is empty",
            items=1,
            examples=("data/0.json.gz:1",),
        ),
    )
    assert reject_groups(tmp_path / "q", tmp_path / "spill", 1) == found[:1]


def test_no_rejects_are_no_groups(tmp_path: Path) -> None:
    assert reject_groups(tmp_path, tmp_path / "spill", 10) == ()
