"""A table that left its stack for another is imported into it again, by the real CDK."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from support.cdk import require_cdk, with_cdk
from support.checkout import ROOT
from support.command import Ended, migrate, standing_sandbox

EXAMPLE = ROOT / "specs" / "cdk-orders" / "orders.migrate.yaml"
STACK = "OrdersStack"
LEAVE = ("--yes", "--allow-delete", "orders")


@pytest.fixture(scope="module", autouse=True)
def cdk_is_there() -> None:
    require_cdk()


class Bed:
    """A standing sandbox whose stack holds the orders."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env = {**env, **with_cdk()}
        self.folder = folder
        session = boto3.Session(
            aws_access_key_id="READER",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
            region_name=env["AWS_REGION"],
        )
        self.tables = session.client("dynamodb", endpoint_url=env["AWS_ENDPOINT_URL"])
        self.stacks = session.client("cloudformation", endpoint_url=env["AWS_ENDPOINT_URL"])

    def migrate(self, *arguments: str | Path) -> Ended:
        return migrate(*arguments, cwd=self.folder, env=self.env)

    def fail_to_create(self, resource: str, times: int) -> None:
        """Let the stack fail to create a resource."""
        place = self.env["AWS_ENDPOINT_URL"] + "/_retable/faults"
        failures = [{"resource": resource, "times": times}]
        body = json.dumps({"stack_failures": failures}).encode()
        with urllib.request.urlopen(place, body) as answer:  # noqa: S310 -- loopback
            assert answer.status == 200

    def template(self) -> Any:
        """Return what is deployed, without what the CDK command line notes in it."""
        body = self.stacks.get_template(StackName=STACK, TemplateStage="Original")["TemplateBody"]
        return json.loads(json.dumps(body))

    def state(self) -> dict[str, Any]:
        """Return the table as it is, its items and its stack included."""
        table = self.tables.describe_table(TableName="orders")["Table"]
        arn = table["TableArn"]
        ttl = self.tables.describe_time_to_live(TableName="orders")["TimeToLiveDescription"]
        pitr = self.tables.describe_continuous_backups(TableName="orders")
        tags = self.tables.list_tags_of_resource(ResourceArn=arn)["Tags"]
        try:
            policy = self.tables.get_resource_policy(ResourceArn=arn)["Policy"]
        except self.tables.exceptions.PolicyNotFoundException:
            policy = None
        items = self.tables.scan(TableName="orders", ConsistentRead=True)["Items"]
        recovery = pitr["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        listed = self.stacks.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        return {
            "key": table["KeySchema"],
            "stream": table.get("StreamSpecification"),
            "protected": table["DeletionProtectionEnabled"],
            "ttl": ttl,
            "pitr": recovery["PointInTimeRecoveryStatus"],
            "tags": {tag["Key"]: tag["Value"] for tag in tags},
            "policy": policy,
            "items": sorted(json.dumps(item, sort_keys=True, default=repr) for item in items),
            "template": self.template(),
            "resources": sorted(
                (one["LogicalResourceId"], one["PhysicalResourceId"]) for one in listed
            ),
        }

    def run_id(self) -> str:
        plans = {
            path.parent.name: json.loads(path.read_bytes())
            for path in self.folder.glob(".migrate/*/plan.json")
        }
        (found,) = (run_id for run_id, plan in plans.items() if plan["command"] == "run")
        return found


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    with standing_sandbox(EXAMPLE, env=with_cdk()) as env:
        bed = Bed(env, tmp_path)
        yield bed
        bed.tables.close()
        bed.stacks.close()


def test_a_table_is_restored_into_its_stack_with_the_template_it_had(bed: Bed) -> None:
    before = bed.state()
    ended = bed.migrate("run", EXAMPLE, *LEAVE)
    assert ended.code == 0, ended.err
    run_id = bed.run_id()
    assert bed.state()["key"] != before["key"]
    restored = bed.migrate("restore", run_id, *LEAVE)
    assert restored.code == 0, restored.err
    assert bed.state() == before
    titles = [step["title"] for step in restored.report["steps"]]
    taken = titles.index("restore orders from its backup, and fence it")
    assert titles[taken + 1] == "count the restored items"
    assert titles[taken + 2] == "restore settings"
    assert titles[taken + 3].startswith("import the table into OrdersStack as ")
    assert titles[taken + 4 :] == [
        "deploy OrdersStack as it was before",
        "lift the fence",
        "compare the settings",
    ]


def test_a_table_is_restored_where_its_stack_has_none(bed: Bed) -> None:
    """The run got no further than the deployment without the table."""
    before = bed.state()
    bed.fail_to_create("OrdersTable315BB997", 1)
    stopped = bed.migrate("run", EXAMPLE, *LEAVE)
    assert stopped.code == 3, stopped.err
    run_id = bed.run_id()
    aborted = bed.migrate("run", EXAMPLE, "--abort")
    assert aborted.code == 1
    assert "orders is already deleted; what is left of it is the backup arn:" in aborted.err
    assert f"migrate restore {run_id} restores the old table" in aborted.err
    restored = bed.migrate("restore", run_id, "--yes")
    assert restored.code == 0, restored.err
    assert bed.state() == before
    resumed = bed.migrate("run", EXAMPLE, "--resume", "--run", run_id, *LEAVE)
    assert (resumed.code, "has ended" in resumed.err) == (4, True)
