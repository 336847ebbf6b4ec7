"""Background activity: expiry, and an application that a freeze must stop."""

import json
import time
from collections.abc import Callable
from typing import Any

from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from support.dynamodb_wire import Wire
from support.patience import PATIENCE_SECONDS
from support.sandboxes import ARN, START, ManualClock, control, count, create, put


def _until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < give_up, "it never came about"
        time.sleep(0.01)


def test_expired_items_are_deleted_and_others_kept() -> None:
    now = int(START.timestamp())
    options = SandboxOptions(clock=ManualClock(), ttl_seconds=0.01)
    with SandboxServer(options=options) as server, Wire(server.endpoint) as wire:
        create(wire)
        put(wire, 1, dies={"N": str(now - 10)})
        put(wire, 2, dies={"N": str(now + 10)})
        put(wire, 3, dies={"S": str(now - 10)})
        put(wire, 4)
        put(wire, 5, dies={"N": str(now - 6 * 365 * 86400)})
        assert count(wire) == 5
        wanted = {"Enabled": True, "AttributeName": "dies"}
        wire.done("UpdateTimeToLive", {"TableName": "orders", "TimeToLiveSpecification": wanted})
        _until(lambda: count(wire) == 4)
        time.sleep(0.1)
        left = {item["id"]["S"] for item in wire.done("Scan", {"TableName": "orders"})["Items"]}
        assert left == {"o-2", "o-3", "o-4", "o-5"}


def test_the_writer_writes_until_a_policy_denies_it_and_keeps_trying() -> None:
    with (
        SandboxServer(options=SandboxOptions(writer_rate=200)) as server,
        Wire(server.endpoint) as wire,
    ):
        create(wire)
        put(wire, 1)
        control(server.endpoint, "writer", {"table": "orders", "region": "eu-west-1"})
        _until(lambda: _writer(server)["accepted"] > 5)
        assert count(wire) > 1
        _deny(wire)
        denied = _writer(server)["denied"]
        _until(lambda: _writer(server)["denied"] > denied + 5)
        frozen, accepted = count(wire), _writer(server)["accepted"]
        tried = _writer(server)["denied"]
        _until(lambda: _writer(server)["denied"] > tried + 5)
        assert (count(wire), _writer(server)["accepted"]) == (frozen, accepted)
    assert server.sandbox.writer.report()["running"] is False


def test_the_writer_follows_the_table_to_another_key() -> None:
    with (
        SandboxServer(options=SandboxOptions(writer_rate=200)) as server,
        Wire(server.endpoint) as wire,
    ):
        create(wire)
        put(wire, 1, mail={"S": "a@b"})
        control(server.endpoint, "writer", {"table": "orders", "region": "eu-west-1"})
        _until(lambda: _writer(server)["accepted"] > 2)
        wire.done("DeleteTable", {"TableName": "orders"})
        _until(lambda: _writer(server)["failed"] > 0)
        create(
            wire,
            KeySchema=[{"AttributeName": "mail", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "mail", "AttributeType": "S"}],
        )
        item = {"mail": {"S": "c@d"}}
        wire.done("PutItem", {"TableName": "orders", "Item": item})
        _until(lambda: count(wire) > 3)


def test_without_a_rate_nothing_writes() -> None:
    with SandboxServer() as server, Wire(server.endpoint) as wire:
        create(wire)
        control(server.endpoint, "writer", {"table": "orders"})
        assert _writer(server) == {
            "running": False,
            "table": "",
            "accepted": 0,
            "denied": 0,
            "failed": 0,
        }


def _writer(server: SandboxServer) -> dict[str, Any]:
    return dict(control(server.endpoint, "sandbox")["writer"])


def _deny(wire: Wire) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"],
        "Resource": ARN.format("orders"),
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    wire.done("PutResourcePolicy", {"ResourceArn": ARN.format("orders"), "Policy": policy})
