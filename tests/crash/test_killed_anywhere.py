"""I2: killed with ``kill -9`` around any journal entry and resumed, a run ends the same way."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from retable.runner.commands.sandbox_app import deploy_app
from retable.runner.sandbox.seed import seed
from retable.schema import load_spec
from support.command import SPECS, clean_environment, standing_sandbox
from support.killed import KilledRuns

ITEMS = 40
POINTS = 120
"""At least as many as a run has: the test below says so, and fails where there are more."""
SHARDS = 6
RESTORE_SHARDS = 2

Items = list[dict[str, Any]]


class Bed:
    """A standing sandbox, and a way to run and kill migrations against it."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.runs = KilledRuns(clean_environment(env))
        self.client = boto3.client(
            "dynamodb",
            endpoint_url=env["AWS_ENDPOINT_URL"],
            region_name=env["AWS_REGION"],
            aws_access_key_id="READER",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )

    def prepare(self, folder: Path, table: str, template: str) -> Path:
        """Seed a table of its own, so that no two kill points share anything."""
        text = (SPECS / template).read_text("utf-8")
        source = load_spec(SPECS / template).source.table_name
        text = text.replace(f"table: {source}\n", f"table: {table}\n")
        text = text.replace(f"table: {source}-", f"table: {table}-")
        text = text.replace("s3://acme-exports/", f"s3://acme-exports/{table}/")
        seeds = load_spec(SPECS / template).sandbox
        assert seeds is not None
        assert seeds.seed is not None
        lines = (SPECS / seeds.seed).read_bytes().splitlines(keepends=True)[:ITEMS]
        (folder / "seeds").mkdir(parents=True)
        (folder / seeds.seed).write_bytes(b"".join(lines))
        spec = folder / "spec.migrate.yaml"
        spec.write_text(text, "utf-8")
        seed(self.env["AWS_ENDPOINT_URL"], load_spec(spec), deploy_app)
        return spec

    def items(self, table: str) -> Items:
        """Return the table's items in an order of their own."""
        found = self.client.scan(TableName=table, ConsistentRead=True)["Items"]
        return sorted(found, key=lambda item: json.dumps(item, sort_keys=True, default=str))


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    patch = pytest.MonkeyPatch()
    with standing_sandbox(SPECS / "orders.migrate.yaml") as env:
        for name, value in env.items():
            patch.setenv(name, value)
        bed = Bed(env)
        yield bed
        bed.runs.close()
        bed.client.close()
    patch.undo()


def consent(spec: Path) -> list[str]:
    """Return the options that approve ``spec``."""
    parsed = load_spec(spec)
    if parsed.rebuild.strategy == "replace":
        return ["--yes", "--allow-delete", parsed.target.table]
    return ["--yes"]


def straight(bed: Bed, folder: Path, name: str, template: str) -> tuple[Items, int, str]:
    """Return what an undisturbed run leaves, and how many points it passes."""
    spec = bed.prepare(folder, name, template)
    code, points = bed.runs.run("run", spec, *consent(spec), cwd=folder, kill_at=None)
    assert code == 0, (folder / "output.txt").read_text("utf-8")
    return bed.items(load_spec(spec).target.table), points, load_spec(spec).target.table


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("template", ["orders.migrate.yaml", "products.migrate.yaml"])
def test_i2_killed_around_any_journal_entry_and_resumed_ends_in_the_same_table(
    bed: Bed, tmp_path: Path, shard: int, template: str
) -> None:
    """Every point is tried, spread over the shards."""
    prefix = f"k{os.getpid()}-{template[:2]}-{shard}"
    wanted, points, _ = straight(bed, tmp_path / "straight", f"{prefix}-straight", template)
    assert 0 < points <= POINTS
    for point in range(shard + 1, points + 1, SHARDS):
        folder = tmp_path / str(point)
        spec = bed.prepare(folder, f"{prefix}-{point}", template)
        code, passed = bed.runs.run("run", spec, *consent(spec), cwd=folder, kill_at=point)
        assert (code, passed) == (-9, point)
        code, _ = bed.runs.run("run", spec, "--resume", *consent(spec), cwd=folder, kill_at=None)
        output = (folder / "output.txt").read_text("utf-8")
        # The last point lies behind the last record: there is nothing left to do.
        assert code == (2 if point == points else 0), (point, output)
        assert point < points or "there is no open run of" in output
        assert bed.items(load_spec(spec).target.table) == wanted, point


def described(bed: Bed, table: str) -> dict[str, Any]:
    """Return what of a table must come back, its policy included."""
    found = bed.client.describe_table(TableName=table)["Table"]
    kept = ("KeySchema", "StreamSpecification", "DeletionProtectionEnabled")
    listed = bed.client.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"]
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    try:
        policy = bed.client.get_resource_policy(ResourceArn=found["TableArn"])["Policy"]
    except bed.client.exceptions.PolicyNotFoundException:
        policy = None
    return {**{name: found.get(name) for name in kept}, "tags": tags, "policy": policy}


@pytest.mark.parametrize("shard", range(RESTORE_SHARDS))
def test_i2_a_restore_killed_around_any_journal_entry_and_resumed_brings_the_table_back(
    bed: Bed, tmp_path: Path, shard: int
) -> None:
    """One run is undone again and again: whatever stands there makes way each time."""
    table = f"k{os.getpid()}-restored-{shard}"
    spec = bed.prepare(tmp_path / "run", table, "orders.migrate.yaml")
    home = spec.parent
    wanted = bed.items(table), described(bed, table)
    code, _ = bed.runs.run("run", spec, *consent(spec), cwd=home, kill_at=None)
    assert code == 0, (home / "output.txt").read_text("utf-8")
    (run,) = (path.parent.name for path in home.glob(".migrate/*/plan.json"))
    code, points = bed.runs.run("restore", run, *consent(spec), cwd=home, kill_at=None)
    assert (code, bed.items(table), described(bed, table)) == (0, *wanted)
    assert 0 < points <= POINTS
    for point in range(shard + 1, points, RESTORE_SHARDS):
        code, passed = bed.runs.run("restore", run, *consent(spec), cwd=home, kill_at=point)
        assert (code, passed) == (-9, point)
        code, _ = bed.runs.run("restore", run, "--resume", *consent(spec), cwd=home, kill_at=None)
        assert code == 0, (point, (home / "output.txt").read_text("utf-8"))
        assert (bed.items(table), described(bed, table)) == wanted, point
