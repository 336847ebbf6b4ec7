"""Tables over real HTTP: settings captured, policies exchanged, states waited for, items read."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from retable.runner.aws.capture import capture
from retable.runner.aws.errors import PolicyUnsupported
from retable.runner.aws.policy import fence_policy, freeze_policy, has_freeze
from retable.runner.aws.session import Aws, connect
from retable.runner.aws.tables import Tables
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.progress import NoProgress
from retable.runner.sandbox.options import SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from support.dynamodb_wire import Wire
from support.sandboxes import ARN, ManualClock, create, set_faults
from support.sink import all_written, sink

ORDERS = ARN.format("orders")
OWN_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Readers",
                "Effect": "Allow",
                "Principal": {"AWS": "123456789012"},
                "Action": "dynamodb:GetItem",
                "Resource": ORDERS,
            }
        ],
    }
)
SLOW = {"creating_seconds": 30, "deleting_seconds": 30, "updating_seconds": 5}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server(clock: ManualClock) -> Iterator[SandboxServer]:
    options = SandboxOptions(clock=clock, backup_seconds=5, **SLOW)
    with SandboxServer(options=options) as running:
        yield running


@pytest.fixture
def wire(server: SandboxServer, clock: ManualClock) -> Iterator[Wire]:
    with Wire(server.endpoint) as connected:
        create(connected)
        clock.sleep(30)
        yield connected


@pytest.fixture
def aws(server: SandboxServer, clock: ManualClock) -> Aws:
    return connect(None, environ=server.environment(), clock=clock)


@pytest.fixture
def tables(aws: Aws, wire: Wire) -> Tables:
    assert wire.endpoint
    return aws.tables


def error(server: SandboxServer, operation: str, code: str, times: int = 1) -> None:
    """Let the next requests of ``operation`` fail."""
    set_faults(server.endpoint, errors=[{"operation": operation, "code": code, "times": times}])


def test_a_table_that_is_not_there_is_none(tables: Tables) -> None:
    assert tables.describe("nope") is None
    assert tables.settings("nope") is None


def test_i8_everything_that_was_set_is_captured(tables: Tables, clock: ManualClock) -> None:
    tables.set_ttl("orders", "expires")
    tables.set_pitr("orders", enabled=True, days=7)
    tables.set_tags(ORDERS, {"team": "shop", "cost": "1"})
    tables.set_stream("orders", "NEW_AND_OLD_IMAGES")
    tables.wait_active("orders", clock=clock, progress=NoProgress())
    tables.set_deletion_protection("orders", enabled=True)
    tables.policies.put(ORDERS, OWN_POLICY, None)
    found = tables.settings("orders")
    assert found is not None
    assert (found.ttl, found.pitr, found.tags) == ("expires", True, {"cost": "1", "team": "shop"})
    assert found.policy is not None
    assert json.loads(found.policy) == json.loads(OWN_POLICY)
    assert found.description.stream == "NEW_AND_OLD_IMAGES"
    assert found.description.deletion_protection
    assert found.unkept == ()


def test_i8_the_freeze_of_a_run_that_was_left_is_no_setting_of_the_table(tables: Tables) -> None:
    tables.policies.put(ORDERS, freeze_policy(ORDERS, OWN_POLICY, bulk=True), None)
    found = tables.settings("orders")
    assert found is not None
    assert found.policy is not None
    assert json.loads(found.policy) == json.loads(OWN_POLICY)
    present = tables.policies.get(ORDERS)
    assert present is not None
    tables.policies.put(ORDERS, freeze_policy(ORDERS, None, bulk=True), present.revision_id)
    bare = tables.settings("orders")
    assert bare is not None
    assert bare.policy is None


def test_a_bare_table_has_no_settings(tables: Tables) -> None:
    found = tables.settings("orders")
    assert found is not None
    assert (found.ttl, found.pitr, found.pitr_days, found.policy) == (None, False, None, None)
    assert (found.tags, found.unkept) == ({}, ())


def test_i8_what_cannot_be_kept_is_named(tables: Tables, aws: Aws) -> None:
    scaling = aws._session.client(  # noqa: SLF001 -- the test's own hand on the service
        "application-autoscaling", region_name=aws.region, endpoint_url=aws.dynamodb_url
    )
    scaling.register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId="table/orders",
        ScalableDimension="dynamodb:table:WriteCapacityUnits",
        MinCapacity=1,
        MaxCapacity=9,
    )
    what = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/orders",
        "ScalableDimension": "dynamodb:table:WriteCapacityUnits",
    }
    scaling.put_scaling_policy(PolicyName="steps", PolicyType="StepScaling", **what)
    scaling.put_scheduled_action(ScheduledActionName="at night", Schedule="rate(1 day)", **what)
    found = tables.settings("orders")
    scaling.close()
    assert found is not None
    assert found.unkept == ("scheduled autoscaling", "autoscaling that tracks no target")


def test_i2_settings_bear_repeating(tables: Tables, clock: ManualClock) -> None:
    for _ in range(2):
        tables.set_ttl("orders", "expires")
        tables.set_pitr("orders", enabled=True, days=None)
        tables.enable_pitr("orders", clock=clock, progress=NoProgress())
        tables.set_tags(ORDERS, {"team": "shop"})
        tables.set_stream("orders", "NEW_IMAGE")
        tables.wait_active("orders", clock=clock, progress=NoProgress())
        tables.set_deletion_protection("orders", enabled=False)
        tables.wait_active("orders", clock=clock, progress=NoProgress())
    found = tables.settings("orders")
    assert found is not None
    assert found.ttl == "expires"


def test_a_table_too_fresh_for_recovery_is_waited_for(
    tables: Tables, server: SandboxServer, clock: ManualClock
) -> None:
    error(server, "UpdateContinuousBackups", "ContinuousBackupsUnavailableException", times=5)
    before = clock.monotonic()
    tables.set_pitr("orders", enabled=True, days=None)
    assert clock.monotonic() - before > 1
    found = tables.settings("orders")
    assert found is not None
    assert found.pitr


def test_a_denied_setting_is_not_waited_for(
    tables: Tables, server: SandboxServer, clock: ManualClock
) -> None:
    error(server, "UpdateContinuousBackups", "AccessDeniedException")
    before = clock.monotonic()
    with pytest.raises(Stopped, match="access was denied"):
        tables.set_pitr("orders", enabled=True, days=None)
    assert clock.monotonic() == before


@pytest.mark.parametrize(("manager", "named"), [("AWS", False), ("CUSTOMER", True)])
def test_i8_only_a_key_of_ones_own_is_asked_for_again(
    tables: Tables, aws: Aws, *, manager: str, named: bool
) -> None:
    """DescribeTable shows the ARN of DynamoDB's own key too, and CreateTable must not get it."""
    kms = aws._client("kms")  # noqa: SLF001 -- the client that capture would be given
    described = tables.describe("orders")
    assert described is not None
    wanted = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "arn:key"}
    with Stubber(kms) as stub:
        answer = {"KeyMetadata": {"KeyId": "k", "KeyManager": manager}}
        stub.add_response("describe_key", answer, {"KeyId": "arn:key"})
        found = capture(
            tables._client,  # noqa: SLF001 -- as Tables itself calls it
            lambda service: kms if service == "kms" else aws._client(service),  # noqa: SLF001
            replace(described, sse=wanted),
            None,
        )
    assert found.description.sse is not None
    assert ("KMSMasterKeyId" in found.description.sse) is named


