"""The sandbox's incremental exports: one line per item that changed in a window."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from support.dynamodb_wire import Wire
from support.sandboxes import ARN, START, ManualClock, create, enable_recovery, put


class Bed:
    """A sandbox with a manual clock, one table with point-in-time recovery, and a bucket."""

    def __init__(self, clock: ManualClock, wire: Wire, s3: Any) -> None:
        self.clock = clock
        self.wire = wire
        self.s3 = s3

    def ask(self, start: float, end: float | None = None, **more: Any) -> Any:
        """Request an export of the window, in seconds since the clock's start."""
        began = START.timestamp()
        specification = {"ExportFromTime": began + start, **more.pop("spec", {})}
        if end is not None:
            specification["ExportToTime"] = began + end
        return self.wire.ask(
            "ExportTableToPointInTime",
            {
                "TableArn": ARN.format("orders"),
                "S3Bucket": "acme-exports",
                "S3Prefix": "out",
                "ExportType": "INCREMENTAL_EXPORT",
                "IncrementalExportSpecification": specification,
                **more,
            },
        )

    def lines(self, start: float, end: float | None = None, **more: Any) -> list[dict[str, Any]]:
        """Return the lines of an export of the window, in the order of their keys."""
        reply = self.ask(start, end, **more)
        assert reply.code is None, reply
        description = reply.body["ExportDescription"]
        state = self.wire.done("DescribeExport", {"ExportArn": description["ExportArn"]})
        self.description: dict[str, Any] = state["ExportDescription"]
        assert self.description["ExportStatus"] == "COMPLETED"
        self.summary: dict[str, Any] = json.loads(self.body(self.description["ExportManifest"]))
        found = []
        for entry in self.body(self.summary["manifestFilesS3Key"]).splitlines():
            self.key = json.loads(entry)["dataFileS3Key"]
            found += gzip.decompress(self.body(self.key)).splitlines()
        assert len(found) == self.summary["itemCount"]
        return sorted(map(json.loads, found), key=lambda line: str(line["Keys"]["id"]["S"]))

    def body(self, key: str) -> bytes:
        """Return an object."""
        return bytes(self.s3.get_object(Bucket="acme-exports", Key=key)["Body"].read())


def shape(line: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return a line's id, and the attribute ``v`` of its old and new image."""
    images = (line.get(name, {}).get("v", {}).get("N") for name in ("OldImage", "NewImage"))
    return line["Keys"]["id"]["S"], *images


@pytest.fixture
def bed() -> Iterator[Bed]:
    clock = ManualClock()
    options = SandboxOptions(clock=clock)
    with SandboxServer(options=options) as server, Wire(server.endpoint) as wire:
        client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 -- any key opens the sandbox
        )
        location = {"LocationConstraint": "eu-west-1"}
        client.create_bucket(Bucket="acme-exports", CreateBucketConfiguration=location)
        create(wire)
        put(wire, 0, v={"N": "0"})
        enable_recovery(wire)
        clock.sleep(10)
        yield Bed(clock, wire, client)
        client.close()


def test_an_insert_an_update_and_a_delete_have_the_images_of_the_service(bed: Bed) -> None:
    put(bed.wire, 1, v={"N": "1"})
    put(bed.wire, 2, v={"N": "1"})
    bed.clock.sleep(10)
    put(bed.wire, 1, v={"N": "2"})
    put(bed.wire, 1, v={"N": "3"})
    bed.wire.done("DeleteItem", {"TableName": "orders", "Key": {"id": {"S": "o-2"}}})
    put(bed.wire, 3, v={"N": "1"})
    put(bed.wire, 4)
    bed.wire.done("DeleteItem", {"TableName": "orders", "Key": {"id": {"S": "o-4"}}})
    bed.clock.sleep(10)
    lines = bed.lines(15, 25)
    assert [shape(line) for line in lines] == [
        ("o-1", "1", "3"),
        ("o-2", "1", None),
        ("o-3", None, "1"),
    ]
    assert [list(line) for line in lines] == [
        ["Metadata", "Keys", "OldImage", "NewImage"],
        ["Metadata", "Keys", "OldImage"],
        ["Metadata", "Keys", "NewImage"],
    ]
    micros = str(round((START.timestamp() + 20) * 1_000_000))
    assert lines[0]["Metadata"] == {"WriteTimestampMicros": {"N": micros}}
    plain = bed.lines(15, 25, spec={"ExportViewType": "NEW_IMAGE"})
    assert [shape(line) for line in plain] == [
        ("o-1", None, "3"),
        ("o-2", None, None),
        ("o-3", None, "1"),
    ]
    assert list(plain[1]) == ["Metadata", "Keys"]


