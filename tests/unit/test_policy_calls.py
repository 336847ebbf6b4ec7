"""Resource policies over real HTTP: changed and removed, each only if it is the expected one."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from retable.runner.aws.errors import PolicyUnsupported
from retable.runner.aws.session import Aws, connect
from retable.runner.aws.tables import Tables
from retable.runner.failure import CheckFailed
from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from retable.runner.table.resource_policy import fence_policy, freeze_policy, has_freeze
from support.dynamodb_wire import Wire
from support.sandboxes import ARN, ManualClock, create, set_faults

ORDERS = ARN.format("orders")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server(clock: ManualClock) -> Iterator[SandboxServer]:
    with SandboxServer(options=SandboxOptions(clock=clock)) as running:
        yield running


@pytest.fixture
def wire(server: SandboxServer) -> Iterator[Wire]:
    with Wire(server.endpoint) as connected:
        create(connected)
        yield connected


@pytest.fixture
def aws(server: SandboxServer, clock: ManualClock) -> Aws:
    return connect(None, environ=server.environment(), clock=clock)


@pytest.fixture
def tables(aws: Aws, wire: Wire) -> Tables:
    assert wire.endpoint
    return aws.tables


def test_the_policy_is_read_by_the_services_own_clock(tables: Tables) -> None:
    assert tables.policies.get(ORDERS) is None
    tables.policies.put(ORDERS, freeze_policy(ORDERS, None, bulk=True), None)
    present = tables.policies.get(ORDERS)
    assert present is not None
    assert has_freeze(present.text)
    # The other side's clock is this machine's own here, whatever clock we were given.
    assert abs((present.seen_at - datetime.now(UTC)).total_seconds()) < 120


def test_a_policy_is_not_changed_again_before_the_service_takes_it(
    aws: Aws, tables: Tables, clock: ManualClock
) -> None:
    assert tables is aws.tables
    paced = Tables(tables._client, aws._client, clock)  # noqa: SLF001 -- as on AWS, where there is no sandbox
    paced.policies.put(ORDERS, freeze_policy(ORDERS, None, bulk=True), None)
    first = clock.monotonic()
    present = paced.policies.get(ORDERS)
    assert present is not None
    paced.policies.delete(ORDERS, present.revision_id)
    assert clock.monotonic() - first >= 15
    second = clock.monotonic()
    clock.sleep(60)
    paced.policies.put(ORDERS, freeze_policy(ORDERS, None, bulk=True), None)
    assert clock.monotonic() - second == 60


def test_a_policy_that_someone_else_changed_is_left_alone(tables: Tables) -> None:
    tables.policies.put(ORDERS, freeze_policy(ORDERS, None, bulk=True), None)
    with pytest.raises(CheckFailed, match="was changed by someone else"):
        tables.policies.put(
            ORDERS, fence_policy(ORDERS, ("arn:aws:iam::1:user/x",), None, bulk=True), None
        )
    with pytest.raises(CheckFailed, match="was changed by someone else"):
        tables.policies.delete(ORDERS, "17")
    assert tables.policies.get(ORDERS) is not None


def test_i2_a_policy_change_is_idempotent_after_a_lost_answer(tables: Tables) -> None:
    """The repeat is refused as a change by someone else, but it is our own."""
    text = freeze_policy(ORDERS, None, bulk=True)
    for _ in range(2):
        tables.policies.put(ORDERS, text, None)
    present = tables.policies.get(ORDERS)
    assert present is not None
    for _ in range(2):
        tables.policies.delete(ORDERS, present.revision_id)
    assert tables.policies.get(ORDERS) is None


def test_a_policy_in_another_spelling_of_the_service_is_still_ours(tables: Tables) -> None:
    text = freeze_policy(ORDERS, None, bulk=True)
    tables.policies.put(ORDERS, json.dumps(json.loads(text), indent=1), None)
    tables.policies.put(ORDERS, text, None)


def test_an_endpoint_without_resource_policies_is_recognized(
    tables: Tables, server: SandboxServer
) -> None:
    unknown = {"code": "UnknownOperationException", "times": 2}
    set_faults(server.endpoint, errors=[{"operation": "GetResourcePolicy", **unknown}])
    with pytest.raises(PolicyUnsupported):
        tables.policies.get(ORDERS)
    found = tables.settings("orders")
    assert found is not None
    assert found.policy is None
    set_faults(server.endpoint, errors=[{"operation": "PutResourcePolicy", **unknown}])
    with pytest.raises(PolicyUnsupported):
        tables.policies.put(ORDERS, freeze_policy(ORDERS, None, bulk=True), None)


def test_the_frozen_table_refuses_our_writes_and_stays_under_our_control(
    tables: Tables, wire: Wire
) -> None:
    tables.policies.put(ORDERS, freeze_policy(ORDERS, None, bulk=True), None)
    item = {"TableName": "orders", "Item": {"id": {"S": "x"}}}
    with Wire(wire.endpoint, "migrate") as ours:
        assert ours.ask("PutItem", item).code == "AccessDeniedException"
    tables.set_ttl("orders", "expires")
    present = tables.policies.get(ORDERS)
    assert present is not None
    tables.policies.delete(ORDERS, present.revision_id)
    wire.done("PutItem", item)


def test_i9_the_fenced_table_accepts_items_only_from_the_loader(
    tables: Tables, aws: Aws, wire: Wire
) -> None:
    tables.policies.put(
        ORDERS, fence_policy(ORDERS, aws.identity().principals, None, bulk=True), None
    )
    item = {"TableName": "orders", "Item": {"id": {"S": "x"}}}
    batch = {"RequestItems": {"orders": [{"PutRequest": {"Item": item["Item"]}}]}}
    with Wire(wire.endpoint, "application") as app, Wire(wire.endpoint, "migrate") as ours:
        assert app.ask("PutItem", item).code == "AccessDeniedException"
        assert app.ask("BatchWriteItem", batch).code == "AccessDeniedException"
        assert ours.ask("PutItem", item).code is None
        assert ours.ask("BatchWriteItem", batch).code is None
