"""I2, I4: killed while the table is read back by an export, a run resumes that and passes."""

import pytest

from retable.runner.commands.sandbox_app import deploy_app
from retable.runner.sandbox.seed import seed
from retable.schema import load_spec
from support.command import Ended
from support.crashes import World
from support.dynamodb_wire import Wire
from support.points import Point

READ_BACK = "retable.runner.steps.read_back"
PLACES = [
    f"{READ_BACK}.start_export",
    f"{READ_BACK}.check_export",
    f"{READ_BACK}.map_files",
    f"{READ_BACK}.agree",
    f"{READ_BACK}.write_items",
    "retable.runner.steps.verify_table.write_durably",
]
SPEC = """
spec: 1
name: things
source:
  table: things
  region: eu-west-1
  export: {kind: native, location: s3://acme-exports/things/}
target:
  table: things-v2
  key: {partition: {name: id, type: S}}
  settings: {point_in_time_recovery: false}
verify:
  read: export
  queries: [{name: all, sql: select count(*) from target, expect: 20}]
sandbox:
  key: {partition: {name: id, type: S}}
  settings: {point_in_time_recovery: true}
  seed: things.jsonl
"""
TARGET = "things-v2"
RUN = ["run", "spec.migrate.yaml", "--yes"]


@pytest.fixture
def things(world: World) -> World:
    """Return a world with a seeded table and its spec."""
    lines = (f'{{"Item":{{"id":{{"S":"o-{n}"}}}}}}\n' for n in range(20))
    (world.folder / "things.jsonl").write_text("".join(lines), "utf-8")
    spec = world.folder / "spec.migrate.yaml"
    spec.write_text(SPEC, "utf-8")
    seed(world.sandbox.endpoint, load_spec(spec), deploy_app)
    return world


def require_passed(world: World) -> None:
    """One export was made of the target and proved it, and recovery is as expected."""
    report = Ended(0, "", "", world.folder).report
    assert report["verdict"] == "passed", world.output
    assert [check["outcome"] for check in report["checks"]] == ["passed"] * 7
    with Wire(world.sandbox.endpoint) as wire:
        assert len(exports(wire)) == 1
        answer = wire.done("DescribeContinuousBackups", {"TableName": TARGET})
    found = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert found["PointInTimeRecoveryStatus"] == "DISABLED"


def arn_of(wire: Wire) -> str:
    """Return the ARN of the target."""
    return str(wire.done("DescribeTable", {"TableName": TARGET})["Table"]["TableArn"])


def exports(wire: Wire) -> list[object]:
    """Return the exports that were made of the target."""
    return list(wire.done("ListExports", {"TableArn": arn_of(wire)})["ExportSummaries"])


def test_i2_killed_around_any_journal_entry_of_a_verification_by_export_or_in_the_middle(
    things: World,
) -> None:
    """Every point is tried from the end of the load on, but for the last, which ends the run."""
    with things.copy() as straight:
        points = straight.points(*RUN, places=PLACES)
        require_passed(straight)
    first = [point.what for point in points].index("before pitr-target/begun") + 1
    for point, crashed in things.crashes(
        *RUN,
        points=points,
        places=PLACES,
        only=lambda point: first <= point.number < len(points) or point.what in PLACES,
    ):
        assert crashed.run(*RUN, "--resume").code == 0, (point, crashed.output)
        require_passed(crashed)


def test_i4_a_table_that_was_put_right_is_exported_again(things: World) -> None:
    """What failed is not judged by the same export twice."""
    place = f"{READ_BACK}.start_export"
    points = [point for point in straight_points(things, place) if point.what == place]
    with things.killed(*RUN, at=points[0], places=[place]) as world:
        with Wire(world.sandbox.endpoint) as wire:
            added = {"TableName": TARGET, "Item": {"id": {"S": "added"}}}
            wire.done("DeleteResourcePolicy", {"ResourceArn": arn_of(wire)})
            wire.done("PutItem", added)
        assert world.run(*RUN, "--resume").code == 1, world.output
        with Wire(world.sandbox.endpoint) as wire:
            wire.done("DeleteItem", {"TableName": TARGET, "Key": added["Item"]})
        assert world.run(*RUN, "--resume").code == 0, world.output
        with Wire(world.sandbox.endpoint) as wire:
            assert len(exports(wire)) == 2


def straight_points(world: World, place: str) -> list[Point]:
    """Return the points of an undisturbed run."""
    with world.copy() as straight:
        return straight.points(*RUN, places=[place])