def test_the_manifests_have_the_window_and_share_one_data_folder(bed: Bed) -> None:
    bed.clock.sleep(20)
    assert bed.lines(10, 25) == []
    assert bed.summary["version"] == "2023-08-01"
    assert bed.summary["exportType"] == bed.description["ExportType"] == "INCREMENTAL_EXPORT"
    assert bed.summary["exportFromTime"] == "2026-11-20T02:00:10.000Z"
    assert bed.summary["exportToTime"] == "2026-11-20T02:00:25.000Z"
    assert "exportTime" not in bed.summary
    assert "ExportTime" not in bed.description
    assert bed.summary["outputView"] == "NEW_AND_OLD_IMAGES"
    assert bed.summary["billedSizeBytes"] == 10_000_000
    assert bed.key.startswith("out/AWSDynamoDB/data/")
    listed = bed.wire.done("ListExports", {})["ExportSummaries"]
    assert [entry["ExportType"] for entry in listed] == ["INCREMENTAL_EXPORT"]


def test_a_window_includes_its_start_and_excludes_its_end(bed: Bed) -> None:
    put(bed.wire, 1)
    bed.clock.sleep(10)
    put(bed.wire, 2)
    bed.clock.sleep(10)
    assert [line["Keys"]["id"]["S"] for line in bed.lines(10, 20)] == ["o-1"]
    assert [line["Keys"]["id"]["S"] for line in bed.lines(20, 30)] == ["o-2"]


def test_without_an_end_a_window_reaches_to_now_and_the_next_one_joins_it(bed: Bed) -> None:
    put(bed.wire, 1)
    first = bed.lines(5)
    end = bed.description["IncrementalExportSpecification"]["ExportToTime"] - START.timestamp()
    put(bed.wire, 2)
    second = bed.lines(end)
    ids = [line["Keys"]["id"]["S"] for line in (*first, *second)]
    assert ids == ["o-1", "o-2"]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (
            "UpdateItem",
            {
                "TableName": "orders",
                "Key": {"id": {"S": "o-0"}},
                "UpdateExpression": "SET v = :v",
                "ExpressionAttributeValues": {":v": {"N": "7"}},
            },
        ),
        (
            "PutItem",
            {
                "TableName": "orders",
                "Item": {"id": {"S": "o-0"}, "v": {"N": "7"}},
                "ConditionExpression": "attribute_exists(id)",
            },
        ),
        (
            "BatchWriteItem",
            {
                "RequestItems": {
                    "orders": [{"PutRequest": {"Item": {"id": {"S": "o-0"}, "v": {"N": "7.0"}}}}]
                }
            },
        ),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "orders", "Item": {"id": {"S": "o-0"}, "v": {"N": "7"}}}}
                ]
            },
        ),
        (
            "ExecuteStatement",
            {
                "Statement": 'UPDATE "orders" SET v = ? WHERE id = ?',
                "Parameters": [{"N": "7"}, {"S": "o-0"}],
            },
        ),
    ],
)
def test_every_way_of_writing_is_recorded(bed: Bed, operation: str, body: dict[str, Any]) -> None:
    bed.wire.done(operation, body)
    bed.clock.sleep(5)
    assert [shape(line) for line in bed.lines(9, 14)] == [("o-0", "0", "7")]


def test_inserts_and_deletes_by_statement_are_recorded(bed: Bed) -> None:
    insert = "INSERT INTO \"orders\" VALUE {'id': 'o-9', 'v': 1}"
    delete = "DELETE FROM \"orders\" WHERE id = 'o-0'"
    bed.wire.done("BatchExecuteStatement", {"Statements": [{"Statement": insert}]})
    bed.wire.done("ExecuteStatement", {"Statement": delete})
    bed.clock.sleep(5)
    assert [shape(line) for line in bed.lines(9, 14)] == [("o-0", "0", None), ("o-9", None, "1")]


def test_refused_writes_and_writes_without_changes_are_not_recorded(bed: Bed) -> None:
    condition = {"ConditionExpression": "attribute_not_exists(id)"}
    item = {"id": {"S": "o-0"}, "v": {"N": "7"}}
    refused = bed.wire.ask("PutItem", {"TableName": "orders", "Item": item, **condition})
    assert refused.code == "ConditionalCheckFailedException"
    assert bed.wire.ask("PutItem", {"TableName": "orders", "Item": {"v": {"N": "1"}}}).code
    put(bed.wire, 0, v={"N": "0"})
    bed.wire.done("DeleteItem", {"TableName": "orders", "Key": {"id": {"S": "none"}}})
    bed.clock.sleep(5)
    assert bed.lines(9, 14) == []


def test_expired_items_are_recorded_as_deleted() -> None:
    clock = ManualClock()
    options = SandboxOptions(clock=clock, ttl_seconds=0.01)
    with SandboxServer(options=options) as server, Wire(server.endpoint) as wire:
        create(wire)
        enable_recovery(wire)
        wire.done(
            "UpdateTimeToLive",
            {
                "TableName": "orders",
                "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "until"},
            },
        )
        clock.sleep(5)
        put(wire, 1, until={"N": str(int(START.timestamp()))})
        for _ in range(500):
            if wire.done("Scan", {"TableName": "orders", "Select": "COUNT"})["Count"] == 0:
                break
        (table,) = server.sandbox.state.tables("eu-west-1")
        log = server.sandbox.state.extras(table).log
        assert log is not None
        assert [(change.old is None, change.new is None) for change in log.changes] == [
            (True, False),
            (False, True),
        ]


