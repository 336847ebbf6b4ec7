"""Tables take their time, keep their backups and resist their deletion as in DynamoDB."""

from collections.abc import Iterator

import pytest

from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from support.dynamodb_wire import Wire
from support.sandboxes import ManualClock, count, create, put, set_faults

NAME = {"TableName": "orders"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server(clock: ManualClock) -> Iterator[SandboxServer]:
    options = SandboxOptions(
        clock=clock, creating_seconds=5, updating_seconds=5, deleting_seconds=5, backup_seconds=5
    )
    with SandboxServer(options=options) as running:
        yield running


@pytest.fixture
def wire(server: SandboxServer) -> Iterator[Wire]:
    with Wire(server.endpoint) as connected:
        yield connected


def _status(wire: Wire) -> str:
    return str(wire.done("DescribeTable", NAME)["Table"]["TableStatus"])


def test_a_table_is_creating_before_it_can_be_used(wire: Wire, clock: ManualClock) -> None:
    assert create(wire)["TableStatus"] == "CREATING"
    assert _status(wire) == "CREATING"
    item = {**NAME, "Item": {"id": {"S": "a"}}}
    assert wire.ask("PutItem", item).code == "ResourceNotFoundException"
    assert wire.ask("DeleteTable", NAME).code == "ResourceInUseException"
    clock.sleep(5)
    assert _status(wire) == "ACTIVE"
    wire.done("PutItem", item)


def test_a_table_that_is_updating_can_be_written_but_not_deleted(
    wire: Wire, clock: ManualClock
) -> None:
    create(wire)
    clock.sleep(5)
    wire.done("UpdateTable", {**NAME, "DeletionProtectionEnabled": True})
    assert _status(wire) == "UPDATING"
    put(wire, 1)
    for operation in ("DeleteTable", "UpdateTable"):
        assert wire.ask(operation, NAME).code == "ResourceInUseException"
    clock.sleep(5)
    assert _status(wire) == "ACTIVE"


def test_a_table_that_is_deleting_still_answers_and_then_is_deleted(
    wire: Wire, clock: ManualClock
) -> None:
    create(wire)
    clock.sleep(5)
    assert wire.done("DeleteTable", NAME)["TableDescription"]["TableStatus"] == "DELETING"
    assert wire.done("DeleteTable", NAME)["TableDescription"]["TableStatus"] == "DELETING"
    put(wire, 1)
    clock.sleep(5)
    assert wire.ask("DescribeTable", NAME).code == "ResourceNotFoundException"
    assert wire.done("ListTables", {})["TableNames"] == []


def test_a_protected_table_is_not_deleted(wire: Wire, clock: ManualClock) -> None:
    create(wire, DeletionProtectionEnabled=True)
    clock.sleep(5)
    assert wire.ask("DeleteTable", NAME).code == "ValidationException"
    wire.done("UpdateTable", {**NAME, "DeletionProtectionEnabled": False})
    clock.sleep(5)
    wire.done("DeleteTable", NAME)


def test_a_backup_in_creation_blocks_deletion_and_outlives_its_table(
    wire: Wire, clock: ManualClock
) -> None:
    table_id = create(wire)["TableId"]
    clock.sleep(5)
    put(wire, 1, v={"B": "AAH/"})
    made = wire.done("CreateBackup", {**NAME, "BackupName": "before"})["BackupDetails"]
    assert made["BackupStatus"] == "CREATING"
    assert wire.ask("DeleteTable", NAME).code == "ResourceInUseException"
    put(wire, 2)
    clock.sleep(5)
    wire.done("DeleteTable", NAME)
    clock.sleep(5)
    arn = {"BackupArn": made["BackupArn"]}
    kept = wire.done("DescribeBackup", arn)["BackupDescription"]
    assert kept["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    assert kept["SourceTableDetails"]["TableId"] == table_id
    (listed,) = wire.done("ListBackups", NAME)["BackupSummaries"]
    assert (listed["BackupName"], listed["BackupStatus"]) == ("before", "AVAILABLE")
    wire.done("RestoreTableFromBackup", {**arn, "TargetTableName": "restored"})
    clock.sleep(5)
    assert wire.done("Scan", {"TableName": "restored"})["Items"] == [
        {"id": {"S": "o-1"}, "v": {"B": "AAH/"}}
    ]


def test_a_backup_is_not_changed_by_later_updates(wire: Wire, clock: ManualClock) -> None:
    create(wire)
    clock.sleep(5)
    put(wire, 1, tags={"SS": ["a"]})
    made = wire.done("CreateBackup", {**NAME, "BackupName": "before"})["BackupDetails"]
    wire.done(
        "UpdateItem",
        {
            **NAME,
            "Key": {"id": {"S": "o-1"}},
            "UpdateExpression": "ADD tags :t",
            "ExpressionAttributeValues": {":t": {"SS": ["b"]}},
        },
    )
    arn = {"BackupArn": made["BackupArn"]}
    clock.sleep(5)
    wire.done("RestoreTableFromBackup", {**arn, "TargetTableName": "restored"})
    clock.sleep(5)
    (item,) = wire.done("Scan", {"TableName": "restored"})["Items"]
    assert item["tags"] == {"SS": ["a"]}


def test_a_fault_holds_a_table_in_a_status(
    server: SandboxServer, wire: Wire, clock: ManualClock
) -> None:
    create(wire)
    clock.sleep(5)
    set_faults(server.endpoint, table_status={"orders": "UPDATING"})
    clock.sleep(500)
    assert _status(wire) == "UPDATING"
    assert wire.ask("DeleteTable", NAME).code == "ResourceInUseException"
    set_faults(server.endpoint, table_status={})
    assert _status(wire) == "ACTIVE"


def test_returned_attributes_keep_their_binary(wire: Wire, clock: ManualClock) -> None:
    create(wire)
    clock.sleep(5)
    put(wire, 1, v={"B": "AAH/"}, n={"N": "1.0"})
    key = {**NAME, "Key": {"id": {"S": "o-1"}}}
    change = {"UpdateExpression": "SET w = :w", "ExpressionAttributeValues": {":w": {"N": "1e1"}}}
    new = wire.done("UpdateItem", {**key, **change, "ReturnValues": "ALL_NEW"})["Attributes"]
    assert new == {
        "id": {"S": "o-1"},
        "v": {"B": "AAH/"},
        "n": {"N": "1"},
        "w": {"N": "10"},
    }
    old = wire.done("DeleteItem", {**key, "ReturnValues": "ALL_OLD"})["Attributes"]
    assert old == new
    assert count(wire) == 0


def test_a_refused_update_leaves_nothing_behind(wire: Wire, clock: ManualClock) -> None:
    create(wire)
    clock.sleep(5)
    change = {
        "UpdateExpression": "SET w = w + :w",
        "ExpressionAttributeValues": {":w": {"N": "1"}},
    }
    reply = wire.ask("UpdateItem", {**NAME, "Key": {"id": {"S": "new"}}, **change})
    assert reply.code == "ValidationException"
    assert count(wire) == 0


def test_a_condition_decides(wire: Wire, clock: ManualClock) -> None:
    create(wire)
    clock.sleep(5)
    condition = {"ConditionExpression": "attribute_not_exists(id)"}
    body = {**NAME, "Item": {"id": {"S": "a"}, "n": {"N": "1.50"}}, **condition}
    wire.done("PutItem", body)
    assert wire.ask("PutItem", body).code == "ConditionalCheckFailedException"
    assert wire.done("Scan", NAME)["Items"] == [{"id": {"S": "a"}, "n": {"N": "1.5"}}]


def test_a_table_streams_to_kinesis_until_that_is_disabled(wire: Wire, clock: ManualClock) -> None:
    create(wire)
    clock.sleep(5)
    stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/changes"
    asked = {**NAME, "StreamArn": stream}
    on, off = "EnableKinesisStreamingDestination", "DisableKinesisStreamingDestination"
    assert wire.ask(on, {**NAME, "StreamArn": "x"}).code == "ValidationException"
    wire.done(on, asked)
    assert wire.ask(on, asked).code == "ResourceInUseException"
    found = wire.done("DescribeKinesisStreamingDestination", NAME)
    [one] = found["KinesisDataStreamDestinations"]
    assert (one["StreamArn"], one["DestinationStatus"]) == (stream, "ACTIVE")
    wire.done(off, asked)
    assert wire.ask(off, asked).code == "ResourceNotFoundException"
    found = wire.done("DescribeKinesisStreamingDestination", NAME)
    assert found["KinesisDataStreamDestinations"] == []


def test_insights_are_of_a_table_or_an_index_and_keep_their_mode(wire: Wire) -> None:
    create(wire)
    action = {**NAME, "ContributorInsightsAction": "ENABLE"}
    wire.done("UpdateContributorInsights", action)
    wire.done(
        "UpdateContributorInsights",
        {**action, "IndexName": "by_n", "ContributorInsightsMode": "THROTTLED_KEYS"},
    )
    table = wire.done("DescribeContributorInsights", NAME)
    index = wire.done("DescribeContributorInsights", {**NAME, "IndexName": "by_n"})
    assert table["ContributorInsightsMode"] == "ACCESSED_AND_THROTTLED_KEYS"
    assert index["ContributorInsightsMode"] == "THROTTLED_KEYS"
