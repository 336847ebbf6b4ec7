"""Objects of S3: absent, altered, or fetched over a connection that keeps breaking."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from retable.runner.aws.session import Aws, connect
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.sandbox.server import SandboxServer
from support.sandboxes import ManualClock

BODY = b"".join(b"%06d\n" % number for number in range(50_000))
ETAG = hashlib.md5(BODY, usedforsecurity=False).hexdigest()


class Shop:
    """One object over HTTP, each answer cut off after so many bytes."""

    def __init__(self, *cuts: int | None) -> None:
        self.cuts = list(cuts)
        self.etag = ETAG
        self.asked: list[tuple[str | None, str | None]] = []
        """Range and If-Match of each request."""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer a GET."""
        wanted, match = handler.headers.get("Range"), handler.headers.get("If-Match")
        self.asked.append((wanted, match))
        if match is not None and match.strip('"') != self.etag:
            handler.send_response(412)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        handler.send_response(206 if wanted else 200)
        handler.send_header("Content-Length", str(len(BODY) - start))
        handler.send_header("ETag", f'"{self.etag}"')
        handler.end_headers()
        cut = self.cuts.pop(0) if self.cuts else None
        handler.wfile.write(BODY[start : len(BODY) if cut is None else start + cut])
        handler.close_connection = True


@contextmanager
def serving(shop: Shop) -> Iterator[Aws]:
    """Serve ``shop`` on loopback and yield a way to it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            shop.answer(self)

        def log_message(self, *_: object) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    environ = {
        "AWS_ENDPOINT_URL": f"http://localhost:{server.server_address[1]}",
        "AWS_ACCESS_KEY_ID": "LOADER",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    try:
        yield connect("eu-west-1", environ=environ, clock=ManualClock())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_connection_that_breaks_is_taken_up_where_it_broke(tmp_path: Path) -> None:
    shop = Shop(100_000, 1, 0, None)
    path = tmp_path / "data.gz"
    with serving(shop) as aws:
        assert aws.objects.download("acme-exports", "a", path, None) == ETAG
    assert path.read_bytes() == BODY
    assert [wanted for wanted, _ in shop.asked] == [
        None,
        "bytes=100000-",
        "bytes=100001-",
        "bytes=100001-",
    ]
    assert [match for _, match in shop.asked] == [None, ETAG, ETAG, ETAG]


def test_an_object_exchanged_between_two_pieces_is_not_glued_together(tmp_path: Path) -> None:
    shop = Shop(100_000, None)
    answer = shop.answer

    def exchanging(handler: BaseHTTPRequestHandler) -> None:
        answer(handler)
        shop.etag = "another"

    shop.answer = exchanging  # type: ignore[method-assign]  # a test's own server
    with serving(shop) as aws, pytest.raises(CheckFailed, match="is not the object it was"):
        aws.objects.download("acme-exports", "a", tmp_path / "a", None)


def test_a_connection_that_only_breaks_stops_in_the_end(tmp_path: Path) -> None:
    shop = Shop(*[0] * 20)
    with serving(shop) as aws, pytest.raises(Stopped, match="fetching s3://acme-exports/a"):
        aws.objects.download("acme-exports", "a", tmp_path / "a", None)
    assert len(shop.asked) == 5


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[Aws, Any]]:
    """Return a way to a sandbox with one bucket, and a hand on that bucket."""
    with SandboxServer() as server:
        s3 = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="eu-west-1",
            aws_access_key_id="a",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        s3.create_bucket(
            Bucket="acme-exports",
            CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
        )
        yield connect(None, environ=server.environment()), s3
        s3.close()


def test_a_listing_gives_every_key_below_the_prefix(bucket: tuple[Aws, Any]) -> None:
    aws, s3 = bucket
    for key in ("p/1", "p/2", "q/1"):
        s3.put_object(Bucket="acme-exports", Key=key, Body=b"x")
    assert list(aws.objects.list_keys("acme-exports", "p/")) == ["p/1", "p/2"]
    assert aws.objects.read("acme-exports", "p/1") == b"x"


def test_a_pinned_object_that_was_replaced_is_refused(
    bucket: tuple[Aws, Any], tmp_path: Path
) -> None:
    aws, s3 = bucket
    s3.put_object(Bucket="acme-exports", Key="pinned", Body=b"one")
    etag = aws.objects.download("acme-exports", "pinned", tmp_path / "a", None)
    assert aws.objects.download("acme-exports", "pinned", tmp_path / "a", etag) == etag
    s3.put_object(Bucket="acme-exports", Key="pinned", Body=b"two")
    with pytest.raises(CheckFailed, match="is not the object it was"):
        aws.objects.download("acme-exports", "pinned", tmp_path / "a", etag)


def test_what_is_absent_is_named(bucket: tuple[Aws, Any], tmp_path: Path) -> None:
    aws, _ = bucket
    with pytest.raises(CheckFailed, match="s3://acme-exports/none does not exist"):
        aws.objects.read("acme-exports", "none")
    with pytest.raises(CheckFailed, match="s3://acme-exports/none does not exist"):
        aws.objects.download("acme-exports", "none", tmp_path / "a", None)
    with pytest.raises(Stopped, match="the bucket nobodys does not exist"):
        list(aws.objects.list_keys("nobodys", ""))
