"""Exports by scan, through the installed command on the sandbox."""

from pathlib import Path

import duckdb
import pytest
from e2e.test_native_exports import ALL_TYPES, require_passed, write_spec

from support.command import migrate, standing_sandbox


def test_a_table_without_recovery_is_rebuilt_by_scan(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, "{kind: scan, segments: 3, rate: 100000}")
    text = spec.read_text("utf-8")
    spec.write_text(text.replace("  settings: {point_in_time_recovery: true}\n", ""), "utf-8")
    ended = migrate("run", spec, "--sandbox", "--yes", cwd=tmp_path)
    require_passed(ended)
    assert "a consistent scan of things in 3 segments at 100,000 read units a second" in ended.err
    assert "a scan is not a snapshot" in ended.err


def test_a_frozen_table_is_scanned_again_before_it_is_deleted(tmp_path: Path) -> None:
    """I1: the final scan began after the fence, and its export is checked like any other."""
    spec = write_spec(tmp_path, "{kind: scan, segments: 2}")
    text = spec.read_text("utf-8").replace("things-v2", "things")
    spec.write_text(text + "rebuild: {strategy: replace}\n", "utf-8")
    ended = migrate("run", spec, "--sandbox", "--yes", "--allow-delete", "things", cwd=tmp_path)
    require_passed(ended)
    made = sorted(tmp_path.glob(".migrate/*/scan/AWSDynamoDB/*/manifest-summary.json"))
    assert len(made) == 2


@pytest.mark.parametrize("location", ["s3://acme-exports/scans/", "scans/"])
def test_a_scan_and_a_native_export_of_one_table_give_identical_ledgers(
    tmp_path: Path, location: str
) -> None:
    native = "{kind: native, location: 's3://acme-exports/native/'}"
    spec = write_spec(tmp_path, native)
    ledgers = []
    with standing_sandbox(spec) as env:
        for export in (native, f"{{kind: scan, location: '{location}', segments: 5}}"):
            text = write_spec(tmp_path, export).read_text("utf-8")
            assert export in text
            made = migrate("export", spec, cwd=tmp_path, env=env)
            assert made.code == 0, made.err
            ended = migrate(
                "run", spec, "--dry-run", "--run-dir", made.out.strip(), cwd=tmp_path, env=env
            )
            assert ended.code == 0, ended.err
            ledgers.append(_rows(tmp_path / made.out.strip()))
    assert ledgers[0] == ledgers[1]
    assert len(ledgers[0]) == len(ALL_TYPES)


def _rows(run_dir: Path) -> list[tuple[object, ...]]:
    """Return the expected ledger of the only run in ``run_dir``, whatever file an item came from.

    A line's own digest differs with the order of its attributes, which no table keeps.
    """
    found = str(run_dir / "*" / "ledger" / "expected" / "[0-9]*.parquet")
    columns = "ordinal, outcome, reason, key, digest_hi, digest_lo, size, rank"
    query = f"select {columns} from read_parquet('{found}') order by all"  # noqa: S608 -- our own path
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()
