"""I2: a machine that is killed at any journal entry and lost is resumed on another one.

What holds a run in S3 must have ended before another machine may go on, so here every kill is one
by SIGKILL.
"""

import json
import shutil
from collections.abc import Callable

import pytest

from retable.runner.commands.sandbox_app import deploy_app
from retable.runner.sandbox.seed import seed
from retable.schema import load_spec
from support.command import SPECS
from support.crashes import World
from support.dynamodb_wire import Wire

STATE = "s3://acme-exports/state"
COUNT = 40
EVERY = 9
"""One point in so many is tried: those without ``--state`` are all tried elsewhere."""
SPEC = "spec.migrate.yaml"
SCANNED = """
spec: 1
name: things
source:
  table: things
  region: eu-west-1
  export: {kind: scan}
target:
  table: things-new
  key: {partition: {name: n, type: N}}
transform: {max_rejects: 3}
sandbox:
  key: {partition: {name: id, type: S}}
  seed: things.jsonl
"""
PLACES = [
    "retable.runner.runs.journal.Journal._append",
    "retable.runner.runs.mirror.Mirror._store",
    "retable.runner.runs.shared_run._Shelf.put",
    "retable.runner.runs.shared_run.SharedRun.keep_report",
]
"""Where a run stores its state; by the last one it has finished."""


def orders(world: World) -> list[str]:
    """Seed a table that is to be replaced, and return what approves that."""
    template = SPECS / "orders.migrate.yaml"
    seeds = load_spec(template).sandbox
    assert seeds is not None
    assert seeds.seed is not None
    lines = (SPECS / seeds.seed).read_bytes().splitlines(keepends=True)[:COUNT]
    (world.folder / "seeds").mkdir()
    (world.folder / seeds.seed).write_bytes(b"".join(lines))
    (world.folder / SPEC).write_bytes(template.read_bytes())
    return ["--yes", "--allow-delete", "orders"]


def scanned(world: World) -> list[str]:
    """Seed a table that is scanned into the run folder, with items that are refused."""
    lines = [f'{{"Item":{{"id":{{"S":"o-{n}"}},"n":{{"N":"{n}"}}}}}}\n' for n in range(COUNT)]
    lines += [f'{{"Item":{{"id":{{"S":"bad-{n}"}}}}}}\n' for n in range(3)]
    (world.folder / "things.jsonl").write_text("".join(lines), "utf-8")
    (world.folder / SPEC).write_text(SCANNED, "utf-8")
    return ["--yes"]


def items(world: World) -> list[str]:
    """Return the items of the target as texts in an order of their own."""
    table = load_spec(world.folder / SPEC).target.table
    with Wire(world.sandbox.endpoint) as wire:
        found = wire.done("Scan", {"TableName": table, "ConsistentRead": True})["Items"]
    return sorted(json.dumps(item, sort_keys=True) for item in found)


@pytest.mark.parametrize(("begin", "places"), [(orders, []), (scanned, PLACES)])
def test_i2_a_machine_lost_at_any_journal_entry_is_gone_on_from_on_another_one(
    world: World, begin: Callable[[World], list[str]], places: list[str]
) -> None:
    approved = begin(world)
    seed(world.sandbox.endpoint, load_spec(world.folder / SPEC), deploy_app)
    run = ["run", SPEC, *approved, "--state", STATE]
    with world.copy() as straight:
        points = straight.points(*run, places=places)
        wanted = items(straight)
    assert COUNT / 2 < len(wanted) <= COUNT
    assert set(places) <= {point.what for point in points}
    (completed,) = (point for point in points if point.what == "after run/completed")
    for point in points[::EVERY] + [point for point in points if point.what in places]:
        with world.killed(*run, at=point, places=places) as lost:
            shutil.rmtree(lost.folder / ".migrate")
            resumed = lost.run(*run, "--resume")
            # With only its report not stored, there is nothing to go on with.
            code = 2 if point.number >= completed.number else 0
            assert resumed.code == code, (point, lost.output)
            assert items(lost) == wanted, point
