"""The sandbox exports as the service does: the export time, one per token, with manifests."""

import base64
import gzip
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from support.dynamodb_wire import Wire
from support.patience import PATIENCE_SECONDS
from support.sandboxes import ARN, ManualClock, create, enable_recovery, put, set_faults

REQUEST = {"TableArn": ARN.format("orders"), "S3Bucket": "acme-exports", "S3Prefix": "out"}


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


@pytest.fixture
def wire(server: SandboxServer) -> Iterator[Wire]:
    with Wire(server.endpoint) as connected:
        create(connected)
        yield connected


@pytest.fixture
def s3(server: SandboxServer) -> Any:
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 -- any key opens the sandbox
    )
    location = {"LocationConstraint": "eu-west-1"}
    client.create_bucket(Bucket="acme-exports", CreateBucketConfiguration=location)
    return client


def _export(wire: Wire, **more: Any) -> dict[str, Any]:
    answer = wire.done("ExportTableToPointInTime", {**REQUEST, **more})
    return dict(answer["ExportDescription"])


def _state(wire: Wire, arn: str) -> dict[str, Any]:
    return dict(wire.done("DescribeExport", {"ExportArn": arn})["ExportDescription"])


def _body(s3: Any, key: str) -> bytes:
    return bytes(s3.get_object(Bucket="acme-exports", Key=key)["Body"].read())


def test_an_export_holds_every_item_and_agrees_with_its_manifests(wire: Wire, s3: Any) -> None:
    enable_recovery(wire)
    for number in range(30):
        put(wire, number, n={"N": "1.50"}, b={"B": "AAH/"}, nothing={"NULL": True})
    done = _state(wire, _export(wire)["ExportArn"])
    assert (done["ExportStatus"], done["ItemCount"]) == ("COMPLETED", 30)
    summary = json.loads(_body(s3, done["ExportManifest"]))
    assert (summary["itemCount"], summary["tableId"]) == (30, done["TableId"])
    found = []
    for line in _body(s3, summary["manifestFilesS3Key"]).splitlines():
        entry = json.loads(line)
        body = _body(s3, entry["dataFileS3Key"])
        digest = hashlib.md5(body).digest()  # noqa: S324 -- the format's
        assert base64.b64decode(entry["md5Checksum"]) == digest
        head = s3.head_object(Bucket="acme-exports", Key=entry["dataFileS3Key"])
        assert head["ETag"] == f'"{entry["etag"]}"'
        found += [json.loads(one)["Item"] for one in gzip.decompress(body).splitlines()]
    assert sorted(item["id"]["S"] for item in found) == sorted(f"o-{n}" for n in range(30))
    rest = {"n": {"N": "1.5"}, "b": {"B": "AAH/"}, "nothing": {"NULL": True}}
    assert all({**item, "id": rest} == {**rest, "id": rest} for item in found)


def test_an_export_is_in_progress_first_and_has_the_items_of_its_export_time(
    server: SandboxServer, wire: Wire, s3: Any
) -> None:
    enable_recovery(wire)
    put(wire, 1)
    set_faults(server.endpoint, hold_exports=True)
    arn = _export(wire)["ExportArn"]
    put(wire, 2)
    wire.done("DeleteTable", {"TableName": "orders"})
    assert _state(wire, arn)["ExportStatus"] == "IN_PROGRESS"
    set_faults(server.endpoint, hold_exports=False)
    give_up = time.monotonic() + PATIENCE_SECONDS
    while (state := _state(wire, arn))["ExportStatus"] == "IN_PROGRESS":
        assert time.monotonic() < give_up
        time.sleep(0.01)
    assert (state["ExportStatus"], state["ItemCount"]) == ("COMPLETED", 1)
    assert json.loads(_body(s3, state["ExportManifest"]))["itemCount"] == 1


