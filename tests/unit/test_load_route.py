"""The route to the service: direct or through a proxy, and only with a trusted certificate."""

import asyncio
import ssl
from base64 import b64encode
from contextlib import aclosing
from pathlib import Path

import pytest

from retable.runner.aws.session import Aws, connect
from retable.runner.clock import SystemClock
from retable.runner.failure import Stopped
from retable.runner.load.client import BatchClient
from retable.runner.load.connection import NoResponseError, Response
from retable.runner.load.pool import Pool, UntrustedError
from retable.runner.load.route import Place, Route, route_to
from support.peers import answers, answers_once, certificate, forward, ok, peer, straight

BASIC = "Proxy-Authorization: Basic " + b64encode(b"ada:s3cret").decode() + "\r\n"
KEYS = {"AWS_ACCESS_KEY_ID": "LOADER", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def aws(endpoint: str = "") -> Aws:
    return connect(
        "eu-west-1", environ={**KEYS, **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})}
    )


async def posted(route: Route) -> Response:
    async with aclosing(Pool(route, 1)) as http:
        return await http.post(b"", b"{}")


def trusting(bundle: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(bundle))


def test_aws_is_reached_over_https_and_its_certificate_is_checked() -> None:
    route = route_to(aws())
    assert (route.service.name, route.path) == ("dynamodb.eu-west-1.amazonaws.com:443", "/")
    assert route.proxy is None
    assert route.service.tls is not None
    assert route.service.tls.verify_mode is ssl.CERT_REQUIRED
    assert route.service.tls.check_hostname


def test_a_path_of_the_endpoint_is_kept() -> None:
    assert route_to(aws("http://localhost:8123/a/b c%20d")).head == (
        b"POST /a/b%20c%20d HTTP/1.1\r\n"
    )


def test_a_service_with_a_trusted_certificate_gets_requests(tmp_path: Path) -> None:
    serving, bundle = certificate(tmp_path)

    async def ask() -> Response:
        async with peer(answers(ok(b"{}")), serving) as (_, port):
            return await posted(straight(port, trusting(bundle)))

    assert asyncio.run(ask()).content == b"{}"


