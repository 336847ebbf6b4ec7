"""I2: killed around any journal entry and resumed, a run ends the same way."""

import json
from typing import Any

import pytest

from retable.runner.commands.sandbox_app import deploy_app
from retable.runner.sandbox.seed import seed
from retable.schema import load_spec
from retable.schema.spec import Spec
from support.command import SPECS
from support.crashes import World
from support.dynamodb_wire import Wire

ITEMS = 12
LAST = "after run/completed"
SPEC = "spec.migrate.yaml"

Items = list[dict[str, Any]]


def prepare(world: World, template: str) -> Spec:
    """Seed the first items of an example, and return its spec."""
    text = (SPECS / template).read_text("utf-8")
    seeds = load_spec(SPECS / template).sandbox
    assert seeds is not None
    assert seeds.seed is not None
    lines = (SPECS / seeds.seed).read_bytes().splitlines(keepends=True)[:ITEMS]
    (world.folder / "seeds").mkdir()
    (world.folder / seeds.seed).write_bytes(b"".join(lines))
    path = world.folder / SPEC
    path.write_text(text, "utf-8")
    spec = load_spec(path)
    seed(world.sandbox.endpoint, spec, deploy_app)
    return spec


def approved(spec: Spec) -> list[str]:
    """Return the options that approve ``spec``."""
    if spec.rebuild.strategy == "replace":
        return ["--yes", "--allow-delete", spec.target.table]
    return ["--yes"]


def items(world: World, table: str) -> Items:
    """Return the table's items in an order of their own."""
    with Wire(world.sandbox.endpoint) as wire:
        found: Items = wire.done("Scan", {"TableName": table, "ConsistentRead": True})["Items"]
    return sorted(found, key=lambda item: json.dumps(item, sort_keys=True))


@pytest.mark.parametrize("template", ["orders.migrate.yaml", "products.migrate.yaml"])
def test_i2_killed_around_any_journal_entry_and_resumed_ends_in_the_same_table(
    world: World, template: str
) -> None:
    spec = prepare(world, template)
    run = ["run", SPEC, *approved(spec)]
    with world.copy() as straight:
        points = straight.points(*run)
        assert points[-1].what == LAST, straight.output
        wanted = items(straight, spec.target.table)
    assert 0 < len(wanted) <= ITEMS
    for point, crashed in world.crashes(*run, points=points):
        resumed = crashed.run(*run, "--resume")
        # After the last record there is nothing left to do.
        assert resumed.code == (2 if point.what == LAST else 0), (point, crashed.output)
        assert point.what != LAST or "there is no open run of" in crashed.output
        assert items(crashed, spec.target.table) == wanted, point


def described(world: World, table: str) -> dict[str, Any]:
    """Return what of a table must come back, its policy included."""
    with Wire(world.sandbox.endpoint) as wire:
        found = wire.done("DescribeTable", {"TableName": table})["Table"]
        listed = wire.done("ListTagsOfResource", {"ResourceArn": found["TableArn"]})["Tags"]
        policy = wire.ask("GetResourcePolicy", {"ResourceArn": found["TableArn"]})
    kept = ("KeySchema", "StreamSpecification", "DeletionProtectionEnabled")
    assert policy.code in {None, "PolicyNotFoundException"}
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    return {
        **{name: found.get(name) for name in kept},
        "tags": tags,
        "policy": policy.body.get("Policy"),
    }


def test_i2_a_restore_killed_around_any_journal_entry_and_resumed_brings_the_table_back(
    world: World,
) -> None:
    """The run was undone once already: a table that was restored is replaced by another one."""
    spec = prepare(world, "orders.migrate.yaml")
    table = spec.source.table_name
    wanted = items(world, table), described(world, table)
    assert world.run("run", SPEC, *approved(spec)).code == 0, world.output
    (run,) = (path.parent.name for path in world.folder.glob(".migrate/*/plan.json"))
    restore = ["restore", run, *approved(spec)]
    assert world.run(*restore).code == 0, world.output
    assert (items(world, table), described(world, table)) == wanted
    with world.copy() as straight:
        points = straight.points(*restore)
        assert points[-1].what == LAST, straight.output
    for point, crashed in world.crashes(*restore, points=points, only=lambda p: p.what != LAST):
        assert crashed.run(*restore, "--resume").code == 0, (point, crashed.output)
        assert (items(crashed, table), described(crashed, table)) == wanted, point
