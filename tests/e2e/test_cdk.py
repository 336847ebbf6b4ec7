"""Tables that a CDK app makes, rebuilt by the installed command and the real CDK command line."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from retable.runner.sandbox.server import SandboxServer
from support.cdk import INFRA, require_cdk, synthesise, with_cdk
from support.command import MIGRATE, Ended, clean_environment, migrate
from support.patience import PATIENCE_SECONDS
from support.stacks import Account

STACK, TABLE, COUNT = "OrdersStack", "OrdersTable315BB997", 40
NEW = {"orders-table": "by-customer"}
OLD = {"orders-table": "by-order"}
KINDS: Mapping[str, Mapping[str, str]] = {
    "plain": {},
    "retained": {"orders-removal": "retain"},
    "v2": {"orders-construct": "TableV2"},
    "generated": {"orders-name": "generated"},
    "protected": {"orders-protected": "yes"},
}
STATES = {
    **{f"{name}-old": {**OLD, **kind} for name, kind in KINDS.items()},
    **{f"{name}-new": {**NEW, **kind} for name, kind in KINDS.items()},
    "absent": {"orders-table": "absent"},
    "greedy": {"orders-table": "absent", "orders-receipts": "no", "orders-removal": "retain"},
}
SPEC = """
spec: 1
name: cdk-orders
source:
  table: {table}
  region: eu-west-1
  export: {{kind: native, location: s3://acme-exports/orders/}}
target:
  table: {table}
  key:
    partition: {{name: customer_id, type: S}}
    sort: {{name: order_key, type: S}}
  settings: {{deletion_protection: false}}
rebuild:
  strategy: replace
  provision:
    with: cdk
    app: {app}
    stack: OrdersStack
    construct: OrdersTable
    absent: {{assembly: {absent}}}
    present: {{assembly: {present}}}
    accept: [{accept}]
transform:
  fields: {{order_key: order_id}}
"""


@pytest.fixture(scope="module", autouse=True)
def cdk_is_there() -> None:
    require_cdk()


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assemblies")
    synthesise(folder, STATES)
    return folder


class Bed:
    """A sandbox whose stack holds a filled table, and a spec that rebuilds it."""

    def __init__(self, server: SandboxServer, assemblies: Path, folder: Path, kind: str) -> None:
        self.account = Account(server)
        self.folder = folder
        self.env = {**server.environment(), **with_cdk()}
        self._assemblies = assemblies
        self._kind = kind
        template = (assemblies / f"{kind}-old" / f"{STACK}.template.json").read_text("utf-8")
        assert self.account.create(json.loads(template), STACK) == "CREATE_COMPLETE"
        self.account.client("s3").create_bucket(
            Bucket="acme-exports", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        self.table = self.physical()
        self.old_id = self.described(self.table)["TableId"]
        for first in range(0, COUNT, 20):
            requests = [
                {"PutRequest": {"Item": {"order_id": {"S": f"o-{n}"}, "customer_id": {"S": "c"}}}}
                for n in range(first, first + 20)
            ]
            self.account.dynamodb.batch_write_item(RequestItems={self.table: requests})

    def physical(self) -> str:
        """Return what the stack's table is really called."""
        listed = self.account.stacks.list_stack_resources(StackName=STACK)
        found = {
            entry["LogicalResourceId"]: entry["PhysicalResourceId"]
            for entry in listed["StackResourceSummaries"]
        }
        return str(found[TABLE]).rpartition("/")[2]

    def described(self, table: str) -> Any:
        return self.account.dynamodb.describe_table(TableName=table)["Table"]

    def count(self, table: str) -> int:
        found = self.account.dynamodb.scan(TableName=table, ConsistentRead=True, Select="COUNT")
        return int(found["Count"])

    def spec(self, absent: str = "absent", accept: str = "") -> Path:
        path = self.folder / "orders.migrate.yaml"
        text = SPEC.format(
            table=self.table,
            app=INFRA,
            absent=self._assemblies / absent,
            present=self._assemblies / f"{self._kind}-new",
            accept=accept,
        )
        path.write_text(text, "utf-8")
        return path

    def consent(self) -> tuple[str, ...]:
        return ("--yes", "--allow-delete", self.table)

    def run(self, spec: Path, *more: str) -> Ended:
        return migrate("run", spec, *more, *self.consent(), cwd=self.folder, env=self.env)

    def require_rebuilt(self, ended: Ended) -> None:
        """See that the stack's table is another one, under its new key, with every item."""
        assert ended.code == 0, ended.err
        assert ended.report["verdict"] == "passed"
        assert ended.report["counts"]["loaded"] == COUNT
        name = self.physical()
        found = self.described(name)
        assert found["TableId"] != self.old_id
        assert [key["AttributeName"] for key in found["KeySchema"]] == ["customer_id", "order_key"]
        assert self.count(name) == COUNT
        assert self.account.status(STACK) == "UPDATE_COMPLETE"
        self.account.dynamodb.put_item(  # the fence is lifted
            TableName=name, Item={"customer_id": {"S": "new"}, "order_key": {"S": "1"}}
        )


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


@pytest.mark.parametrize("kind", ["v2", "generated", "protected"])
def test_a_table_of_any_kind_is_rebuilt_under_another_key(
    server: SandboxServer, assemblies: Path, tmp_path: Path, kind: str
) -> None:
    bed = Bed(server, assemblies, tmp_path, kind)
    ended = bed.run(bed.spec())
    bed.require_rebuilt(ended)
    assert (bed.physical() == bed.table) is (kind != "generated")
    assert (f"turn off deletion protection of {bed.table}" in ended.err) is (kind == "protected")
    tables = bed.account.dynamodb.list_tables()["TableNames"]
    assert tables == [bed.physical()]


def test_a_retained_table_is_deleted_by_a_step_of_its_own(
    server: SandboxServer, assemblies: Path, tmp_path: Path
) -> None:
    bed = Bed(server, assemblies, tmp_path, "retained")
    ended = bed.run(bed.spec())
    bed.require_rebuilt(ended)
    titles = [step["title"] for step in ended.report["steps"]]
    dropped = titles.index("deploy OrdersStack without orders, which retains it")
    assert titles[dropped + 1] == "delete orders"


def test_i1_an_app_that_would_drop_something_else_is_refused_before_the_freeze(
    server: SandboxServer, assemblies: Path, tmp_path: Path
) -> None:
    bed = Bed(server, assemblies, tmp_path, "plain")
    ended = bed.run(bed.spec(absent="greedy"))
    assert ended.code == 2
    assert "the absent template makes an unrelated change: removed Receipts" in ended.err
    assert "accept what is intended by name: Receipts" in ended.err
    assert bed.described("orders")["TableId"] == bed.old_id
    bed.account.dynamodb.put_item(TableName="orders", Item={"order_id": {"S": "not frozen"}})
    assert not list(tmp_path.glob(".migrate/*/journal.jsonl"))


@pytest.mark.parametrize("step", ["drop", "create"])
def test_i2_killed_while_it_deploys_and_resumed_a_run_ends_in_the_same_table(
    server: SandboxServer, assemblies: Path, tmp_path: Path, step: str
) -> None:
    bed = Bed(server, assemblies, tmp_path, "plain")
    spec = bed.spec()
    process = subprocess.Popen(  # noqa: S603 -- our own command
        [str(MIGRATE), "run", str(spec), *bed.consent()],
        cwd=tmp_path,
        env=clean_environment(bed.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (step, "intent") not in _journal(tmp_path):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    bed.require_rebuilt(bed.run(spec, "--resume"))


def _journal(folder: Path) -> set[tuple[str, str]]:
    """Return the steps and events of the records that are written whole."""
    found = list(folder.glob(".migrate/*/journal.jsonl"))
    lines = found[0].read_text("utf-8").split("\n")[:-1] if found else []
    records = map(json.loads, lines)
    return {(record["step"], record["event"]) for record in records}
