"""What a run has deleted is restored as it was, by the installed command."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from support.command import SPECS, Ended, migrate, standing_sandbox

ORDERS = SPECS / "orders.migrate.yaml"
LEAVE = ("--yes", "--allow-delete", "orders")
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Readers",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "dynamodb:GetItem",
            "Resource": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders",
        }
    ],
}


@dataclass
class Bed:
    """A standing sandbox with the orders in it."""

    folder: Path
    env: dict[str, str]
    client: Any

    def migrate(self, *arguments: str | Path) -> Ended:
        return migrate(*arguments, cwd=self.folder, env=self.env)

    def refuse(self, operation: str) -> None:
        """Let the sandbox refuse an operation a few times."""
        error = {"operation": operation, "code": "LimitExceededException", "times": 20}
        place = self.env["AWS_ENDPOINT_URL"] + "/_retable/faults"
        body = json.dumps({"errors": [error]}).encode()
        with urllib.request.urlopen(place, body) as answer:  # noqa: S310 -- loopback
            assert answer.status == 200

    def run_id(self) -> str:
        """Return the id of the run, of which there is one."""
        found = [path.parent.name for path in self.folder.glob(".migrate/*/plan.json")]
        (run_id,) = [one for one in found if self.plan(one)["command"] == "run"]
        return run_id

    def plan(self, run_id: str) -> dict[str, Any]:
        plan: dict[str, Any] = json.loads(
            (self.folder / ".migrate" / run_id / "plan.json").read_bytes()
        )
        return plan

    def items(self) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(TableName="orders", ConsistentRead=True)
        found = [item for page in pages for item in page["Items"]]
        return sorted(found, key=lambda item: json.dumps(item, sort_keys=True, default=str))

    def settings(self) -> dict[str, Any]:
        """Return all of the table that must come back."""
        table = self.client.describe_table(TableName="orders")["Table"]
        arn = table["TableArn"]
        name = {"TableName": "orders"}
        backups = self.client.describe_continuous_backups(**name)["ContinuousBackupsDescription"]
        told = ("KeySchema", "GlobalSecondaryIndexes", "BillingModeSummary", "StreamSpecification")
        return {
            **{member: table.get(member) for member in told},
            "protected": table["DeletionProtectionEnabled"],
            "ttl": self.client.describe_time_to_live(**name)["TimeToLiveDescription"],
            "pitr": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
            "tags": sorted(
                self.client.list_tags_of_resource(ResourceArn=arn)["Tags"],
                key=lambda tag: str(tag["Key"]),
            ),
            "policy": json.loads(self.client.get_resource_policy(ResourceArn=arn)["Policy"]),
        }


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    with standing_sandbox(ORDERS) as env:
        client = boto3.client(
            "dynamodb",
            endpoint_url=env["AWS_ENDPOINT_URL"],
            region_name=env["AWS_REGION"],
            aws_access_key_id="READER",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        arn = client.describe_table(TableName="orders")["Table"]["TableArn"]
        client.put_resource_policy(ResourceArn=arn, Policy=json.dumps(POLICY))
        yield Bed(tmp_path, env, client)
        client.close()


def test_what_a_finished_run_replaced_is_restored_settings_included(bed: Bed) -> None:
    settings, items = bed.settings(), bed.items()
    assert bed.migrate("run", ORDERS, *LEAVE).code == 0
    run_id = bed.run_id()
    assert bed.settings()["KeySchema"] != settings["KeySchema"]
    key = bed.settings()["KeySchema"]
    since = {part["AttributeName"]: {"S": "written-since"} for part in key}
    bed.client.put_item(TableName="orders", Item=since)

    shown = bed.migrate("restore", run_id, "--plan")
    assert shown.code == 0, shown.err
    assert f"restore what run {run_id} deleted, table orders" in shown.err
    assert bed.settings()["KeySchema"] != settings["KeySchema"]

    refused = bed.migrate("restore", run_id, "--yes")
    assert (refused.code, "--allow-delete orders" in refused.err) == (2, True)

    ended = bed.migrate("restore", run_id, *LEAVE)
    assert ended.code == 0, ended.err
    assert bed.items() == items
    assert bed.settings() == settings
    report = ended.report
    assert (report["command"], report["verdict"]) == ("restore", "passed")
    check, settled = report["checks"]
    assert (settled["name"], settled["outcome"]) == ("settings", "passed")
    assert (check["expected"], check["actual"]) == (120, 120)
    backups = bed.client.list_backups(TableName="orders")["BackupSummaries"]
    assert len(backups) == 2, "what stood there was backed up as well"


def test_a_run_that_was_left_after_the_delete_says_what_exists_and_is_undone(bed: Bed) -> None:
    settings, items = bed.settings(), bed.items()
    assert bed.migrate("run", ORDERS, *LEAVE).code == 0
    run_id = bed.run_id()
    journal = bed.folder / ".migrate" / run_id / "journal.jsonl"
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    cut = next(n for n, line in enumerate(lines) if json.loads(line)["step"] == "create")
    journal.write_text("".join(lines[:cut]), "utf-8")
    bed.client.update_table(TableName="orders", DeletionProtectionEnabled=False)
    bed.client.delete_table(TableName="orders")

    aborted = bed.migrate("run", ORDERS, "--abort")
    assert aborted.code == 1
    (backup,) = bed.client.list_backups(TableName="orders")["BackupSummaries"]
    assert backup["BackupArn"] in aborted.err
    assert f"migrate restore {run_id} restores the old table" in aborted.err

    ended = bed.migrate("restore", run_id, "--yes")
    assert ended.code == 0, ended.err
    assert (bed.items(), bed.settings()) == (items, settings)
    resumed = bed.migrate("run", ORDERS, "--resume", "--run", run_id, *LEAVE)
    assert (resumed.code, "has ended" in resumed.err) == (4, True)


def test_a_restore_that_is_left_puts_back_what_stands_there(bed: Bed) -> None:
    assert bed.migrate("run", ORDERS, *LEAVE).code == 0
    run_id, rebuilt = bed.run_id(), bed.settings()
    bed.refuse("CreateBackup")
    stopped = bed.migrate("restore", run_id, *LEAVE)
    assert stopped.code == 3, stopped.err
    assert f"migrate restore {run_id} --resume --allow-delete orders" in stopped.err
    assert "RetableFreeze" in json.dumps(bed.settings()["policy"])
    again = bed.migrate("restore", run_id, *LEAVE)
    assert (again.code, "resume it with --resume, or end it with --abort" in again.err) == (2, True)
    left = bed.migrate("restore", run_id, "--abort")
    assert left.code == 0, left.err
    assert bed.settings() == rebuilt


def test_a_run_that_has_deleted_nothing_is_not_restored(bed: Bed) -> None:
    spec = bed.folder / "orders.migrate.yaml"
    text = ORDERS.read_text("utf-8").replace("strategy: replace", "strategy: side-by-side")
    before, _, after = text.partition("target:")
    spec.write_text(before + "target:" + after.replace("table: orders", "table: orders-v2", 1))
    ended = bed.migrate("restore", "0000-0000", *LEAVE)
    assert (ended.code, "there is no run '0000-0000'" in ended.err) == (2, True)
    (bed.folder / "seeds").symlink_to(SPECS / "seeds")
    assert bed.migrate("run", spec, "--yes").code == 0
    ended = bed.migrate("restore", bed.run_id(), *LEAVE)
    assert ended.code == 2
    assert "has deleted no table, so there is none to restore" in ended.err