def test_a_window_before_recovery_was_enabled_is_refused(bed: Bed) -> None:
    assert bed.ask(-5, 8).code == "InvalidExportTimeException"
    for on in (False, True):
        wanted = {"PointInTimeRecoveryEnabled": on}
        body = {"TableName": "orders", "PointInTimeRecoverySpecification": wanted}
        bed.wire.done("UpdateContinuousBackups", body)
    assert bed.ask(5, 10).code == "InvalidExportTimeException"


@pytest.mark.parametrize(
    ("start", "end", "more", "code"),
    [
        (5, 5, {}, "InvalidExportTimeException"),
        (8, 5, {}, "InvalidExportTimeException"),
        (5, 1000, {}, "InvalidExportTimeException"),
        (5, 9, {"spec": {"ExportViewType": "OLD_IMAGE"}}, "ValidationException"),
        (5, 9, {"IncrementalExportSpecification": {}}, "ValidationException"),
        (5, 9, {"ExportType": "PART_EXPORT"}, "ValidationException"),
    ],
)
def test_an_invalid_window_is_refused(
    bed: Bed, start: float, end: float, more: dict[str, Any], code: str
) -> None:
    assert bed.ask(start, end, **more).code == code


def test_a_window_has_the_length_that_the_service_requires() -> None:
    clock = ManualClock()
    options = SandboxOptions(clock=clock, window_seconds=900)
    with SandboxServer(options=options) as server, Wire(server.endpoint) as wire:
        create(wire)
        enable_recovery(wire)
        clock.sleep(3 * 24 * 3600)
        bed = Bed(clock, wire, None)
        assert bed.ask(0, 899).code == "InvalidExportTimeException"
        assert bed.ask(0, 24 * 3600 + 1).code == "InvalidExportTimeException"
        assert bed.ask(0, 900).code is None
        assert bed.ask(0, 24 * 3600).code is None


def test_ion_says_the_same(bed: Bed) -> None:
    put(bed.wire, 1, v={"N": "1"})
    bed.clock.sleep(5)
    reply = bed.ask(9, 14, ExportFormat="ION").body["ExportDescription"]
    done = bed.wire.done("DescribeExport", {"ExportArn": reply["ExportArn"]})["ExportDescription"]
    summary = json.loads(bed.body(done["ExportManifest"]))
    assert summary["outputFormat"] == "ION"
    keys = [
        json.loads(one)["dataFileS3Key"]
        for one in bed.body(summary["manifestFilesS3Key"]).splitlines()
    ]
    assert all(key.endswith(".ion.gz") for key in keys)
    text = b"".join(gzip.decompress(bed.body(key)) for key in keys)
    assert text.startswith(b"$ion_1_0 {Record:{Metadata:{WriteTimestampMicros:")
    assert text.count(b"\n") == 1


def test_a_full_export_of_the_past_has_the_items_of_that_time(bed: Bed) -> None:
    put(bed.wire, 1, v={"N": "1"})
    bed.clock.sleep(10)
    put(bed.wire, 1, v={"N": "2"})
    put(bed.wire, 2)
    bed.wire.done("DeleteItem", {"TableName": "orders", "Key": {"id": {"S": "o-0"}}})
    then = {"ExportTime": START.timestamp() + 15}
    request = {"TableArn": ARN.format("orders"), "S3Bucket": "acme-exports", **then}
    made = bed.wire.done("ExportTableToPointInTime", request)["ExportDescription"]
    assert made["ExportTime"] == then["ExportTime"]
    told = bed.wire.done("DescribeExport", {"ExportArn": made["ExportArn"]})["ExportDescription"]
    summary = json.loads(bed.body(told["ExportManifest"]))
    found = {}
    for entry in bed.body(summary["manifestFilesS3Key"]).splitlines():
        for line in gzip.decompress(bed.body(json.loads(entry)["dataFileS3Key"])).splitlines():
            item = json.loads(line)["Item"]
            found[item["id"]["S"]] = item["v"]["N"]
    assert found == {"o-0": "0", "o-1": "1"}


@pytest.mark.parametrize("seconds", [-5, 1_000])
def test_an_unknown_time_cannot_be_exported(bed: Bed, seconds: int) -> None:
    request = {
        "TableArn": ARN.format("orders"),
        "S3Bucket": "acme-exports",
        "ExportTime": START.timestamp() + seconds,
    }
    assert bed.wire.ask("ExportTableToPointInTime", request).code == "InvalidExportTimeException"
