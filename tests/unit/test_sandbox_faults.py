"""Injected faults apply as configured, and the same way for the same seed."""

from collections.abc import Iterator
from typing import Any

import pytest

from retable.runner.sandbox.sandbox_options import Faults, InjectedError
from retable.runner.sandbox.server import SandboxServer
from support.dynamodb_wire import Wire
from support.sandboxes import ARN, control, count, create, set_faults

BATCH: dict[str, Any] = {
    "RequestItems": {
        "orders": [{"PutRequest": {"Item": {"id": {"S": f"o-{n}"}}}} for n in range(25)]
    }
}
PUT = {"TableName": "orders", "Item": {"id": {"S": "a"}}}


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


@pytest.fixture
def wire(server: SandboxServer) -> Iterator[Wire]:
    with Wire(server.endpoint) as connected:
        create(connected)
        yield connected
        quiet = Faults()
        set_faults(server.endpoint, **{name: getattr(quiet, name) for name in quiet.__slots__})
        connected.done("DeleteTable", {"TableName": "orders"})


def _ids(answer: dict[str, Any]) -> list[str]:
    left = answer["UnprocessedItems"].get("orders", [])
    return [request["PutRequest"]["Item"]["id"]["S"] for request in left]


def test_unprocessed_writes_are_returned_and_not_written(server: SandboxServer, wire: Wire) -> None:
    set_faults(server.endpoint, unprocessed=0.5, seed=7)
    left = _ids(wire.done("BatchWriteItem", BATCH))
    assert 0 < len(left) < 25
    assert count(wire) == 25 - len(left)


def test_the_same_seed_leaves_the_same_writes_unprocessed(
    server: SandboxServer, wire: Wire
) -> None:
    found = []
    for _ in range(2):
        set_faults(server.endpoint, unprocessed=0.3, seed=11)
        # The identifier of every answer is drawn from the same numbers.
        found.append([_ids(wire.done("BatchWriteItem", BATCH)) for _ in range(5)])
    assert found[0] == found[1]


def test_a_batch_without_any_processed_write_is_throttled(
    server: SandboxServer, wire: Wire
) -> None:
    set_faults(server.endpoint, unprocessed=1)
    reply = wire.ask("BatchWriteItem", BATCH)
    assert reply.code == "ProvisionedThroughputExceededException"
    assert count(wire) == 0


def test_the_next_requests_are_throttled_with_their_reasons(
    server: SandboxServer, wire: Wire
) -> None:
    set_faults(server.endpoint, throttle=2)
    for _ in range(2):
        reply = wire.ask("PutItem", PUT)
        assert reply.code == "ProvisionedThroughputExceededException"
        assert reply.body["ThrottlingReasons"] == [
            {
                "reason": "TableWriteProvisionedThroughputExceeded",
                "resource": ARN.format("orders"),
            }
        ]
    wire.done("PutItem", PUT)


def test_a_share_of_requests_is_throttled(server: SandboxServer, wire: Wire) -> None:
    set_faults(server.endpoint, throttle=0.5, seed=3)
    codes = [wire.ask("PutItem", PUT).code for _ in range(60)]
    assert 15 < codes.count(None) < 45


def test_reads_are_throttled_apart_from_writes(server: SandboxServer, wire: Wire) -> None:
    set_faults(server.endpoint, throttle_reads=1)
    wire.done("PutItem", PUT)
    reply = wire.ask("Scan", {"TableName": "orders"})
    assert reply.code == "ProvisionedThroughputExceededException"
    assert count(wire) == 1


def test_after_a_500_the_write_may_or_may_not_have_taken_effect(
    server: SandboxServer, wire: Wire
) -> None:
    set_faults(server.endpoint, fail_500=20, seed=1)
    for number in range(20):
        item = {"id": {"S": f"o-{number}"}}
        reply = wire.ask("PutItem", {"TableName": "orders", "Item": item})
        assert (reply.status, reply.code) == (500, "InternalServerError")
    assert 0 < count(wire) < 20
    wire.done("PutItem", PUT)


def test_any_operation_can_be_made_to_fail(server: SandboxServer, wire: Wire) -> None:
    error = {"operation": "DescribeTable", "code": "ExpiredTokenException", "times": 1}
    set_faults(server.endpoint, errors=[error])
    name = {"TableName": "orders"}
    assert wire.ask("DescribeTable", name).code == "ExpiredTokenException"
    wire.done("DescribeTable", name)


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown fault 'unprocesed'"):
        Faults().updated({"unprocesed": 1})
    with pytest.raises(ValueError, match="operation"):
        Faults().updated({"errors": [{"code": "X"}]})


def test_faults_that_are_not_named_stay_unchanged() -> None:
    faults = Faults(unprocessed=0.5).updated({"errors": [{"operation": "Scan"}]})
    assert (faults.unprocessed, faults.errors) == (0.5, (InjectedError(operation="Scan"),))


def test_the_report_counts_what_happened(server: SandboxServer, wire: Wire) -> None:
    before = control(server.endpoint, "sandbox")["counters"]
    set_faults(server.endpoint, throttle=1)
    wire.ask("PutItem", PUT)
    wire.done("PutItem", PUT)
    after = control(server.endpoint, "sandbox")["counters"]
    assert after["requests:PutItem"] - before.get("requests:PutItem", 0) == 2
    assert after["throttled"] - before.get("throttled", 0) == 1