@pytest.mark.parametrize(("host", "known"), [("127.0.0.1", False), ("localhost", True)])
def test_nothing_is_sent_where_the_certificate_is_not_trusted(
    tmp_path: Path,
    host: str,
    known: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """Its issuer is unknown, or it is another host's."""
    serving, bundle = certificate(tmp_path)
    tls = trusting(bundle) if known else ssl.create_default_context()

    async def ask() -> None:
        async with peer(answers(ok(b"{}")), serving) as (found, port):
            with pytest.raises(UntrustedError):
                await posted(straight(port, tls, host))
            assert found.heads == []

    asyncio.run(ask())


def test_a_load_stops_at_an_untrusted_certificate_and_trusts_the_configured_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, bundle = certificate(tmp_path)

    async def ask() -> str:
        async with peer(answers(ok(b"{}")), serving) as (_, port):
            there = aws(f"https://127.0.0.1:{port}")
            async with aclosing(Pool(route_to(there), 1)) as http:
                client = BatchClient(http, there, "orders-v2", SystemClock())
                return (await client.put([b"{}"])).kind.name

    with pytest.raises(
        Stopped, match=r"the certificate of https://127\.0\.0\.1:\d+ is not trusted"
    ):
        asyncio.run(ask())
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    assert asyncio.run(ask()) == "WRITTEN"


def test_a_service_without_tls_behind_an_https_url_is_no_connection(tmp_path: Path) -> None:
    _, bundle = certificate(tmp_path)

    async def ask() -> None:
        async with peer(answers_once(ok(b"{}"))) as (_, port):
            await posted(straight(port, trusting(bundle)))

    with pytest.raises(NoResponseError, match="no connection"):
        asyncio.run(ask())


@pytest.mark.parametrize("named", ["http://ada:s3cret@gate:8080", "ada:s3cret@gate:8080"])
def test_the_proxy_of_the_environment_gets_its_credentials(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", named)
    route = route_to(aws())
    assert route.proxy == Place(host="gate", port=8080, tls=None)
    assert route.tunnel == (
        b"CONNECT dynamodb.eu-west-1.amazonaws.com:443 HTTP/1.1\r\n"
        b"host: dynamodb.eu-west-1.amazonaws.com:443\r\n" + BASIC.encode() + b"\r\n"
    )
    assert route.head == b"POST / HTTP/1.1\r\n", "the service does not get the proxy's header lines"


def test_a_host_that_needs_no_proxy_is_reached_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://gate:8080")
    monkeypatch.setenv("HTTP_PROXY", "http://gate:8080")
    assert route_to(aws("http://127.0.0.1:8123")).proxy is None
    assert route_to(aws("http://table.example:8123")).proxy is not None
    monkeypatch.setenv("NO_PROXY", ".amazonaws.com,table.example")
    assert route_to(aws()).proxy is None
    assert route_to(aws("http://table.example:8123")).proxy is None


@pytest.mark.parametrize(
    "named", ["http://u:s3cret@gate:99999", "http://", "socks5://u:s3cret@gate"]
)
def test_a_proxy_whose_address_cannot_be_read_stops_the_load_unquoted(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", named)
    with pytest.raises(Stopped, match="sets a proxy whose address cannot be parsed") as stopped:
        route_to(aws())
    assert "s3cret" not in str(stopped.value)


def test_a_proxy_reads_a_plain_http_request() -> None:
    async def ask() -> tuple[Response, bytes]:
        async with peer(answers(ok(b"{}"))) as (found, port):
            gate = Place(host="127.0.0.1", port=port, tls=None)
            table = Place(host="table.example", port=8123, tls=None)
            route = Route(service=table, path="/", proxy=gate, proxy_lines=BASIC)
            return await posted(route), found.heads[0]

    found, head = asyncio.run(ask())
    assert found.content == b"{}"
    assert head.startswith(b"POST http://table.example:8123/ HTTP/1.1\r\n" + BASIC.encode())


@pytest.mark.parametrize("proxy_has_tls", [False, True])
def test_a_proxy_cannot_read_a_request_over_tls(
    tmp_path: Path,
    proxy_has_tls: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    serving, bundle = certificate(tmp_path)
    tls = trusting(bundle)

    async def ask() -> None:
        async with (
            peer(answers(ok(b"{}")), serving) as (service, port),
            peer(forward, serving if proxy_has_tls else None) as (between, gate_port),
        ):
            gate = Place(host="127.0.0.1", port=gate_port, tls=tls if proxy_has_tls else None)
            table = Place(host="127.0.0.1", port=port, tls=tls)
            route = Route(service=table, path="/", proxy=gate, proxy_lines=BASIC)
            async with aclosing(Pool(route, 1)) as http:
                for _ in range(3):
                    assert (await http.post(b"", b"x" * 200_000)).content == b"{}"
            assert (service.connections, len(service.bodies)) == (1, 3)
            assert BASIC.encode() in between.heads[0]
            assert not any(b"Proxy" in head for head in service.heads)

    asyncio.run(ask())


def test_a_certificate_is_checked_behind_a_proxy_too(tmp_path: Path) -> None:
    serving, _ = certificate(tmp_path)

    async def ask() -> None:
        async with peer(answers(ok(b"{}")), serving) as (found, port), peer(forward) as (_, gate):
            route = Route(
                service=Place(host="127.0.0.1", port=port, tls=ssl.create_default_context()),
                path="/",
                proxy=Place(host="127.0.0.1", port=gate, tls=None),
            )
            with pytest.raises(UntrustedError):
                await posted(route)
            assert found.heads == []

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 Who?\r\nContent-Length: 2\r\n\r\n{}", "the proxy returned 407"),
        (b"", "connection lost"),
        (b"nonsense", "not an HTTP response"),
        (b"HTTP/1.1 200 OK\r\n\r\nnot TLS at all", "no connection"),
    ],
)
def test_a_proxy_that_refuses_a_tunnel_is_no_connection(
    tmp_path: Path, answer: bytes, said: str
) -> None:
    _, bundle = certificate(tmp_path)

    async def ask() -> None:
        async with peer(answers_once(answer)) as (_, gate):
            route = Route(
                service=Place(host="127.0.0.1", port=9, tls=trusting(bundle)),
                path="/",
                proxy=Place(host="127.0.0.1", port=gate, tls=None),
            )
            await posted(route)

    with pytest.raises(NoResponseError, match=said):
        asyncio.run(ask())
