"""I2: a run whose machine is killed at any journal entry and lost resumes on another one."""

import json
import os
import shutil
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

STATE = "s3://acme-exports/state"
COUNT = 40
POINTS = 130
"""At least as many as a run has: the test below says so, and fails where there are more."""
SHARDS = 2
EVERY = 9
"""One kill point in so many is tried: those without ``--state`` are all tried elsewhere."""

SCANNED = """
spec: 1
name: {name}
source:
  table: {name}
  region: eu-west-1
  export: {{kind: scan}}
target:
  table: {name}-new
  key: {{partition: {{name: n, type: N}}}}
transform: {{max_rejects: 3}}
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  seed: things.jsonl
"""

Items = list[dict[str, Any]]


class Bed:
    """A standing sandbox, and machines that run migrations against it and are lost."""

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


def orders(bed: Bed, folder: Path, table: str) -> tuple[Path, list[str]]:
    """Seed a table that is to be replaced, and return its spec and the consent that it needs."""
    template = SPECS / "orders.migrate.yaml"
    seeds = load_spec(template).sandbox
    assert seeds is not None
    assert seeds.seed is not None
    text = template.read_text("utf-8").replace("table: orders\n", f"table: {table}\n")
    text = text.replace("s3://acme-exports/", f"s3://acme-exports/{table}/")
    lines = (SPECS / seeds.seed).read_bytes().splitlines(keepends=True)[:COUNT]
    (folder / "seeds").mkdir(parents=True)
    (folder / seeds.seed).write_bytes(b"".join(lines))
    spec = folder / "orders.migrate.yaml"
    spec.write_text(text, "utf-8")
    seed(bed.env["AWS_ENDPOINT_URL"], load_spec(spec), deploy_app)
    return spec, ["--yes", "--allow-delete", table]


def scanned(bed: Bed, folder: Path, table: str) -> tuple[Path, list[str]]:
    """Seed a table that is scanned into the run folder, with items that are refused."""
    folder.mkdir(parents=True)
    lines = [f'{{"Item":{{"id":{{"S":"o-{n}"}},"n":{{"N":"{n}"}}}}}}\n' for n in range(COUNT)]
    lines += [f'{{"Item":{{"id":{{"S":"bad-{n}"}}}}}}\n' for n in range(3)]
    (folder / "things.jsonl").write_text("".join(lines), "utf-8")
    spec = folder / "things.migrate.yaml"
    spec.write_text(SCANNED.format(name=table), "utf-8")
    seed(bed.env["AWS_ENDPOINT_URL"], load_spec(spec), deploy_app)
    return spec, ["--yes"]


KINDS = {"orders": orders, "scanned": scanned}


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("kind", list(KINDS))
def test_i2_a_run_whose_machine_is_lost_at_any_journal_entry_resumes_on_another_one(
    bed: Bed, tmp_path: Path, shard: int, kind: str
) -> None:
    prefix = f"s{os.getpid()}-{kind}-{shard}"
    begin = KINDS[kind]
    spec, consent = begin(bed, tmp_path / "straight", f"{prefix}-straight")
    target = load_spec(spec).target.table
    options = [*consent, "--state", f"{STATE}/{prefix}-straight"]
    code, points = bed.runs.run("run", spec, *options, cwd=spec.parent, kill_at=None)
    assert code == 0, (spec.parent / "output.txt").read_text("utf-8")
    wanted = bed.items(target)
    assert 0 < points <= POINTS
    for point in range(shard * EVERY + 1, points, SHARDS * EVERY):
        spec, consent = begin(bed, tmp_path / str(point), f"{prefix}-{point}")
        options = [*consent, "--state", f"{STATE}/{prefix}-{point}"]
        code, passed = bed.runs.run("run", spec, *options, cwd=spec.parent, kill_at=point)
        assert (code, passed) == (-9, point)
        shutil.rmtree(spec.parent / ".migrate")
        code, _ = bed.runs.run("run", spec, "--resume", *options, cwd=spec.parent, kill_at=None)
        output = (spec.parent / "output.txt").read_text("utf-8")
        assert code == 0, (point, output)
        assert bed.items(load_spec(spec).target.table) == wanted, point


PLACES = [
    "retable.runner.runs.journal.Journal._append",
    "retable.runner.runs.mirror.Mirror._store",
    "retable.runner.runs.shared_run._Shelf.put",
    "retable.runner.runs.shared_run.SharedRun.keep_report",
]


@pytest.mark.parametrize("place", PLACES)
def test_i2_a_run_whose_machine_is_lost_while_it_stores_its_state_resumes(
    bed: Bed, tmp_path: Path, place: str
) -> None:
    name = f"s{os.getpid()}-{place.rpartition('.')[2].strip('_')}"
    spec, consent = scanned(bed, tmp_path / "things", name)
    options = [*consent, "--state", f"{STATE}/{name}"]
    code, _ = bed.runs.run("run", spec, *options, cwd=spec.parent, kill_at=None, kill_in=place)
    assert code == -9, (spec.parent / "output.txt").read_text("utf-8")
    shutil.rmtree(spec.parent / ".migrate")
    code, _ = bed.runs.run("run", spec, "--resume", *options, cwd=spec.parent, kill_at=None)
    output = (spec.parent / "output.txt").read_text("utf-8")
    # With its report not stored, the run was at its end: there is nothing to resume.
    assert code == (2 if place.endswith("keep_report") else 0), output
    assert len(bed.items(f"{name}-new")) == COUNT
