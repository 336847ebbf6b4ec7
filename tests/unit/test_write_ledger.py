"""The ledger's files: what is in them, that DuckDB agrees, and that they are whole or absent."""

from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet

from retable.runner.ledger import write_ledger as module
from retable.runner.ledger.write_ledger import ItemWriter, LedgerWriter, is_readable
from retable.schema.reasons import Reason
from retable.transforms.item_outcome import Dropped, Kept, Rejected
from support.ledgers import kept, result, write_actual, write_ledger

REJECTED = Rejected(Reason.MALFORMED_LINE, "no JSON")


def test_each_outcome_has_its_row(tmp_path: Path) -> None:
    write_ledger(tmp_path, [kept("a", rank=b"\x01"), Dropped(), REJECTED])
    rows = parquet.read_table(tmp_path / "00000.parquet").to_pylist()
    made = result("a")
    assert [(row["source_line"], row["ordinal"], row["outcome"]) for row in rows] == [
        (1, 0, "kept"),
        (2, 0, "dropped"),
        (3, 0, "rejected"),
    ]
    assert (rows[0]["key"], rows[0]["digest_hi"], rows[0]["digest_lo"]) == (made.key, *made.digest)
    assert (rows[0]["size"], rows[0]["rank"], rows[0]["reason"]) == (100, b"\x01", None)
    assert (rows[1]["key"], rows[1]["digest_hi"], rows[1]["size"]) == (None, None, None)
    assert rows[2]["reason"] == "malformed-line"


def test_each_result_of_a_line_has_its_ordinal(tmp_path: Path) -> None:
    write_ledger(tmp_path, [Kept((result("a"), result("b"))), Kept(())])
    rows = parquet.read_table(tmp_path / "00000.parquet").to_pylist()
    found = [(row["source_line"], row["ordinal"], row["key"]) for row in rows]
    assert found == [(1, 0, result("a").key), (1, 1, result("b").key), (2, 0, None)]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"abc",
        b'{"Item":{"a":{"S":"x"}}}',
        '{"Item": {"ü": {"S": "\U0001f600 \\u00e9 \u2028"}}} '.encode(),
        b"x" * 3_000_000,
    ],
    ids=["empty", "three letters", "item", "unicode, escapes and spaces", "three megabytes"],
)
def test_duckdb_gives_a_line_the_same_md5(tmp_path: Path, line: bytes) -> None:
    write_ledger(tmp_path, [kept("a"), kept("b")], lines=[line, line])
    ((same, rows),) = duckdb.execute(
        """select count(*) filter (line_md5_lower = md5_number_lower($line)
          and line_md5_upper = md5_number_upper($line)), count(*) from read_parquet($path)""",
        {"line": line.decode(), "path": str(tmp_path / "00000.parquet")},
    ).fetchall()
    assert (same, rows) == (2, 2)


def test_a_rejected_line_that_is_no_text_has_no_md5(tmp_path: Path) -> None:
    write_ledger(tmp_path, [kept("a"), REJECTED, REJECTED], lines=[b"{}", b"\xff", b"text"])
    lower = parquet.read_table(tmp_path / "00000.parquet").column("line_md5_lower").to_pylist()
    assert [half is None for half in lower] == [False, True, False]


@pytest.mark.parametrize(
    ("line", "readable"),
    [
        (b"text", True),
        (b" ", True),
        (b"", False),
        (b"\xff", False),
        (b"a\x1f\x1e\x1f\x1eb", False),
        (b"x" * module.MAX_LINE_BYTES, True),
        (b"x" * (module.MAX_LINE_BYTES + 1), False),
    ],
    ids=["text", "space", "blank", "no utf-8", "separator", "longest", "too long"],
)
def test_what_the_independent_counter_can_read(line: bytes, *, readable: bool) -> None:
    assert is_readable(line) is readable


def test_more_rows_than_fit_a_group_are_all_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS_HELD", 2)
    monkeypatch.setattr(module, "ROWS_PER_GROUP", 3)
    write_ledger(tmp_path, [kept(str(n)) if n % 4 else REJECTED for n in range(10)])
    file = parquet.ParquetFile(tmp_path / "00000.parquet")
    assert file.num_row_groups == 3
    assert file.read().column("source_line").to_pylist() == list(range(1, 11))


def test_no_row_gives_a_file_that_can_be_read(tmp_path: Path) -> None:
    write_ledger(tmp_path, [])
    write_actual(tmp_path, [], part=1)
    assert parquet.read_table(tmp_path / "00000.parquet").schema == module.LEDGER_SCHEMA
    assert parquet.read_table(tmp_path / "00001.parquet").schema == module.ACTUAL_SCHEMA


def test_i7_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    outcomes = [kept(str(n), rank=b"r") for n in range(100)]
    first, second = (
        write_ledger(tmp_path / name, outcomes) / "00000.parquet" for name in ("a", "b")
    )
    assert first.read_bytes() == second.read_bytes()


def test_a_writer_that_is_killed_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "00000.parquet", "data/0.json.gz")
    writer.add(1, b"{}", kept("a"))
    assert not (tmp_path / "00000.parquet").exists()
    writer.close()
    writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["00000.parquet"]


def test_a_writer_left_by_an_exception_leaves_nothing_and_keeps_the_old_file(
    tmp_path: Path,
) -> None:
    old = write_ledger(tmp_path, [kept("a")]) / "00000.parquet"
    before = old.read_bytes()

    def fail() -> None:
        with LedgerWriter(old, "data/0.json.gz") as writer:
            writer.add(1, b"{}", kept("b"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["00000.parquet"]
    assert old.read_bytes() == before


def test_items_are_kept_as_text_beside_their_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ITEM_BYTES_HELD", 1)
    monkeypatch.setattr(module, "BYTES_PER_GROUP", 50)
    with ItemWriter(tmp_path / "00000.parquet") as writer:
        for name in "abc":
            writer.add(result(name, "ü"))
    file = parquet.ParquetFile(tmp_path / "00000.parquet")
    assert file.num_row_groups > 1
    assert file.read().to_pylist()[0] == {
        "key": '{"id":{"S":"a"}}',
        "item": '{"id":{"S":"a"},"v":{"S":"ü"}}',
    }


def test_a_column_of_numbers_is_absent_where_there_is_no_result(tmp_path: Path) -> None:
    write_ledger(tmp_path, [kept("a"), Dropped(), Kept(()), kept("b", rank=b"r"), REJECTED])
    table = parquet.read_table(tmp_path / "00000.parquet")
    for name in ("key", "digest_hi", "digest_lo", "size"):
        column = table.column(name)
        assert [value is None for value in column.to_pylist()] == [False, True, True, False, True]
        assert column.null_count == 3
    assert table.column("rank").to_pylist() == [None, None, None, b"r", None]
    table.validate(full=True)
