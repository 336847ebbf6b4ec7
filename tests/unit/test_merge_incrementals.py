"""Merging: what is refused, what is bounded, and what is written down."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from retable.runner.engine.local import map_files
from retable.runner.export.lines import read_lines
from retable.runner.export.merge_incrementals import Merged
from retable.runner.failure import CheckFailed
from retable.runner.ledger.independent import agree, count_export
from retable.runner.ledger.questions import Ledger
from retable.runner.progress import NoProgress
from retable.schema.spec import KeyAttribute, KeySchema, Transform
from retable.transforms.mapping import Mapping, Recipe
from support.exports import MadeExport, packed
from support.history import History
from support.merges import checked, items_of, merge

IDENTITY = Mapping(
    Recipe(
        where=None,
        templates=Transform().templates,
        key=KeySchema(partition=KeyAttribute("id", "S")),
    )
)


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Return one with five items; one was changed, one deleted and one put in each of two windows.

    The windows are from 10 to 20 and from 20 to 30.
    """
    history = History(tmp_path / "exports")
    for number in range(5):
        history.put(number, f"o-{number}", v={"N": "0"})
    history.put(12, "o-0", v={"N": "1"})
    history.delete(13, "o-1")
    history.put(14, "new-1")
    history.put(22, "o-0", v={"N": "2"})
    history.delete(23, "o-2")
    history.put(24, "o-1", v={"N": "3"})
    return history


def test_counts_and_ledger_say_what_became_of_every_line(history: History, tmp_path: Path) -> None:
    """I3: the ledger has every exported line, and the second counter agrees on all of them."""
    full, first, second = history.full(10), history.window(10, 20), history.window(20, 30)
    files = checked(full, first, second)
    merged, live = merge(tmp_path / "merge", files)
    assert merged == Merged(full=5, changes=6, outdated=5, deletions=1, merged=5)
    tally = map_files(
        IDENTITY,
        live,
        tmp_path / "ledger",
        tmp_path / "rejects",
        processes=1,
        progress=NoProgress(),
    )
    assert (tally.read, tally.kept) == (5, 5)
    ledger = Ledger(tmp_path / "ledger")
    counts = ledger.counts()
    assert (counts.read, counts.kept, counts.outdated, counts.results) == (5, 5, 6, 5)
    agree(count_export(live), ledger, *(made.open() for made in (full, first, second)))
    with pytest.raises(CheckFailed, match="manifest has 5 items, DuckDB counts 11 lines"):
        agree(count_export(live), ledger, full.open())


def test_no_line_at_all_is_outdated_where_nothing_was_changed(
    history: History, tmp_path: Path
) -> None:
    files = checked(history.full(10), history.window(10, 11))
    merged, live = merge(tmp_path / "merge", files)
    assert merged == Merged(full=5, changes=0, outdated=0, deletions=0, merged=5)
    assert all(file.outdated is None for file in live)


def test_a_table_that_was_emptied_is_empty(tmp_path: Path) -> None:
    history = History(tmp_path / "exports")
    history.put(1, "a")
    history.delete(12, "a")
    merged, live = merge(tmp_path / "merge", checked(history.full(10), history.window(10, 20)))
    assert merged == Merged(full=1, changes=1, outdated=1, deletions=1, merged=0)
    assert items_of(live) == []


def test_a_table_that_was_empty_is_filled(tmp_path: Path) -> None:
    history = History(tmp_path / "exports")
    history.put(12, "a")
    merged, live = merge(tmp_path / "merge", checked(history.full(10), history.window(10, 20)))
    assert merged == Merged(full=0, changes=1, outdated=0, deletions=0, merged=1)
    assert items_of(live) == [{"id": {"S": "a"}}]


def test_a_key_is_one_key_however_its_number_is_spelt(tmp_path: Path) -> None:
    """The exports may be in two formats, and one spells numbers in other ways."""
    history = History(tmp_path / "exports")
    history.put(1, "a", id={"N": "1000"})
    full, window = history.full(10), history.window(10, 20)
    line = b'{"Metadata":{},"Keys":{"id":{"N":"1e3"}},"NewImage":{"id":{"N":"1e3"}}}'
    window.set_data(packed([line]), 1)
    merged, _ = merge(tmp_path / "merge", checked(full, window))
    assert (merged.merged, merged.outdated) == (1, 1)


def test_what_an_earlier_merge_left_is_written_over(history: History, tmp_path: Path) -> None:
    folder = tmp_path / "merge"
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "window-99999.parquet").write_bytes(b"torn")
    (folder / "outdated.parquet").write_bytes(b"torn")
    files = checked(history.full(10), history.window(10, 20))
    merge(folder, files)
    once = (folder / "outdated.parquet").read_bytes()
    merge(folder, files)
    assert (folder / "outdated.parquet").read_bytes() == once
    assert sorted(path.name for path in folder.iterdir()) == ["outdated.parquet"]


