"""``explore.duckdb``: every view can be read, from any folder, by whoever opens the file."""

from pathlib import Path

import duckdb
import pytest

from retable.runner.engine.rejects import RejectWriter
from retable.runner.ledger.questions import Ledger
from retable.runner.ledger.write_ledger import ItemWriter
from retable.runner.runs.folder import RunFolder, new_folder
from retable.runner.verify.compare import compare
from retable.runner.verify.explore import write_explorable
from retable.schema.reasons import Reason
from retable.transforms.item_outcome import Rejected
from support.ledgers import as_line, kept, result, write_actual, write_data_file, write_ledger

LINE = as_line({"id": {"S": "a"}, "total": {"N": "1.5"}})


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return new_folder(tmp_path / "it's [a] *run", "0000-0000")


def rows(folder: RunFolder, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder.explorable), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_whole_run_can_be_explored(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    rejected = Rejected(Reason.MISSING_KEY, "absent")
    expected = write_ledger(run.expected("only"), [kept("a", rank=b"1"), kept("b"), rejected])
    Ledger(expected).superseded("latest")
    (run.quarantine / "expected").mkdir()
    with RejectWriter(run.quarantine / "expected/00000.jsonl") as writer:
        writer.add("data/0.json.gz", 3, b"{}", rejected)
    write_actual(run.actual, [result("a", "changed")])
    (run.actual / "items").mkdir()
    with ItemWriter(run.actual / "items/00000.parquet") as items:
        items.add(result("a", "changed"))
    compare(expected, quarantined=None, actual=run.actual, diff=run.diff)
    file = write_data_file(run.path / "0.json.gz", [LINE])
    write_explorable(run, "only", [file], None)
    monkeypatch.chdir("/")
    assert rows(run, "select number(item, 'total')::varchar from source") == [("1.500000000",)]
    assert rows(run, "select string(item, 'v') from target") == [("changed",)]
    assert rows(run, "select kind from differences order by kind") == [("different",), ("missing",)]
    assert rows(run, "select reason, source_line from rejects") == [("missing-key", 3)]
    for name, count in (("ledger", 3), ("actual", 1), ("expected", 2), ("superseded", 0)):
        assert rows(run, f"select count(*) from {name}") == [(count,)]  # noqa: S608 -- names above


def test_a_dry_run_alone_can_be_explored_and_again(run: RunFolder) -> None:
    write_ledger(run.expected("rehearsal"), [kept("a")])
    for _ in range(2):
        write_explorable(run, "rehearsal", [], None)
        assert rows(run, "select count(*) from ledger") == [(1,)]
        assert rows(run, "select count(*) from target") == [(0,)]


def test_a_folder_that_duckdb_cannot_write_to_does_not_stop_the_run(tmp_path: Path) -> None:
    run = new_folder(tmp_path / "who?", "0000-0000")
    write_ledger(run.expected("only"), [kept("a")])
    write_explorable(run, "only", [], None)
    assert not run.explorable.exists()
