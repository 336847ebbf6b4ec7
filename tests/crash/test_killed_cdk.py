"""I2: a run that deploys, killed around any journal entry and resumed, ends in the same stack."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from support.assemblies import write_assembly
from support.command import SPECS, clean_environment, standing_sandbox
from support.killed import KilledRuns
from support.quick_cdk import install

COUNT = 10
POINTS = 3
"""Fewer than a shard has: the test below says so, and fails where it would try none."""
STEPS = frozenset(["drop", "delete", "create", "adopt", "deploy-final"])
"""The steps by which a stack changes; the others are killed in ``test_killed_anywhere``."""
SHARDS = 2
BUCKET = "acme-exports"
SPEC = """
spec: 1
name: {name}
source:
  table: {name}
  region: eu-west-1
  export: {{kind: native, location: s3://acme-exports/{name}/}}
target:
  table: {target}
  key: {{partition: {{name: customer, type: S}}, sort: {{name: id, type: S}}}}
rebuild:
  strategy: {strategy}
  provision:
    with: {provision}
    app: app
    stack: Hand
    construct: Table
    absent: {{assembly: absent}}
    present: {{assembly: present}}
    final: {{assembly: final}}
"""
CASES = {
    "deleted": {"policy": "Delete"},
    "retained": {"policy": "Retain"},
    "imported": {"policy": "Delete", "provision": "cdk-import"},
    "beside": {"policy": "Retain", "strategy": "side-by-side"},
}
TOPIC = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}


def table(name: str, keys: dict[str, str], policy: str, **more: Any) -> dict[str, Any]:
    """Return a table's resource, keyed by ``keys`` (of the type S)."""
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": policy,
        "UpdateReplacePolicy": policy,
        "Metadata": {"aws:cdk:path": "Hand/Table/Resource"},
        "Properties": {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": key, "AttributeType": "S"} for key in sorted(keys)
            ],
            "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            **more,
        },
    }


class Bed:
    """A standing sandbox, and a way to run and kill migrations of stacks in it."""

    def __init__(self, env: dict[str, str]) -> None:
        self.runs = KilledRuns(clean_environment(env))
        session = boto3.Session(
            aws_access_key_id="READER",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
            region_name=env["AWS_REGION"],
        )
        self.tables = session.client("dynamodb", endpoint_url=env["AWS_ENDPOINT_URL"])
        self.stacks = session.client("cloudformation", endpoint_url=env["AWS_ENDPOINT_URL"])

    def prepare(self, folder: Path, name: str, case: dict[str, str]) -> Path:
        """Deploy a stack of its own with a filled table, and write the spec that rebuilds it."""
        beside = case.get("strategy") == "side-by-side"
        target = f"{name}-new" if beside else name
        old = {"Table": table(name, {"id": "HASH"}, case["policy"])}
        new = {"Table": table(target, {"customer": "HASH", "id": "RANGE"}, case["policy"])}
        live = dict(new["Table"]["Properties"])
        live["StreamSpecification"] = {"StreamViewType": "NEW_IMAGE"}
        if beside:
            # The app has both tables for a while; the old one is another construct.
            old["Table"]["Metadata"] = {"aws:cdk:path": "Hand/Old/Resource"}
            old = {"Old": old["Table"]}
        kept = old if beside else {}
        states = {
            "absent": {**TOPIC, **kept},
            "present": {**TOPIC, **kept, **new},
            "final": {**TOPIC, **kept, "Table": {**new["Table"], "Properties": live}},
        }
        folder.mkdir(parents=True)
        (folder / "app").mkdir()
        (folder / "app" / "cdk.json").write_text('{"app": "none"}', "utf-8")
        properties = {"templateFile": "Hand.template.json", "stackName": name}
        for state, resources in states.items():
            write_assembly(folder / state, resources, artifact={"properties": properties})
        body = json.dumps({"Resources": {**TOPIC, **old}})
        self.stacks.create_stack(StackName=name, TemplateBody=body)
        self.stacks.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1}
        )
        for n in range(COUNT):
            item = {"id": {"S": f"o-{n}"}, "customer": {"S": f"c-{n % 3}"}}
            self.tables.put_item(TableName=name, Item=item)
        spec = folder / "spec.migrate.yaml"
        told = {"strategy": "replace", "provision": "cdk", **case, "name": name, "target": target}
        spec.write_text(SPEC.format(**told), "utf-8")
        return spec

    def state(self, name: str, case: dict[str, str]) -> Any:
        """Return what a run has left of the table and its stack, without what names either."""
        target = f"{name}-new" if case.get("strategy") == "side-by-side" else name
        described = self.tables.describe_table(TableName=target)["Table"]
        items = self.tables.scan(TableName=target, ConsistentRead=True)["Items"]
        resources = self.stacks.list_stack_resources(StackName=name)["StackResourceSummaries"]
        try:
            policy = self.tables.get_resource_policy(ResourceArn=described["TableArn"])["Policy"]
        except self.tables.exceptions.PolicyNotFoundException:
            policy = None
        return {
            "key": described["KeySchema"],
            "stream": described.get("StreamSpecification"),
            "items": sorted(json.dumps(item, sort_keys=True) for item in items),
            "policy": policy,
            "status": self.stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
            "resources": sorted(one["LogicalResourceId"] for one in resources),
            "held": [
                one["PhysicalResourceId"].rpartition("/")[2] == target
                for one in resources
                if one["LogicalResourceId"] == "Table"
            ],
        }


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    programs = install(tmp_path_factory.mktemp("bin"))
    patch = pytest.MonkeyPatch()
    with standing_sandbox(SPECS / "orders.migrate.yaml") as env:
        env["PATH"] = f"{programs}:{os.environ['PATH']}"
        for name, value in env.items():
            patch.setenv(name, value)
        bed = Bed(env)
        yield bed
        bed.runs.close()
        bed.tables.close()
        bed.stacks.close()
    patch.undo()


