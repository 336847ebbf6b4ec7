"""I2: killed in the middle of a merge and resumed, a run ends with the same ledger and table."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from support.command import clean_environment, standing_sandbox
from support.history import busy_history
from support.killed import KilledRuns

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/things"
MERGE = "retable.runner.export.merge_incrementals"
SPEC = """
spec: 1
name: things-as-of-now
source:
  table: things
  region: eu-west-1
  export: {{kind: native, location: exports/, id: {id}, incrementals: all}}
target:
  table: {target}
  key: {{partition: {{name: id, type: S}}}}
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  seed: things.jsonl
"""
PLACES = [
    f"{MERGE}.note_lines",
    f"{MERGE}.database",
    f"{MERGE}._gather",
    f"{MERGE}._list_outdated",
    f"{MERGE}.replace_durably",
    f"{MERGE}._count",
    "retable.runner.steps.merge_exports.asdict",
    "retable.runner.steps.dry_run.map_files",
    "retable.runner.steps.dry_run.require_merged",
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a folder with a full export and three incremental ones, and the full one's id."""
    folder = tmp_path_factory.mktemp("exported")
    history = busy_history(folder / "exports", ARN)
    full = history.full(10)
    for start in (10, 20, 30):
        history.window(start, start + 10)
    (folder / "things.jsonl").write_text('{"Item":{"id":{"S":"o-0"}}}\n', "utf-8")
    return folder, full.id


@pytest.fixture(scope="module")
def bed(exported: tuple[Path, str]) -> Iterator[tuple[KilledRuns, Any]]:
    folder, full = exported
    spec = folder / "seed.migrate.yaml"
    spec.write_text(SPEC.format(id=full, target="unused"), "utf-8")
    patch = pytest.MonkeyPatch()
    with standing_sandbox(spec) as env:
        for name, value in env.items():
            patch.setenv(name, value)
        runs = KilledRuns(clean_environment(env))
        client = boto3.client(
            "dynamodb",
            endpoint_url=env["AWS_ENDPOINT_URL"],
            region_name=env["AWS_REGION"],
            aws_access_key_id="READER",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        yield runs, client
        runs.close()
        client.close()
    patch.undo()


def target(client: Any, table: str) -> list[str]:
    """Return the items of a table as texts of their own order."""
    return sorted(map(repr, client.scan(TableName=table, ConsistentRead=True)["Items"]))


def ledger(folder: Path) -> list[str]:
    """Return the digests of the files of the only run's ledger."""
    (expected,) = folder.glob(".migrate/*/ledger/expected")
    parts = sorted(expected.glob("[0-9]*.parquet"))
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in parts]


def test_i2_killed_in_the_middle_of_a_merge_and_resumed_gives_the_same_ledger(
    bed: tuple[KilledRuns, Any], exported: tuple[Path, str]
) -> None:
    runs, client = bed
    wanted: tuple[list[str], list[str]] | None = None
    for number, place in enumerate([None, *PLACES]):
        folder = exported[0] / f"case-{number}"
        folder.mkdir()
        spec = folder / "things.migrate.yaml"
        text = SPEC.format(id=exported[1], target=f"case-{number}")
        spec.write_text(text.replace("exports/", f"{exported[0]}/exports/"), "utf-8")
        code, _ = runs.run("run", spec, "--yes", cwd=folder, kill_at=None, kill_in=place)
        assert code == (0 if place is None else -9), (place, (folder / "output.txt").read_text())
        if place is not None:
            code, _ = runs.run("run", spec, "--resume", "--yes", cwd=folder, kill_at=None)
            assert code == 0, (place, (folder / "output.txt").read_text())
        found = ledger(folder), target(client, f"case-{number}")
        assert wanted is None or found == wanted, place
        wanted = found