def test_an_export_takes_as_long_as_configured() -> None:
    clock = ManualClock()
    options = SandboxOptions(clock=clock, export_seconds=60)
    with SandboxServer(options=options) as server, Wire(server.endpoint) as wire:
        create(wire)
        enable_recovery(wire)
        arn = _export(wire)["ExportArn"]
        time.sleep(0.1)
        assert _state(wire, arn)["ExportStatus"] == "IN_PROGRESS"
        clock.sleep(61)
        give_up = time.monotonic() + PATIENCE_SECONDS
        while _state(wire, arn)["ExportStatus"] == "IN_PROGRESS":
            assert time.monotonic() < give_up
            time.sleep(0.01)


def test_an_export_needs_point_in_time_recovery(wire: Wire) -> None:
    reply = wire.ask("ExportTableToPointInTime", REQUEST)
    assert reply.code == "PointInTimeRecoveryUnavailableException"


def test_a_token_identifies_one_export(wire: Wire, s3: Any) -> None:
    del s3
    enable_recovery(wire)
    first = _export(wire, ClientToken="one")["ExportArn"]
    assert _export(wire, ClientToken="one")["ExportArn"] == first
    other = {**REQUEST, "S3Prefix": "else", "ClientToken": "one"}
    assert wire.ask("ExportTableToPointInTime", other).code == "ExportConflictException"
    assert _export(wire)["ExportArn"] != first
    assert _export(wire)["ClientToken"]


def test_a_refused_request_does_not_reserve_its_token(wire: Wire, s3: Any) -> None:
    del s3
    body = {**REQUEST, "ClientToken": "one"}
    assert wire.ask("ExportTableToPointInTime", body).code is not None
    enable_recovery(wire)
    assert _export(wire, ClientToken="one", S3Prefix="else")["ExportArn"]


def test_a_missing_bucket_is_accepted_and_fails_later(wire: Wire) -> None:
    enable_recovery(wire)
    started = _export(wire, S3Bucket="nobodys")
    assert started["ExportStatus"] == "IN_PROGRESS"
    ended = _state(wire, started["ExportArn"])
    assert (ended["ExportStatus"], ended["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    assert "nobodys" in ended["FailureMessage"]


def test_a_failure_can_be_injected(server: SandboxServer, wire: Wire, s3: Any) -> None:
    del s3
    enable_recovery(wire)
    set_faults(server.endpoint, export_failure="S3AccessDenied")
    assert _state(wire, _export(wire)["ExportArn"])["FailureCode"] == "S3AccessDenied"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ExportType": "INCREMENTAL_EXPORT"}, "ValidationException"),
        ({"ExportFormat": "PARQUET"}, "ValidationException"),
        ({"S3Bucket": None}, "ValidationException"),
        ({"ExportTime": 1.0}, "InvalidExportTimeException"),
        ({"TableArn": ARN.format("other")}, "TableNotFoundException"),
    ],
)
def test_what_cannot_be_exported_is_refused(wire: Wire, change: dict[str, Any], code: str) -> None:
    enable_recovery(wire)
    assert wire.ask("ExportTableToPointInTime", {**REQUEST, **change}).code == code


def test_exports_are_listed_newest_first_and_outlive_their_table(wire: Wire, s3: Any) -> None:
    del s3
    enable_recovery(wire)
    made = [_export(wire, S3Prefix=f"p{number}")["ExportArn"] for number in range(3)]
    wire.done("DeleteTable", {"TableName": "orders"})
    first = wire.done("ListExports", {"TableArn": REQUEST["TableArn"], "MaxResults": 2})
    rest = wire.done("ListExports", {"MaxResults": 2, "NextToken": first["NextToken"]})
    listed = [one["ExportArn"] for one in first["ExportSummaries"] + rest["ExportSummaries"]]
    assert listed == sorted(made, reverse=True)


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("nonsense", "ValidationException"),
        (f"{REQUEST['TableArn']}/export/01790000000000-0a1b2c3d", "ExportNotFoundException"),
    ],
)
def test_an_unknown_export_is_not_found(wire: Wire, arn: str, code: str) -> None:
    assert wire.ask("DescribeExport", {"ExportArn": arn}).code == code
