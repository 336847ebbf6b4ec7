"""Reading the table back: every segment, every page, and nothing half done."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import parquet

from retable.runner.failure import CheckFailed, Stopped
from retable.runner.progress import NoProgress
from retable.runner.verify.scan_back import Scanner, read_table
from retable.schema.spec import KeyAttribute, KeySchema, TypedItem
from retable.transforms.describe import describe_item

KEY = KeySchema(partition=KeyAttribute("id", "S"))
Pages = list[list[TypedItem]]


class Table:
    """A table whose segments hold these pages; a ``None`` page is where the scan fails."""

    def __init__(self, segments: list[Pages | None]) -> None:
        self.segments = segments
        self.asked: list[tuple[str, int, int, bool]] = []

    def scan_pages(
        self, table: str, *, segment: int, segments: int, consistent: bool = True
    ) -> Iterator[list[TypedItem]]:
        self.asked.append((table, segment, segments, consistent))
        pages = self.segments[segment]
        if pages is None:
            message = "throttled"
            raise Stopped(message)
        yield from pages


class Counting(NoProgress):
    def __init__(self) -> None:
        self.seen: list[tuple[int, int | None, str]] = []

    def advance(self, done: int, total: int | None, unit: str) -> None:
        self.seen.append((done, total, unit))


def item(name: str) -> TypedItem:
    return {"id": {"S": name}, "total": {"N": "1.5"}}


def read(table: Scanner, folder: Path, *, items: bool = False, segments: int = 2) -> int:
    return read_table(
        table,
        "orders",
        KEY,
        folder,
        segments=segments,
        items=folder / "items" if items else None,
        progress=NoProgress(),
    )


def test_every_page_of_every_segment_is_read_consistently(tmp_path: Path) -> None:
    table = Table([[[item("a"), item("b")], [], [item("c")]], [[item("d")]], []])
    assert read(table, tmp_path, segments=3) == 4
    assert sorted(table.asked) == [("orders", segment, 3, True) for segment in range(3)]
    rows = parquet.read_table(tmp_path / "00000.parquet").to_pylist()
    made = describe_item(item("a"), KEY)
    assert rows[0] == {
        "key": made.key,
        "digest_hi": made.digest[0],
        "digest_lo": made.digest[1],
        "size": made.size,
    }
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["00000.parquet", "00001.parquet", "00002.parquet"]


def test_the_items_are_kept_where_queries_need_them(tmp_path: Path) -> None:
    read(Table([[[item("a")]], [[item("b")]]]), tmp_path, items=True)
    rows = parquet.read_table(tmp_path / "items" / "00001.parquet").to_pylist()
    made = describe_item(item("b"), KEY)
    assert rows == [{"key": made.key, "item": made.item_json.decode()}]


def test_reading_again_replaces_what_was_read(tmp_path: Path) -> None:
    read(Table([[[item("a")]], []]), tmp_path)
    read(Table([[], []]), tmp_path)
    assert parquet.read_table(tmp_path / "00000.parquet").num_rows == 0


def test_progress_counts_over_all_segments(tmp_path: Path) -> None:
    counting = Counting()
    table = Table([[[item("a"), item("b")]], [[item("c")]]])
    read_table(table, "orders", KEY, tmp_path, segments=2, items=None, progress=counting)
    assert counting.seen[-1] == (3, None, "items")


def test_a_failed_segment_fails_the_read_and_leaves_no_file_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="throttled"):
        read(Table([None, []]), tmp_path, items=True)
    assert not (tmp_path / "00000.parquet").exists()
    assert not list((tmp_path / "items").glob("00000*"))


def test_a_failed_segment_stops_the_others_at_their_next_page(tmp_path: Path) -> None:
    class Endless(Table):
        def scan_pages(self, *_: object, **scan: object) -> Iterator[list[TypedItem]]:
            if scan["segment"] == 0:
                going.wait()
                message = "throttled"
                raise Stopped(message)
            while True:
                yield [item("a")]
                going.set()

    going = threading.Event()
    with pytest.raises(Stopped, match="throttled"):
        read(Endless([]), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_item_is_a_finding_that_names_no_value(tmp_path: Path) -> None:
    table = Table([[[{"name": {"S": "secret"}}]], []])
    with pytest.raises(CheckFailed) as failure:
        read(table, tmp_path)
    assert str(failure.value) == "the table orders holds an item that is not a valid DynamoDB item"
