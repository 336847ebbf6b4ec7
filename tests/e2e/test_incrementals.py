"""Incremental exports on top of a full one, through the installed command."""

import json
from pathlib import Path

import duckdb
import pytest

from support.command import Ended, migrate, standing_sandbox
from support.dynamodb_wire import Wire
from support.history import History, busy_history

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/things"
SPEC = """
spec: 1
name: things-as-of-now
source:
  table: things
  region: eu-west-1
  export: {{kind: native, location: exports/, id: {id}, incrementals: {added}}}
target:
  table: things-v2
  key: {{partition: {{name: mail, type: S}}}}
transform:
  where: v != `9`
  fields: {{mail: "join('@', [id, 'example.org'])"}}
verify:
  queries:
    - {{name: the source is the merged one, sql: select count(*) from source, expect: {items}}}
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  seed: things.jsonl
"""


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Return one of 200 items, most of which change in one of three windows of ten seconds."""
    return busy_history(tmp_path / "exports", ARN)


def write_spec(history: History, full: str, added: object = "all") -> Path:
    """Write a spec of that full export and those on top of it, and the seed of the sandbox."""
    folder = history.root.parent
    (folder / "things.jsonl").write_text('{"Item":{"id":{"S":"o-0"}}}\n', "utf-8")
    spec = folder / "things.migrate.yaml"
    items = len(history.table(40))
    spec.write_text(SPEC.format(id=full, added=added, items=items), "utf-8")
    return spec


def all_windows(history: History) -> tuple[str, list[str]]:
    """Export everything: JSON and Ion, both views; return the ids."""
    full = history.full(10)
    windows = [
        history.window(20, 30, "ION"),
        history.window(10, 20, view="NEW_IMAGE"),
        history.window(30, 40),
    ]
    return full.id, [made.id for made in windows]


def require_account(ended: Ended, history: History) -> None:
    """Every item of the table as of second 40 is loaded or dropped, and the report says of what."""
    assert ended.code == 0, ended.err
    table = history.table(40)
    nines = sum(item["v"] == {"N": "9"} for item in table.values())
    counts = ended.report["counts"]
    assert (counts["read"], counts["dropped"], counts["rejected"]) == (len(table), nines, 0)
    assert counts["kept"] == len(table) - nines
    note = f"200 items of the full export and 161 changes make {len(table)} items"
    assert any(told.startswith(note) for told in ended.report["notes"])


@pytest.mark.parametrize("named", ["all", "by id"])
def test_a_run_rebuilds_the_table_as_of_the_last_window(
    history: History, tmp_path: Path, named: str
) -> None:
    full, windows = all_windows(history)
    spec = write_spec(history, full, "all" if named == "all" else windows)
    require_account(migrate("run", spec, "--dry-run", cwd=tmp_path), history)
    ended = migrate("run", spec, "--sandbox", "--yes", cwd=tmp_path)
    require_account(ended, history)
    report = ended.report
    assert report["differences"] == {"missing": 0, "extra": 0, "different": 0}
    assert [check["outcome"] for check in report["checks"]] == ["passed"] * 6
    assert report["steps"][0]["title"] == (
        f"use the finished export {full} and 3 incremental ones, {windows[1]} to {windows[2]}"
    )
    kinds = [step["kind"] for step in report["steps"]]
    assert kinds[:4] == ["UseExport", "CheckExport", "MergeExports", "DryRun"]


def test_a_gap_exits_1_and_names_both_exports(history: History, tmp_path: Path) -> None:
    full, last = history.full(10), history.window(20, 30)
    for added in ("all", [last.id]):
        spec = write_spec(history, full.id, added)
        ended = migrate("run", spec, "--dry-run", cwd=tmp_path)
        assert ended.code == 1
        assert f"a gap of 10 s between export {full.id}" in ended.err
        assert last.id in ended.err


def test_an_overlap_is_reported_before_the_plan_is_approved(
    history: History, tmp_path: Path
) -> None:
    full, over = history.full(10), history.window(5, 20)
    history.window(20, 30)
    history.window(30, 40)
    spec = write_spec(history, full.id)
    planned = migrate("plan", spec, "--sandbox", cwd=tmp_path)
    assert planned.code == 0, planned.err
    told = f"export {over.id} overlaps export {full.id} by 5 s"
    assert told in planned.out
    ended = migrate("run", spec, "--dry-run", cwd=tmp_path)
    assert any(note.startswith(told) for note in ended.report["notes"])


def test_incremental_exports_need_a_full_one(history: History, tmp_path: Path) -> None:
    window = history.window(10, 20)
    spec = write_spec(history, window.id)
    ended = migrate("run", spec, "--dry-run", cwd=tmp_path)
    assert ended.code == 2
    assert f"export {window.id} is incremental; source.export.id names a full export" in ended.err
    spec.write_text(spec.read_text("utf-8").replace(f"id: {window.id}, ", ""), "utf-8")
    ended = migrate("run", spec, "--dry-run", cwd=tmp_path)
    assert ended.code == 2
    assert "no finished export of things is available" in ended.err


def test_a_damaged_file_of_a_window_exits_1_and_is_named(history: History, tmp_path: Path) -> None:
    full, window = history.full(10), history.window(10, 40)
    path = window.data()
    path.write_bytes(path.read_bytes()[:-3])
    ended = migrate("run", write_spec(history, full.id), "--dry-run", cwd=tmp_path)
    assert ended.code == 1
    assert f"data file {window.entries()[0]['dataFileS3Key']}: MD5 is" in ended.err
    (journal,) = tmp_path.glob(".migrate/*/journal.jsonl")
    events = [json.loads(line) for line in journal.read_bytes().splitlines()]
    assert not [event for event in events if event["step"] == "merge-only"]


def test_exports_that_the_service_makes_are_merged_from_s3(tmp_path: Path) -> None:
    """The sandbox keeps a log of changes and exports windows of it, as the service does."""
    spec = tmp_path / "things.migrate.yaml"
    (tmp_path / "things.jsonl").write_text(
        "".join(f'{{"Item":{{"id":{{"S":"o-{n}"}},"v":{{"N":"0"}}}}}}\n' for n in range(40)),
        "utf-8",
    )
    text = SPEC.format(id="ID", added="all", items=30)
    text = text.replace("exports/, id: ID", "s3://acme-exports/things/, format: ion")
    spec.write_text(text + "  settings: {point_in_time_recovery: true}\n", "utf-8")
    with standing_sandbox(spec) as env, Wire(env["AWS_ENDPOINT_URL"]) as wire:
        (full,) = wire.done("ListExports", {"TableArn": ARN})["ExportSummaries"]
        described = wire.done("DescribeExport", {"ExportArn": full["ExportArn"]})
        moment = described["ExportDescription"]["ExportTime"]
        for number in range(20):
            key = {"id": {"S": f"o-{number}"}}
            if number % 2:
                wire.done("PutItem", {"TableName": "things", "Item": {**key, "v": {"N": "1"}}})
            else:
                wire.done("DeleteItem", {"TableName": "things", "Key": key})
            if number in {6, 13, 19}:
                made = wire.done(
                    "ExportTableToPointInTime",
                    {
                        "TableArn": ARN,
                        "S3Bucket": "acme-exports",
                        "S3Prefix": "things",
                        "ExportType": "INCREMENTAL_EXPORT",
                        "ExportFormat": "ION" if number == 6 else "DYNAMODB_JSON",
                        "IncrementalExportSpecification": {"ExportFromTime": moment},
                    },
                )["ExportDescription"]
                assert made.get("FailureCode") is None
                moment = made["IncrementalExportSpecification"]["ExportToTime"]
        ended = migrate("run", spec, "--yes", cwd=tmp_path, env=env)
        assert ended.code == 0, ended.err
        left = wire.done("Scan", {"TableName": "things-v2"})["Items"]
    assert len(left) == ended.report["counts"]["loaded"] == 30
    assert sum(item["v"] == {"N": "1"} for item in left) == 10
    assert "3 incremental ones" in ended.report["steps"][0]["title"]


def ledger_of(folder: Path) -> list[tuple[object, ...]]:
    """Return every row of the newest run's ledger."""
    found = max(folder.glob(".migrate/*/ledger/expected"), key=lambda path: path.stat().st_mtime_ns)
    return (
        duckdb.connect()
        .execute(f"select * from read_parquet('{found}/[0-9]*.parquet') order by all")  # noqa: S608
        .fetchall()
    )


def test_a_merge_is_the_same_however_its_exports_are_listed(
    history: History, tmp_path: Path
) -> None:
    """I7: the ledger does not depend on the order in which they are named."""
    full, windows = all_windows(history)
    seen = []
    for order in (windows, windows[::-1]):
        ended = migrate("run", write_spec(history, full, order), "--dry-run", cwd=tmp_path)
        assert ended.code == 0, ended.err
        seen.append(ledger_of(tmp_path))
    assert seen[0] == seen[1]