# --- policies


def test_the_policy_is_seen_by_the_services_own_clock(tables: Tables) -> None:
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


def test_i2_a_policy_change_whose_answer_was_lost_bears_repeating(tables: Tables) -> None:
    """The repeat is refused as a change by someone else, but it is our own."""
    text = freeze_policy(ORDERS, None, bulk=True)
    for _ in range(2):
        tables.policies.put(ORDERS, text, None)
    present = tables.policies.get(ORDERS)
    assert present is not None
    for _ in range(2):
        tables.policies.delete(ORDERS, present.revision_id)
    assert tables.policies.get(ORDERS) is None


def test_a_policy_spelled_otherwise_by_the_service_is_still_ours(tables: Tables) -> None:
    text = freeze_policy(ORDERS, None, bulk=True)
    tables.policies.put(ORDERS, json.dumps(json.loads(text), indent=1), None)
    tables.policies.put(ORDERS, text, None)


def test_an_endpoint_without_resource_policies_is_told_apart(
    tables: Tables, server: SandboxServer
) -> None:
    error(server, "GetResourcePolicy", "UnknownOperationException", times=2)
    with pytest.raises(PolicyUnsupported):
        tables.policies.get(ORDERS)
    found = tables.settings("orders")
    assert found is not None
    assert found.policy is None
    error(server, "PutResourcePolicy", "UnknownOperationException")
    with pytest.raises(PolicyUnsupported):
        tables.policies.put(ORDERS, freeze_policy(ORDERS, None, bulk=True), None)