def test_more_than_memory_holds_spills_to_the_disk(tmp_path: Path) -> None:
    """Half a million notes, merged within what a few thousand would need."""
    history = History(tmp_path / "exports")
    full, window = history.full(10), history.window(10, 20)
    count = 150_000
    full.set_data(packed(b'{"Item":{"id":{"S":"%d"}}}' % number for number in range(count)), count)
    form = b'{"Metadata":{},"Keys":{"id":{"S":"%d"}},"OldImage":{"id":{"S":"%d"}}}'
    window.set_data(packed(form % (number, number) for number in range(1, count, 2)), count // 2)
    merged, live = merge(tmp_path / "merge", checked(full, window), memory_limit="24MB")
    assert merged.merged == count // 2
    left = [line for file in live for line, _ in read_lines(file)]
    assert left == list(range(1, count + 1, 2))


def wrong(line: bytes) -> Callable[[MadeExport], None]:
    """Return what makes ``line`` the second one of a window."""

    def change(window: MadeExport) -> None:
        first = b'{"Metadata":{},"Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"}}}'
        window.set_data(packed([first, line]), 2)

    return change


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"Item":{"id":{"S":"b"}}}', "line 2 is not a change to an item: Metadata is missing"),
        (b"no json", "line 2 is not a change to an item: it is not a JSON object"),
        (
            b'{"Metadata":{},"Keys":{"id":{"S":"b"}}}',
            "line 2 is not a change to an item: it has neither OldImage nor NewImage",
        ),
        (
            b'{"Metadata":{},"Keys":{"other":{"S":"b"}},"OldImage":{}}',
            "its key attributes are 'other'; those of the first change are 'id'",
        ),
        (
            b'{"Metadata":{},"Keys":{"id":{"S":"b"},"sk":{"S":"b"}},"OldImage":{}}',
            "its key attributes are 'id', 'sk'; those of the first change are 'id'",
        ),
        (
            b'{"Metadata":{},"Keys":{"id":{"N":"x"}},"OldImage":{}}',
            "line 2 is not a change to an item",
        ),
    ],
)
def test_a_line_that_is_no_change_stops_the_merge_and_is_named(
    history: History, tmp_path: Path, line: bytes, words: str
) -> None:
    full, window = history.full(10), history.window(10, 20)
    wrong(line)(window)
    key = window.entries()[0]["dataFileS3Key"]
    with pytest.raises(CheckFailed, match=re.escape(words)) as failed:
        merge(tmp_path / "merge", checked(full, window))
    assert failed.value.message.startswith(f"data file {key}: ")
    assert not (tmp_path / "merge" / "outdated.parquet").exists()


def test_two_changes_of_one_item_in_one_window_are_refused(
    history: History, tmp_path: Path
) -> None:
    """Neither would be known to be the last word."""
    full, window = history.full(10), history.window(10, 20)
    wrong(b'{"Metadata":{},"Keys":{"id":{"S":"a"}},"OldImage":{"id":{"S":"a"}}}')(window)
    key = window.entries()[0]["dataFileS3Key"]
    wanted = f"two changes in one window: line 1 of data file {key} and line 2 of data file {key}"
    with pytest.raises(CheckFailed, match=wanted):
        merge(tmp_path / "merge", checked(full, window))


def test_a_line_of_the_full_export_that_is_no_item_is_left_to_the_mapping(
    history: History, tmp_path: Path
) -> None:
    full, window = history.full(10), history.window(10, 20)
    lines = [b"no json", b'{"Item":{"v":{"S":"no key"}}}', b'{"Item":{"id":{"S":"o-0"}}}', b"[]"]
    full.set_data(packed(lines), 4)
    for number, _ in enumerate(full.entries()[1:], 1):
        full.set_data(packed([], end=b""), 0, number)
    _, live = merge(tmp_path / "merge", checked(full, window))
    found = [line for file in live if file.view is None for _, line in read_lines(file)]
    assert found == [lines[0], lines[1], lines[3]]


def test_a_list_that_names_lines_beyond_a_file_is_not_believed(
    history: History, tmp_path: Path
) -> None:
    """It is of other exports than those that are read with it."""
    _, live = merge(tmp_path / "merge", checked(history.full(10), history.window(10, 20)))
    outdated = next(file.outdated for file in live if file.outdated)
    empty = next(file for file in live if not file.item_count)
    with pytest.raises(CheckFailed, match="the list of outdated lines names line 1, of 0"):
        list(read_lines(replace(empty, outdated=outdated)))
