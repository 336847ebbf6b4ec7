"""The server stays on loopback, logs nothing, and leaves nothing behind."""

import os
import socket
import sys
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

import boto3
import pytest

from retable.runner.failure import Refused
from retable.runner.sandbox.sandbox_client import SandboxClient
from retable.runner.sandbox.server import SandboxServer
from support.dynamodb_wire import Wire
from support.sandboxes import control, create, put


def _port(server: SandboxServer) -> int:
    return int(server.endpoint.rpartition(":")[2])


def _create_bucket(server: SandboxServer) -> None:
    with closing(SandboxClient(server.endpoint, "test")) as client:
        client.create_bucket("acme-bucket")


def _answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def _listeners(port: int) -> set[str]:
    """Return the local addresses that listen on ``port``, in the kernel's hexadecimal."""
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    lines = [line for table in tables if table.exists() for line in table.read_text().splitlines()]
    places = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    return {place.split(":")[0] for place in places if int(place.split(":")[1], 16) == port}


def test_its_host_is_localhost_and_it_listens_on_loopback_alone() -> None:
    with SandboxServer() as server:
        assert server.endpoint.startswith("http://localhost:")
        assert _answers("127.0.0.1", _port(server))
        allowed = {"0100007F", "00000000000000000000000001000000"}
        assert _listeners(_port(server)) <= allowed


def test_nothing_listens_before_it_starts_and_after_it_stops() -> None:
    server = SandboxServer()
    assert server.endpoint == "http://localhost:0"
    with server:
        port = _port(server)
    assert not _answers("127.0.0.1", port)


def test_a_connection_is_kept_and_ends_with_the_server() -> None:
    with SandboxServer() as server:
        wire = Wire(server.endpoint)
        create(wire)
        kept = wire.connection.sock
        assert kept is not None
        create(wire, "more")
        assert wire.connection.sock is kept
    with pytest.raises((ConnectionError, HTTPException)):
        wire.ask("ListTables", {})
    wire.__exit__()


def test_a_taken_port_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(Refused, match=f"port {port} on localhost is taken"),
            SandboxServer(port),
        ):
            pytest.fail("it served on a taken port")


def test_a_further_port_serves_the_same_state() -> None:
    with SandboxServer() as server, Wire(server.endpoint) as wire:
        create(wire)
        before = server.endpoint
        server.open(0)
        assert server.endpoint != before
        with Wire(server.endpoint) as other:
            assert other.done("ListTables", {})["TableNames"] == ["orders"]


def test_each_sandbox_begins_empty_and_an_outer_one_is_restored() -> None:
    with SandboxServer() as outer, Wire(outer.endpoint) as wire:
        create(wire)
        put(wire, 1)
        _create_bucket(outer)
        outer.sandbox.moto.put_object("acme-bucket", "a", b"outer")
        with SandboxServer() as inner, Wire(inner.endpoint) as other:
            assert other.done("ListTables", {})["TableNames"] == []
            create(other)
            assert other.done("Scan", {"TableName": "orders"})["Count"] == 0
            assert not inner.sandbox.moto.has_bucket("acme-bucket")
            _create_bucket(inner)
            _create_bucket(inner)
        assert wire.done("Scan", {"TableName": "orders"})["Count"] == 1
        assert outer.sandbox.moto.has_bucket("acme-bucket")


def test_without_moto_it_is_refused_with_an_install_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.startswith("retable.runner.sandbox.")]:
        if name.rpartition(".")[2] not in {"server", "options"}:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "moto", None)
    for name in [name for name in sys.modules if name.startswith("moto.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(Refused) as refused:
        SandboxServer()
    assert refused.value.message == "the sandbox needs moto"
    assert refused.value.hint == "pip install 'retable[sandbox]'"


def test_it_identifies_itself_and_refuses_unknown_paths() -> None:
    with SandboxServer() as server:
        report = control(server.endpoint, "sandbox")
        assert report["sandbox"] is True
        with pytest.raises(HTTPError, match="404"):
            control(server.endpoint, "nothing")
        with pytest.raises(HTTPError, match="400"):
            control(server.endpoint, "faults", {"no_such_fault": 1})


def test_every_answer_has_the_services_date() -> None:
    with SandboxServer() as server, Wire(server.endpoint) as wire:
        assert wire.ask("ListTables", {}).date is not None
        assert wire.ask("DescribeTable", {"TableName": "none"}).date is not None


def test_its_environment_points_any_sdk_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with SandboxServer() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        identity = boto3.client("sts").get_caller_identity()
        assert identity["Account"] == "123456789012"
        assert identity["Arn"] == "arn:aws:iam::123456789012:user/migrate"
        client = boto3.client("dynamodb")
        assert client.list_tables()["TableNames"] == []
        scaling = boto3.client("application-autoscaling")
        assert (
            scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"] == []
        )


def test_the_principal_is_named_after_the_access_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with SandboxServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        client = boto3.client(
            "sts",
            region_name="eu-west-1",
            aws_access_key_id="somebody",
            aws_secret_access_key="else",  # noqa: S106 -- any key opens the sandbox
        )
        assert client.get_caller_identity()["Arn"].endswith(":user/somebody")


def test_it_writes_nothing_on_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    with SandboxServer() as server, Wire(server.endpoint) as wire:
        create(wire)
        wire.ask("NoSuchOperation", {})
        wire.ask("PutItem", {"TableName": "orders", "Item": {"id": {"N": "x"}}})
        control(server.endpoint, "sandbox")
    assert capfd.readouterr() == ("", "")


def test_objects_of_any_size_are_stored_through_boto3() -> None:
    with SandboxServer() as server:
        client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 -- any key opens the sandbox
        )
        client.create_bucket(Bucket="acme-bucket")
        body = os.urandom(9_000_000)
        client.put_object(Bucket="acme-bucket", Key="a/b", Body=body)
        assert client.get_object(Bucket="acme-bucket", Key="a/b")["Body"].read() == body
