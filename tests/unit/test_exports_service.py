"""Exports by the service: started once per token, awaited however long they take."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from retable.runner.aws.session import Aws, connect
from retable.runner.failure import Refused, Stopped
from retable.runner.progress import NoProgress
from retable.runner.sandbox.sandbox_client import SandboxClient
from retable.runner.sandbox.sandbox_options import ACCESS_KEY, SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from retable.runner.table.export_request import ExportRequest
from support.dynamodb_wire import Wire
from support.sandboxes import ARN, ManualClock, create, enable_recovery, put, set_faults

ORDERS = ARN.format("orders")


def wanted(prefix: str = "orders", **more: Any) -> ExportRequest:
    plain = ExportRequest(
        table_arn=ORDERS, bucket="acme-exports", prefix=prefix, format="DYNAMODB_JSON"
    )
    return replace(plain, **more)


HOURS = 3 * 3600.0


class Notes(NoProgress):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server(clock: ManualClock) -> Iterator[SandboxServer]:
    options = SandboxOptions(clock=clock, export_seconds=HOURS)
    with SandboxServer(options=options) as running, Wire(running.endpoint) as wire:
        client = SandboxClient(running.endpoint, ACCESS_KEY)
        client.create_bucket("acme-exports")
        client.close()
        create(wire)
        put(wire, 1)
        yield running


@pytest.fixture
def aws(server: SandboxServer, clock: ManualClock) -> Aws:
    return connect(None, environ=server.environment(), clock=clock)


def test_an_export_needs_recovery_and_says_so(aws: Aws) -> None:
    with pytest.raises(Refused, match="has no point-in-time recovery"):
        aws.exports.start(wanted("orders"), "token-1")


def test_an_export_of_hours_is_awaited(aws: Aws, server: SandboxServer, clock: ManualClock) -> None:
    """boto3's own waiter gives up after twenty minutes."""
    with Wire(server.endpoint) as wire:
        enable_recovery(wire)
    notes = Notes()
    arn = aws.exports.start(wanted("orders"), "token-1")
    assert aws.exports.describe(arn).status == "IN_PROGRESS"
    state = aws.exports.wait(arn, clock=clock, progress=notes)
    assert (state.status, state.item_count, state.failure) == ("COMPLETED", 1, None)
    assert state.id == arn.rpartition("/")[2]
    assert state.export_time is not None
    assert state.export_time.tzinfo is not None
    assert clock.monotonic() >= HOURS
    assert "in progress" in notes.texts[0]
    key = f"orders/AWSDynamoDB/{state.id}/manifest-summary.json"
    assert key in list(aws.objects.list_keys("acme-exports", "orders/"))


def test_an_export_that_never_ends_stops_the_run(
    aws: Aws, server: SandboxServer, clock: ManualClock
) -> None:
    with Wire(server.endpoint) as wire:
        enable_recovery(wire)
    arn = aws.exports.start(wanted(), "token-1")
    with pytest.raises(Stopped, match=r"is still IN_PROGRESS after 3[0-9]{2} s") as stopped:
        aws.exports.wait(arn, clock=clock, progress=NoProgress(), patience=300)
    assert stopped.value.hint is not None
    assert "resume to keep waiting" in stopped.value.hint
    state = aws.exports.wait(arn, clock=clock, progress=NoProgress())
    assert state.status == "COMPLETED"


def test_an_export_has_the_requested_parameters(aws: Aws, server: SandboxServer) -> None:
    with Wire(server.endpoint) as wire:
        enable_recovery(wire)
        own = {"bucket_owner": "123456789012", "kms_key": "alias/exports"}
        arn = aws.exports.start(wanted(format="ION", **own), "token-1")
        found = wire.done("DescribeExport", {"ExportArn": arn})["ExportDescription"]
        assert found["ExportFormat"] == "ION"
        assert (found["S3SseAlgorithm"], found["S3SseKmsKeyId"]) == ("KMS", "alias/exports")
        assert found["S3BucketOwner"] == "123456789012"
        arn = aws.exports.start(wanted(), "token-2")
        plain = wire.done("DescribeExport", {"ExportArn": arn})["ExportDescription"]
        assert plain["S3SseAlgorithm"] == "AES256"
        assert not {"S3SseKmsKeyId", "S3BucketOwner"} & set(plain)


def test_i2_one_token_starts_one_export(aws: Aws, server: SandboxServer) -> None:
    with Wire(server.endpoint) as wire:
        enable_recovery(wire)
    first = aws.exports.start(wanted(""), "token-1")
    assert aws.exports.start(wanted(""), "token-1") == first
    assert aws.exports.start(wanted(""), "token-2") != first


def test_a_failed_export_has_the_services_own_reason(
    aws: Aws, server: SandboxServer, clock: ManualClock
) -> None:
    with Wire(server.endpoint) as wire:
        enable_recovery(wire)
    set_faults(server.endpoint, export_failure="S3NoSuchBucket")
    arn = aws.exports.start(wanted("orders"), "token-1")
    state = aws.exports.wait(arn, clock=clock, progress=NoProgress())
    assert state.status == "FAILED"
    assert state.failure is not None
    assert state.failure.startswith("S3NoSuchBucket")


def test_an_unknown_export_stops_with_its_name(aws: Aws) -> None:
    with pytest.raises(Stopped, match="describing the export"):
        aws.exports.describe(f"{ORDERS}/export/01790000000000-00000000")
