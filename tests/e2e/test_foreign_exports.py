"""``kind: files`` through the installed command: Parquet into a table that is proved."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from support.command import migrate

SPEC = """
spec: 1
name: from-files
source:
  table: things
  region: eu-west-1
  export:
    kind: files
    format: parquet
    location: lake/
    columns: {{id: S, n: N, tags: SS}}
    {more}
target:
  table: things-v2
  key: {{partition: {{name: n, type: N}}}}
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  seed: seed.jsonl
"""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Return a folder with Parquet files as Spark leaves them."""
    folder = tmp_path / "lake"
    folder.mkdir()
    for part in range(2):
        numbers = range(part * 10, part * 10 + 10)
        table = pa.table(
            {
                "id": [f"o-{n}" for n in numbers],
                "n": [str(n) for n in numbers],
                "tags": [["a", "b"] for _ in numbers],
                "note": [None for _ in numbers],
            }
        )
        parquet.write_table(table, folder / f"part-{part}.snappy.parquet")
    (folder / "_SUCCESS").touch()
    (tmp_path / "seed.jsonl").write_text('{"Item":{"id":{"S":"o-1"}}}\n', "utf-8")
    return folder


def test_parquet_files_become_a_table_that_is_proved(tmp_path: Path, lake: Path) -> None:
    del lake
    spec = tmp_path / "things.migrate.yaml"
    spec.write_text(SPEC.format(more="accept: [nulls-as-absent]"), "utf-8")
    dry = migrate("run", spec, "--dry-run", cwd=tmp_path)
    assert dry.code == 0, dry.err
    assert dry.report["counts"]["kept"] == 20
    ended = migrate("run", spec, "--sandbox", "--yes", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert ended.report["verdict"] == "passed"
    assert ended.report["counts"]["loaded"] == 20
    assert "make an export of the parquet files in lake/" in ended.err


def test_what_is_not_accepted_exits_1_before_anything_is_mapped(tmp_path: Path, lake: Path) -> None:
    del lake
    spec = tmp_path / "things.migrate.yaml"
    spec.write_text(SPEC.format(more="count: 20"), "utf-8")
    ended = migrate("run", spec, "--dry-run", cwd=tmp_path)
    assert ended.code == 1
    assert "nulls-as-absent (note): a null is read as absent" in ended.err
    assert "accept: [nulls-as-absent]" in ended.err


def test_files_show_nothing_of_a_table_that_is_to_be_deleted(tmp_path: Path, lake: Path) -> None:
    """I1: the export behind a delete is of the frozen table."""
    del lake
    spec = tmp_path / "things.migrate.yaml"
    text = SPEC.format(more="count: 20").replace("things-v2", "things")
    spec.write_text(text + "rebuild: {strategy: replace}\n", "utf-8")
    ended = migrate("run", spec, "--sandbox", "--yes", "--allow-delete", "things", cwd=tmp_path)
    assert ended.code == 2
    assert "kind: files with a freeze" in ended.err
