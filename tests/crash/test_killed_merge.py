"""I2: killed in the middle of a merge and resumed, a run ends with the same ledger and table."""

import hashlib

from retable.runner.commands.sandbox_app import deploy_app
from retable.runner.sandbox.seed import seed
from retable.schema import load_spec
from support.crashes import World
from support.dynamodb_wire import Wire
from support.history import busy_history

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
  table: rebuilt
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
RUN = ["run", "things.migrate.yaml", "--yes"]


def prepare(world: World) -> None:
    """Make a full export and three incremental ones, and a spec that merges them."""
    history = busy_history(world.folder / "exports", ARN)
    full = history.full(10)
    for start in (10, 20, 30):
        history.window(start, start + 10)
    (world.folder / "things.jsonl").write_text('{"Item":{"id":{"S":"o-0"}}}\n', "utf-8")
    spec = world.folder / "things.migrate.yaml"
    spec.write_text(SPEC.format(id=full.id), "utf-8")
    seed(world.sandbox.endpoint, load_spec(spec), deploy_app)


def target(world: World) -> list[str]:
    """Return the items of the target as texts of their own order."""
    with Wire(world.sandbox.endpoint) as wire:
        found = wire.done("Scan", {"TableName": "rebuilt", "ConsistentRead": True})["Items"]
    return sorted(map(repr, found))


def ledger(world: World) -> list[str]:
    """Return the digests of the files of the only run's ledger."""
    (expected,) = world.folder.glob(".migrate/*/ledger/expected")
    parts = sorted(expected.glob("[0-9]*.parquet"))
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in parts]


def test_i2_killed_in_the_middle_of_a_merge_and_resumed_gives_the_same_ledger(
    world: World,
) -> None:
    prepare(world)
    with world.copy() as straight:
        points = straight.points(*RUN, places=PLACES)
        wanted = ledger(straight), target(straight)
    assert all(wanted)
    for point, crashed in world.crashes(
        *RUN, points=points, places=PLACES, only=lambda point: point.what in PLACES
    ):
        assert crashed.run(*RUN, "--resume").code == 0, (point, crashed.output)
        assert (ledger(crashed), target(crashed)) == wanted, point
