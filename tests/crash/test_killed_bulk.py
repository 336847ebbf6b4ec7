"""I2: killed around what the service writes by itself and resumed, a run ends in the same table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from support.command import clean_environment, standing_sandbox
from support.killed import KilledRuns

SPEC = """
spec: 1
name: things-{target}
source:
  table: things
  region: eu-west-1
  export: {{kind: native, location: s3://acme-exports/t/}}
target:
  table: {target}
  key: {{partition: {{name: n, type: N}}}}
load: {{with: {loader}}}
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  settings: {{point_in_time_recovery: true}}
  seed: things.jsonl
"""
COUNT = 40


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KilledRuns, Any, Path]]:
    folder = tmp_path_factory.mktemp("bulk")
    lines = (f'{{"Item":{{"id":{{"S":"o-{n}"}},"n":{{"N":"{n}"}}}}}}\n' for n in range(COUNT))
    (folder / "things.jsonl").write_text("".join(lines), "utf-8")
    spec = folder / "seed.migrate.yaml"
    spec.write_text(SPEC.format(target="unused", loader="bulk-put"), "utf-8")
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
        yield runs, client, folder
        runs.close()
        client.close()
    patch.undo()


PLACES = {
    "bulk-put": [
        "retable.runner.steps.load_from_s3.stage_items",
        "retable.runner.load.stage._Shard._end",
        "retable.runner.aws.bulk.Bulk.start_bulk_put",
        "retable.runner.aws.bulk.Bulk.wait_bulk_put",
        "retable.runner.steps.load_from_s3._accounted",
    ],
    "import-table": [
        "retable.runner.aws.bulk.Bulk.start_import",
        "retable.runner.aws.bulk.Bulk.wait_import",
        "retable.runner.steps.load_from_s3.await_fence",
        "retable.runner.steps.load_from_s3._accounted",
    ],
}


@pytest.mark.parametrize(
    ("loader", "place"), [(loader, place) for loader, places in PLACES.items() for place in places]
)
def test_i2_killed_around_a_bulk_operation_and_resumed_holds_every_item_once(
    bed: tuple[KilledRuns, Any, Path], loader: str, place: str
) -> None:
    runs, client, home = bed
    target = f"{loader}-{place.rpartition('.')[2].strip('_')}"
    folder = home / target
    folder.mkdir()
    spec = folder / "things.migrate.yaml"
    spec.write_text(SPEC.format(target=target, loader=loader), "utf-8")
    (folder / "things.jsonl").write_text((home / "things.jsonl").read_text("utf-8"), "utf-8")
    code, _ = runs.run("run", spec, "--yes", cwd=folder, kill_at=None, kill_in=place)
    assert code == -9, (folder / "output.txt").read_text()
    code, _ = runs.run("run", spec, "--resume", "--yes", cwd=folder, kill_at=None)
    assert code == 0, (folder / "output.txt").read_text()
    found = client.scan(TableName=target, ConsistentRead=True)["Items"]
    assert sorted(int(item["n"]["N"]) for item in found) == list(range(COUNT))
