"""Tables of a stack that are lost or damaged, by a stand-in for the CDK command line."""

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import SPECS, Ended, migrate, standing_sandbox
from support.hand_stacks import COUNT, HandStacks
from support.quick_cdk import install

NAME = "orders-by-hand"
NEW_KEY = [
    {"AttributeName": "customer", "KeyType": "HASH"},
    {"AttributeName": "id", "KeyType": "RANGE"},
]


class Bed(HandStacks):
    """One stack with its table, of which there is an export."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        super().__init__(env["AWS_ENDPOINT_URL"])
        self.env = env
        self.folder = folder

    def exported(self, policy: str) -> Path:
        """Return the spec that recovers the table from its finished export."""
        case = {"policy": policy, "strategy": "recover"}
        spec = self.prepare(self.folder / "lost", NAME, case)
        arn = self.tables.describe_table(TableName=NAME)["Table"]["TableArn"]
        answer = self.tables.export_table_to_point_in_time(
            TableArn=arn, S3Bucket="acme-exports", S3Prefix=NAME
        )
        made = answer["ExportDescription"]["ExportArn"]
        waiter = self.tables.get_waiter("export_completed")
        waiter.wait(ExportArn=made, WaiterConfig={"Delay": 1})
        place = f"location: s3://acme-exports/{NAME}/"
        text = spec.read_text("utf-8").replace(place, f"{place}, id: {made.rpartition('/')[2]}")
        spec.write_text(text, "utf-8")
        return spec

    def migrate(self, *arguments: str | Path) -> Ended:
        return migrate(*arguments, cwd=self.folder, env=self.env)

    def lose(self, how: str) -> None:
        """Let the table go: by API, by an update of its stack, or with the whole stack."""
        if how == "api":
            self.tables.delete_table(TableName=NAME)
            self.tables.get_waiter("table_not_exists").wait(
                TableName=NAME, WaiterConfig={"Delay": 1}
            )
        elif how == "update":
            topic = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}
            self.stacks.update_stack(StackName=NAME, TemplateBody=json.dumps({"Resources": topic}))
            self.stacks.get_waiter("stack_update_complete").wait(
                StackName=NAME, WaiterConfig={"Delay": 1}
            )
        else:
            self.stacks.delete_stack(StackName=NAME)
            self.stacks.get_waiter("stack_delete_complete").wait(
                StackName=NAME, WaiterConfig={"Delay": 1}
            )


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    programs = install(tmp_path / "bin")
    with standing_sandbox(SPECS / "orders.migrate.yaml") as env:
        env["PATH"] = f"{programs}:{os.environ['PATH']}"
        bed = Bed(env, tmp_path)
        yield bed
        bed.close()


@pytest.mark.parametrize(
    ("policy", "how"),
    [("Delete", "api"), ("Retain", "api"), ("Delete", "update"), ("Delete", "stack")],
)
def test_a_lost_table_is_imported_into_its_stack_again(bed: Bed, policy: str, how: str) -> None:
    spec = bed.exported(policy)
    bed.lose(how)
    if how == "stack":
        # The rest of the stack comes back as well, which somebody must have agreed to.
        assert "accept what is intended by name: Topic" in bed.migrate("plan", spec).err
        text = spec.read_text("utf-8")
        accepted = text.replace("construct: Table\n", "construct: Table\n    accept: [Topic]\n")
        spec.write_text(accepted, "utf-8")
    planned = bed.migrate("plan", spec)
    assert (f"without {NAME}, which is deleted" in planned.out) is (how == "api")
    assert "deletes the table" not in planned.out
    ended = bed.migrate("run", spec, "--yes")
    assert ended.code == 0, ended.err
    left = bed.state(NAME, {})
    assert (left["key"], len(left["items"]), left["policy"]) == (NEW_KEY, COUNT, None)
    assert (left["resources"], left["held"]) == (["Table", "Topic"], [True])


def test_a_damaged_table_of_a_stack_is_repaired(bed: Bed) -> None:
    spec = bed.exported("Delete")
    bed.tables.delete_item(TableName=NAME, Key={"id": {"S": "o-0"}})
    unsaid = bed.migrate("run", spec, "--yes", "--allow-delete", NAME)
    assert unsaid.code == 1
    assert "accept: [later-writes]" in unsaid.err
    text = spec.read_text("utf-8").replace("recover\n", "recover\n  accept: [later-writes]\n")
    spec.write_text(text, "utf-8")
    ended = bed.migrate("run", spec, "--yes", "--allow-delete", NAME)
    assert ended.code == 0, ended.err
    left = bed.state(NAME, {})
    assert (left["key"], len(left["items"]), left["policy"]) == (NEW_KEY, COUNT, None)


def test_i1_a_table_that_was_recreated_is_not_deleted_with_its_place_in_the_stack(bed: Bed) -> None:
    spec = bed.exported("Delete")
    bed.lose("api")
    cdk = bed.folder / "bin" / "cdk"
    working = cdk.rename(cdk.with_name("working"))
    refusing = 'case " $* " in *" deploy "*) exit 1;; esac'
    cdk.write_text(f'#!/bin/sh\n{refusing}\nexec {shlex.quote(str(working))} "$@"\n', "utf-8")
    cdk.chmod(0o755)
    assert bed.migrate("run", spec, "--yes").code == 3
    working.rename(cdk)
    bed.tables.create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    bed.tables.get_waiter("table_exists").wait(TableName=NAME, WaiterConfig={"Delay": 1})
    bed.tables.put_item(TableName=NAME, Item={"id": {"S": "precious"}})
    resumed = bed.migrate("run", spec, "--resume", "--yes")
    assert resumed.code == 1
    assert f"the table {NAME} exists again" in resumed.err
    assert bed.tables.scan(TableName=NAME)["Items"] == [{"id": {"S": "precious"}}]
