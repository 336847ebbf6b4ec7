"""The quarantine of a load: what is in it, and what a resumed load makes of it."""

import json
from pathlib import Path

from retable.runner.export.datafile import CheckedFile
from retable.runner.load.progress_account import Block, Entry, FileState
from retable.runner.load.quarantine import Quarantine, read_quarantine
from retable.transforms.item_outcome import Result

RESULT = Result(
    item_json=b'{"id":{"S":"\xc3\xa9"},"n":{"N":"1.10"}}',
    key='{"id":{"S":"\u00e9"}}',
    digest=(1, 2),
    size=9,
)


def entry(file: str, line: int) -> Entry:
    """Return an item that is on its way from a line of ``file``."""
    state = FileState(CheckedFile(key=file, path=Path(), item_count=9, md5=""))
    return Entry(state, Block(), line, 0, RESULT)


def test_an_entry_names_its_line_and_keeps_the_item_exactly(tmp_path: Path) -> None:
    path = tmp_path / "load.jsonl"
    Quarantine(path, frozenset()).add(entry("data/a.json.gz", 7), "ValidationException")
    assert list(read_quarantine(path)) == [
        {
            "source_file": "data/a.json.gz",
            "source_line": 7,
            "ordinal": 0,
            "key": '{"id":{"S":"\u00e9"}}',
            "reason": "refused-by-table",
            "code": "ValidationException",
            "item": {"id": {"S": "\u00e9"}, "n": {"N": "1.10"}},
        }
    ]
    assert json.loads(path.read_bytes()) == next(read_quarantine(path))


def test_i2_only_the_items_of_finished_files_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "load.jsonl"
    first = Quarantine(path, frozenset())
    first.add(entry("a", 1), "ValidationException")
    first.add(entry("b", 1), "ValidationException")
    again = Quarantine(path, frozenset(["a"]))
    again.add(entry("b", 1), "ValidationException")
    assert [kept["source_file"] for kept in read_quarantine(path)] == ["a", "b"]


def test_i2_a_line_torn_at_any_byte_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "load.jsonl"
    Quarantine(path, frozenset()).add(entry("a", 1), "ValidationException")
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole + whole[:length])
        assert len(list(read_quarantine(path))) == 1
        Quarantine(path, frozenset(["a"]))
        assert path.read_bytes() == whole


def test_no_file_is_an_empty_quarantine(tmp_path: Path) -> None:
    assert list(read_quarantine(tmp_path / "none.jsonl")) == []


def test_i2_the_items_up_to_a_mark_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "load.jsonl"
    first = Quarantine(path, frozenset())
    for line in (3, 8, 9):
        first.add(entry("a", line), "ValidationException")
    Quarantine(path, frozenset(), {"a": 8})
    assert [kept["source_line"] for kept in read_quarantine(path)] == [3, 8]
