"""Tables over real HTTP: settings captured, policies changed, statuses awaited, items read."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from retable.runner.aws.capture import capture
from retable.runner.aws.session import Aws, connect
from retable.runner.aws.tables import Tables
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.progress import NoProgress
from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from retable.runner.table.resource_policy import freeze_policy
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


def test_an_absent_table_is_none(tables: Tables) -> None:
    assert tables.describe("nope") is None
    assert tables.settings("nope") is None


def test_i8_every_setting_is_captured(tables: Tables, clock: ManualClock) -> None:
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


def test_i8_the_freeze_of_an_unfinished_run_is_not_a_setting_of_the_table(tables: Tables) -> None:
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


def test_i8_settings_that_cannot_be_kept_are_named(tables: Tables, aws: Aws) -> None:
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
    assert found.unkept == ("scheduled autoscaling", "autoscaling without target tracking")


def test_i2_settings_are_idempotent(tables: Tables, clock: ManualClock) -> None:
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


def test_a_table_too_new_for_recovery_is_waited_for(
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
def test_i8_only_a_customer_key_is_requested_again(
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


# --- states


def request(name: str) -> dict[str, Any]:
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }


def test_i2_a_table_is_created_once_and_waited_for(tables: Tables, clock: ManualClock) -> None:
    began = clock.monotonic()
    tables.create(request("orders-v2"), None)
    tables.create(request("orders-v2"), None)
    made = tables.wait_active("orders-v2", clock=clock, progress=NoProgress())
    assert made.status == "ACTIVE"
    assert 30 <= clock.monotonic() - began < 60


def test_an_absent_table_is_not_waited_for_an_hour(tables: Tables, clock: ManualClock) -> None:
    began = clock.monotonic()
    with pytest.raises(Stopped, match="the table nope does not exist"):
        tables.wait_active("nope", clock=clock, progress=NoProgress())
    assert clock.monotonic() - began < 120


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("INACCESSIBLE_ENCRYPTION_CREDENTIALS", "expected ACTIVE"),
        ("UPDATING", "did not become ACTIVE in time"),
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
    tables.wait_deleted("orders", str(found.table_id), clock=clock, progress=NoProgress())
    assert tables.describe("orders") is None
    tables.delete("orders")


def test_another_table_of_the_same_name_counts_as_deleted(
    tables: Tables, clock: ManualClock
) -> None:
    tables.wait_deleted("orders", "of-an-older-one", clock=clock, progress=NoProgress())
    assert tables.describe("orders") is not None


def test_a_protected_table_is_not_deleted_and_the_reason_is_named(
    tables: Tables, clock: ManualClock
) -> None:
    tables.set_deletion_protection("orders", enabled=True)
    tables.wait_active("orders", clock=clock, progress=NoProgress())
    with pytest.raises(CheckFailed, match="the table orders has deletion protection enabled"):
        tables.delete("orders")


def test_a_table_that_is_being_changed_is_not_deleted(
    tables: Tables, server: SandboxServer
) -> None:
    set_faults(server.endpoint, table_status={"orders": "UPDATING"})
    with pytest.raises(Stopped, match="the table is in use"):
        tables.delete("orders")


def test_i2_a_backup_of_one_name_is_created_once(tables: Tables, clock: ManualClock) -> None:
    arn = tables.create_backup("orders", "retable-1")
    assert tables.create_backup("orders", "retable-1") == arn
    assert tables.backup_status(arn) == "CREATING"
    clock.sleep(5)
    assert tables.backup_status(arn) == "AVAILABLE"
    assert tables.create_backup("orders", "retable-2") != arn


def test_an_endpoint_that_is_not_dynamodb_is_a_named_error() -> None:
    with (
        sink(all_written) as (_, other),
        pytest.raises(Stopped, match="describing orders"),
    ):
        other.tables.describe("orders")