def leave(name: str, case: dict[str, str]) -> list[str]:
    """Return the options that approve the run."""
    return ["--yes"] if "strategy" in case else ["--yes", "--allow-delete", name]


def deploying(folder: Path, points: int) -> list[int]:
    """Return the points around every record of a step that deploys, and those beside it."""
    (journal,) = folder.glob(".migrate/*/journal.jsonl")
    steps = [json.loads(line)["step"] for line in journal.read_text("utf-8").splitlines()]
    # Each record is two points, just before it and just after.
    assert len(steps) * 2 == points
    own = [number for number, step in enumerate(steps) if step in STEPS]
    assert {steps[number] for number in own} >= {"create"}
    return sorted({point for number in own for point in range(2 * number, 2 * number + 4)})


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("kind", CASES)
def test_i2_killed_around_any_journal_entry_and_resumed_ends_in_the_same_stack(
    bed: Bed, tmp_path: Path, kind: str, shard: int
) -> None:
    """Every point around a deployment is tried, spread over the shards."""
    case = CASES[kind]
    prefix = f"k{os.getpid()}-{kind}-{shard}"
    name = f"{prefix}-straight"
    spec = bed.prepare(tmp_path / "straight", name, case)
    code, points = bed.runs.run("run", spec, *leave(name, case), cwd=spec.parent, kill_at=None)
    assert code == 0, (spec.parent / "output.txt").read_text("utf-8")
    wanted = bed.state(name, case)
    assert (wanted["held"], len(wanted["items"])) == ([True], COUNT)
    tried = [point for point in deploying(spec.parent, points) if point % SHARDS == shard]
    assert len(tried) > POINTS
    for point in tried:
        name = f"{prefix}-{point}"
        spec = bed.prepare(tmp_path / str(point), name, case)
        code, passed = bed.runs.run("run", spec, *leave(name, case), cwd=spec.parent, kill_at=point)
        assert (code, passed) == (-9, point)
        code, _ = bed.runs.run(
            "run", spec, "--resume", *leave(name, case), cwd=spec.parent, kill_at=None
        )
        assert code == 0, (point, (spec.parent / "output.txt").read_text("utf-8"))
        assert bed.state(name, case) == wanted, point
