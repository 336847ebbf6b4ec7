"""Exports that are damaged, and disks that are full: found by a dry run that needs no AWS."""

import json
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command import MIGRATE, Ended, clean_environment, migrate
from support.exports import MadeExport, make_export
from support.patience import PATIENCE_SECONDS

SPEC = """
spec: 1
name: local
source:
  table: orders
  export: {kind: native, location: ./export}
target:
  table: orders-v2
  key: {partition: {name: name, type: S}}
"""


@pytest.fixture
def export(tmp_path: Path) -> MadeExport:
    (tmp_path / "local.migrate.yaml").write_text(SPEC, "utf-8")
    return make_export(tmp_path / "export", 60)


def dry_run(folder: Path) -> Ended:
    return migrate("run", "local.migrate.yaml", "--dry-run", cwd=folder)


def test_a_dry_run_on_a_folder_needs_no_aws_at_all(tmp_path: Path, export: MadeExport) -> None:
    del export
    ended = dry_run(tmp_path)
    assert ended.code == 0, ended.err
    counts = ended.report["counts"]
    assert (counts["read"], counts["kept"], counts["dropped"], counts["rejected"]) == (60, 60, 0, 0)
    for word in ("read", "kept", "dropped", "rejected"):
        assert word in ended.out


def truncate(export: MadeExport) -> None:
    export.data().write_bytes(export.data().read_bytes()[:-10])


def remove(export: MadeExport) -> None:
    export.data().unlink()


def miscount(export: MadeExport) -> None:
    export.set_entry(0, itemCount=export.entries()[0]["itemCount"] + 1)


def misnumber(export: MadeExport) -> None:
    export.set_summary(itemCount=61)


def unsign(export: MadeExport) -> None:
    export.path("manifest-summary.json").write_bytes(b"{}")


FAULTS: dict[str, tuple[Callable[[MadeExport], None], str]] = {
    "a truncated data file": (truncate, "MD5"),
    "a manifest naming a missing file": (remove, ".json.gz"),
    "a file's count that disagrees": (miscount, "items"),
    "a summary's count that disagrees": (misnumber, "61"),
    "an altered manifest": (unsign, "manifest-summary"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_export_exits_1_and_names_the_file(
    tmp_path: Path, export: MadeExport, fault: str
) -> None:
    damage, said = FAULTS[fault]
    damage(export)
    ended = dry_run(tmp_path)
    assert ended.code == 1, ended.err
    assert said in ended.err


def test_colliding_keys_exit_1_and_are_named(tmp_path: Path, export: MadeExport) -> None:
    text = SPEC + """transform: {fields: {name: "'same'"}}\n"""
    (tmp_path / "local.migrate.yaml").write_text(text, "utf-8")
    del export
    ended = dry_run(tmp_path)
    assert ended.code == 1
    assert "1 target keys are made by more than one item (60 items)" in ended.err
    collisions = ended.report["collisions"]
    examples = collisions.pop("examples")
    assert collisions == {"keys": 1, "items": 60, "unresolved": 1}
    assert [(one["key"], one["items"]) for one in examples] == [({"name": {"S": "same"}}, 60)]


def test_no_available_export_exits_2_and_says_how_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "local.migrate.yaml").write_text(SPEC, "utf-8")
    (tmp_path / "export").mkdir()
    ended = dry_run(tmp_path)
    assert ended.code == 2
    assert "migrate export" in ended.err


@pytest.mark.parametrize("limit", [0, 700, 3_000])
def test_a_disk_that_is_full_stops_with_3_and_half_records_nothing(
    tmp_path: Path, export: MadeExport, limit: int
) -> None:
    """A limit on the size of files stands in for the disk: writes beyond it fail."""
    del export

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(  # noqa: S603 -- our own command, and no threads here
        [str(MIGRATE), "run", "local.migrate.yaml", "--dry-run"],
        cwd=tmp_path,
        env={**clean_environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        preexec_fn=fill,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 3, done.stderr
    assert "error: " in done.stderr
    for journal in tmp_path.glob(".migrate/*/journal.jsonl"):
        events = [json.loads(line) for line in whole_lines(journal)]
        assert not [event for event in events if event["event"] == "completed"]
    assert not list(tmp_path.glob(".migrate/*/ledger/*/*.parquet"))
    again = dry_run(tmp_path)
    assert again.code == 0, again.err


def whole_lines(path: Path) -> list[bytes]:
    """Return the lines of a journal that have their end."""
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
