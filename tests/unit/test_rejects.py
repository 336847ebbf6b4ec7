"""The file of rejected lines: whole or absent."""

from pathlib import Path

import orjson
import pytest

from retable.runner.engine.rejects import RejectWriter
from retable.schema.reasons import Reason
from retable.transforms.item_outcome import Rejected

REJECTED = Rejected(Reason.MALFORMED_ITEM, "the attribute \ud800 is no DynamoDB value")


def test_without_a_reject_there_is_no_file(tmp_path: Path) -> None:
    with RejectWriter(tmp_path / "00000.jsonl"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_appears_under_its_name_only_when_whole(tmp_path: Path) -> None:
    with RejectWriter(tmp_path / "00000.jsonl") as rejects:
        rejects.add("data/a.json.gz", 3, b"x", REJECTED)
        assert [path.name for path in tmp_path.iterdir()] == ["00000.jsonl.part"]
    assert [path.name for path in tmp_path.iterdir()] == ["00000.jsonl"]


def test_a_pass_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _fail(tmp_path / "00000.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_unicode_is_still_told(tmp_path: Path) -> None:
    path = tmp_path / "00000.jsonl"
    with RejectWriter(path) as rejects:
        rejects.add("data/a.json.gz", 3, b"x", REJECTED)
    assert orjson.loads(path.read_bytes()) == {
        "source_file": "data/a.json.gz",
        "source_line": 3,
        "reason": "malformed-item",
        "detail": r"the attribute \ud800 is no DynamoDB value",
        "line": "x",
    }


def _fail(path: Path) -> None:
    """Write a reject and fail before the end."""
    with RejectWriter(path) as rejects:
        rejects.add("data/a.json.gz", 3, b"x", REJECTED)
        raise KeyboardInterrupt
