"""I2: killed around what the service writes by itself and resumed, a run ends in the same table."""

import pytest

from retable.runner.commands.sandbox_app import deploy_app
from retable.runner.sandbox.seed import seed
from retable.schema import load_spec
from support.crashes import World
from support.dynamodb_wire import Wire

SPEC = """
spec: 1
name: rebuilt-things
source:
  table: things
  region: eu-west-1
  export: {{kind: native, location: s3://acme-exports/t/}}
target:
  table: rebuilt
  key: {{partition: {{name: n, type: N}}}}
load: {{with: {loader}}}
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  settings: {{point_in_time_recovery: true}}
  seed: things.jsonl
"""
COUNT = 40
PLACES = {
    "bulk-put": [
        "retable.runner.steps.stage_items.stage_items",
        "retable.runner.load.stage._Shard._end",
        "retable.runner.aws.bulk.Bulk.start_bulk_put",
        "retable.runner.aws.bulk.Bulk.wait_bulk_put",
        "retable.runner.steps.bulk_put.account_for_items",
    ],
    "import-table": [
        "retable.runner.aws.bulk.Bulk.start_import",
        "retable.runner.aws.bulk.Bulk.wait_import",
        "retable.runner.steps.import_table.await_fence",
        "retable.runner.steps.import_table.account_for_items",
    ],
}
RUN = ["run", "things.migrate.yaml", "--yes"]


@pytest.mark.parametrize("loader", PLACES)
def test_i2_killed_around_a_bulk_operation_and_resumed_holds_every_item_once(
    world: World, loader: str
) -> None:
    lines = (f'{{"Item":{{"id":{{"S":"o-{n}"}},"n":{{"N":"{n}"}}}}}}\n' for n in range(COUNT))
    (world.folder / "things.jsonl").write_text("".join(lines), "utf-8")
    spec = world.folder / "things.migrate.yaml"
    spec.write_text(SPEC.format(loader=loader), "utf-8")
    seed(world.sandbox.endpoint, load_spec(spec), deploy_app)
    places = PLACES[loader]
    for point, crashed in world.crashes(
        *RUN, places=places, only=lambda point: point.what in places, kills=1
    ):
        assert crashed.run(*RUN, "--resume").code == 0, (point, crashed.output)
        with Wire(crashed.sandbox.endpoint) as wire:
            found = wire.done("Scan", {"TableName": "rebuilt", "ConsistentRead": True})["Items"]
        assert sorted(int(item["n"]["N"]) for item in found) == list(range(COUNT)), point