def test_the_frozen_table_refuses_us_as_well_and_stays_in_our_hands(
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


def test_i9_the_fenced_table_takes_items_from_the_loader_alone(
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


# --- states


def request(name: str) -> dict[str, Any]:
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }


def test_i2_a_table_is_made_once_and_waited_for(tables: Tables, clock: ManualClock) -> None:
    began = clock.monotonic()
    tables.create(request("orders-v2"))
    tables.create(request("orders-v2"))
    made = tables.wait_active("orders-v2", clock=clock, progress=NoProgress())
    assert made.status == "ACTIVE"
    assert 30 <= clock.monotonic() - began < 60


def test_a_table_that_never_comes_is_not_waited_for_an_hour(
    tables: Tables, clock: ManualClock
) -> None:
    began = clock.monotonic()
    with pytest.raises(Stopped, match="the table nope is not there"):
        tables.wait_active("nope", clock=clock, progress=NoProgress())
    assert clock.monotonic() - began < 120


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("INACCESSIBLE_ENCRYPTION_CREDENTIALS", "expected ACTIVE"),
        ("UPDATING", "does not become ACTIVE"),
    ],
)
def test_a_table_that_does_not_become_active_stops_the_run(
    tables: Tables, server: SandboxServer, clock: ManualClock, status: str, said: str
) -> None:
    set_faults(server.endpoint, table_status={"orders": status})
    with pytest.raises(Stopped, match=said):
        tables.wait_active("orders", clock=clock, progress=NoProgress())


def test_i2_a_table_is_deleted_once_and_waited_for(tables: Tables, clock: ManualClock) -> None:
    found = tables.describe("orders")
    assert found is not None
    tables.delete("orders")
    tables.delete("orders")
    tables.wait_gone("orders", str(found.table_id), clock=clock, progress=NoProgress())
    assert tables.describe("orders") is None
    tables.delete("orders")


def test_another_table_of_the_same_name_counts_as_gone(tables: Tables, clock: ManualClock) -> None:
    tables.wait_gone("orders", "of-an-older-one", clock=clock, progress=NoProgress())
    assert tables.describe("orders") is not None


def test_a_protected_table_is_not_deleted_and_the_reason_is_named(
    tables: Tables, clock: ManualClock
) -> None:
    tables.set_deletion_protection("orders", enabled=True)
    tables.wait_active("orders", clock=clock, progress=NoProgress())
    with pytest.raises(CheckFailed, match="the table orders is protected against deletion"):
        tables.delete("orders")


def test_a_table_that_is_being_changed_is_not_deleted(
    tables: Tables, server: SandboxServer
) -> None:
    set_faults(server.endpoint, table_status={"orders": "UPDATING"})
    with pytest.raises(Stopped, match="the table is in use"):
        tables.delete("orders")


def test_i2_a_backup_of_one_name_is_made_once(tables: Tables, clock: ManualClock) -> None:
    arn = tables.create_backup("orders", "retable-1")
    assert tables.create_backup("orders", "retable-1") == arn
    assert tables.backup_status(arn) == "CREATING"
    clock.sleep(5)
    assert tables.backup_status(arn) == "AVAILABLE"
    assert tables.create_backup("orders", "retable-2") != arn


def test_an_endpoint_that_is_no_dynamodb_is_an_error_with_a_name() -> None:
    with (
        sink(all_written) as (_, other),
        pytest.raises(Stopped, match="describing orders"),
    ):
        other.tables.describe("orders")
