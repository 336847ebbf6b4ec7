"""The example of a CDK app, as it is shipped: killed on the way, resumed, and in one piece."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from support.cdk import require_cdk, with_cdk
from support.checkout import ROOT
from support.command import MIGRATE, Ended, clean_environment, migrate, standing_sandbox
from support.patience import PATIENCE_SECONDS

EXAMPLE = ROOT / "specs" / "cdk-orders" / "orders.migrate.yaml"
RUN = ("run", str(EXAMPLE), "--yes", "--allow-delete", "orders")
KEPT = 110
"""The example's orders that are not deleted."""
KILLS = (
    ("settle", "begun"),
    ("drop", "intent"),
    ("create", "begun"),
    ("create", "stack-seen"),
    ("load", "begun"),
    ("deploy-final", "intent"),
)
"""After what the run is killed: one resume after the other."""


@pytest.fixture(scope="module", autouse=True)
def cdk_is_there() -> None:
    require_cdk()


class Bed:
    """A standing sandbox whose stack holds the orders, and the run of the example in a folder."""

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

    def migrate(self, *arguments: str) -> Ended:
        return migrate(*arguments, cwd=self.folder, env=self.env)

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 -- our own command
            [str(MIGRATE), *arguments],
            cwd=self.folder,
            env=clean_environment(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def await_event(self, process: "subprocess.Popen[bytes]", step: str, event: str) -> None:
        """Wait until the run has journaled this."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (step, event) not in self.journal():
            assert process.poll() is None, f"the run ended before {event} of {step}"
            assert time.monotonic() < deadline, f"no {event} of {step}"
            time.sleep(0.02)

    def journal(self) -> list[tuple[str, str]]:
        """Return the steps and events of the records that are written whole."""
        found = list(self.folder.glob(".migrate/*/journal.jsonl"))
        lines = found[0].read_text("utf-8").split("\n")[:-1] if found else []
        return [(record["step"], record["event"]) for record in map(json.loads, lines)]

    def described(self) -> Any:
        return self.tables.describe_table(TableName="orders")["Table"]

    def items(self) -> list[dict[str, Any]]:
        pages = self.tables.get_paginator("scan").paginate(TableName="orders", ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def resources(self) -> set[str]:
        listed = self.stacks.list_stack_resources(StackName="OrdersStack")
        return {one["LogicalResourceId"] for one in listed["StackResourceSummaries"]}


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    with standing_sandbox(EXAMPLE, env=with_cdk()) as env:
        bed = Bed(env, tmp_path)
        yield bed
        bed.tables.close()
        bed.stacks.close()


def test_i2_the_example_killed_and_resumed_rebuilds_its_table_under_the_new_key(bed: Bed) -> None:
    before, live = bed.described(), bed.resources()
    for number, (step, event) in enumerate(KILLS):
        process = bed.start(*RUN, *(["--resume"] if number else []))
        bed.await_event(process, step, event)
        if step == "drop":
            second = bed.migrate(*RUN, "--resume")
            assert second.code == 3
            assert f"process {process.pid}" in second.err
        process.send_signal(signal.SIGKILL)
        process.wait()
    ended = bed.migrate(*RUN, "--resume")
    assert ended.code == 0, ended.err
    assert ended.report["verdict"] == "passed"
    after = bed.described()
    assert after["TableId"] != before["TableId"]
    assert [key["AttributeName"] for key in after["KeySchema"]] == ["customer_id", "order_key"]
    items = bed.items()
    assert len(items) == KEPT
    # What only a table in use has is restored, and whoever wrote before writes again.
    assert after["StreamSpecification"] == before["StreamSpecification"]
    assert bed.resources() == live
    bed.tables.put_item(TableName="orders", Item=items[0])
    assert bed.journal().count(("export-final", "done")) == 1
