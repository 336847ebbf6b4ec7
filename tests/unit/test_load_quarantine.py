"""The quarantine of a load: what is in it, and what a resumed load makes of it."""

import json
from pathlib import Path

from retable.runner.load.quarantine import Quarantine, read_quarantine
from retable.transforms.outcome import Result

RESULT = Result(
    item_json=b'{"id":{"S":"\xc3\xa9"},"n":{"N":"1.10"}}',
    key='{"id":{"S":"\u00e9"}}',
    digest=(1, 2),
    size=9,
)


def test_an_entry_names_its_line_and_keeps_the_item_exactly(tmp_path: Path) -> None:
    path = tmp_path / "load.jsonl"
    Quarantine(path, frozenset()).add("data/a.json.gz", 7, 0, RESULT, "ValidationException")
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
    first.add("a", 1, 0, RESULT, "ValidationException")
    first.add("b", 1, 0, RESULT, "ValidationException")
    again = Quarantine(path, frozenset(["a"]))
    again.add("b", 1, 0, RESULT, "ValidationException")
    assert [entry["source_file"] for entry in read_quarantine(path)] == ["a", "b"]


def test_i2_a_line_torn_at_any_byte_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "load.jsonl"
    Quarantine(path, frozenset()).add("a", 1, 0, RESULT, "ValidationException")
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole + whole[:length])
        assert len(list(read_quarantine(path))) == 1
        Quarantine(path, frozenset(["a"]))
        assert path.read_bytes() == whole


def test_no_file_is_an_empty_quarantine(tmp_path: Path) -> None:
    assert list(read_quarantine(tmp_path / "none.jsonl")) == []
