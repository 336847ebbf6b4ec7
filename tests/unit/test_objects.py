"""Objects of S3: absent, changed, raced for, or fetched over a connection that keeps breaking."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
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
    """Serve ``shop`` on loopback and yield a client for it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            shop.answer(self)

        def do_PUT(self) -> None:
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


def test_a_broken_download_continues_at_the_same_byte(tmp_path: Path) -> None:
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


def test_an_object_replaced_between_two_pieces_is_not_joined(tmp_path: Path) -> None:
    shop = Shop(100_000, None)
    answer = shop.answer

    def exchanging(handler: BaseHTTPRequestHandler) -> None:
        answer(handler)
        shop.etag = "another"

    shop.answer = exchanging  # type: ignore[method-assign]  # a test's own server
    with serving(shop) as aws, pytest.raises(CheckFailed, match="has changed"):
        aws.objects.download("acme-exports", "a", tmp_path / "a", None)


def test_a_connection_that_only_breaks_ends_in_a_stop(tmp_path: Path) -> None:
    shop = Shop(*[0] * 20)
    with serving(shop) as aws, pytest.raises(Stopped, match="fetching s3://acme-exports/a"):
        aws.objects.download("acme-exports", "a", tmp_path / "a", None)
    assert len(shop.asked) == 5


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[Aws, Any]]:
    """Return a client of a sandbox with one bucket, and direct access to that bucket."""
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
    with pytest.raises(CheckFailed, match="has changed"):
        aws.objects.download("acme-exports", "pinned", tmp_path / "a", etag)


def test_an_absent_object_is_named(bucket: tuple[Aws, Any], tmp_path: Path) -> None:
    aws, _ = bucket
    with pytest.raises(CheckFailed, match="s3://acme-exports/none does not exist"):
        aws.objects.read("acme-exports", "none")
    with pytest.raises(CheckFailed, match="s3://acme-exports/none does not exist"):
        aws.objects.download("acme-exports", "none", tmp_path / "a", None)
    with pytest.raises(Stopped, match="the bucket nobodys does not exist"):
        list(aws.objects.list_keys("nobodys", ""))


def test_of_many_that_store_one_object_under_a_condition_one_is_first(
    bucket: tuple[Aws, Any],
) -> None:
    aws, _ = bucket
    bodies = [b"%d" % number for number in range(8)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        for key in ("raced-1", "raced-2", "raced-3"):
            put = partial(aws.objects.put_if, "acme-exports", key, etag=None)
            stored = list(pool.map(put, bodies))
            (winner,) = [body for body, etag in zip(bodies, stored, strict=True) if etag]
            seen = aws.objects.look("acme-exports", key)
            assert seen is not None
            assert (seen.body, seen.etag) == (winner, stored[bodies.index(winner)])


def test_a_changed_or_deleted_object_is_not_overwritten(bucket: tuple[Aws, Any]) -> None:
    aws, s3 = bucket
    first = aws.objects.put_if("acme-exports", "lock", b"one", None)
    second = aws.objects.put_if("acme-exports", "lock", b"two", first)
    assert second not in {None, first}
    assert aws.objects.put_if("acme-exports", "lock", b"three", first) is None
    s3.delete_object(Bucket="acme-exports", Key="lock")
    assert aws.objects.put_if("acme-exports", "lock", b"three", second) is None
    assert aws.objects.look("acme-exports", "lock") is None


def test_a_lost_answer_is_not_a_lost_race(bucket: tuple[Aws, Any]) -> None:
    """botocore sends the request again, and the second one finds the first one's object."""
    aws, s3 = bucket
    stored = s3.put_object(Bucket="acme-exports", Key="lost", Body=b"mine")["ETag"].strip('"')
    assert aws.objects.put_if("acme-exports", "lost", b"mine", None) == stored
    assert aws.objects.put_if("acme-exports", "lost", b"mine", "another-etag") == stored


def test_the_age_of_an_object_is_by_the_clock_of_s3(bucket: tuple[Aws, Any]) -> None:
    aws, s3 = bucket
    s3.put_object(Bucket="acme-exports", Key="aged", Body=b"x")
    seen = aws.objects.look("acme-exports", "aged")
    assert seen is not None
    assert 0 <= seen.age_seconds < 60


def test_new_objects_are_encrypted_with_the_named_key(
    bucket: tuple[Aws, Any], tmp_path: Path
) -> None:
    aws, s3 = bucket
    (tmp_path / "a").write_bytes(b"x")
    objects = aws.objects_of("123456789012", "alias/runs")
    objects.put("acme-exports", "kms/put", b"x")
    objects.put_if("acme-exports", "kms/put-if", b"x", None)
    objects.upload("acme-exports", "kms/upload", tmp_path / "a")
    for key in ("kms/put", "kms/put-if", "kms/upload"):
        head = s3.head_object(Bucket="acme-exports", Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/runs")


def test_a_bucket_of_another_account_is_refused(bucket: tuple[Aws, Any]) -> None:
    aws, _ = bucket
    others = aws.objects_of("999999999999")
    with pytest.raises(Stopped, match="access was denied"):
        others.put_if("acme-exports", "others", b"x", None)
    with pytest.raises(Stopped, match="access was denied"):
        others.look("acme-exports", "lock")


def test_a_conflict_is_retried_for_a_limited_time() -> None:
    asked = 0

    def conflict(handler: BaseHTTPRequestHandler) -> None:
        nonlocal asked
        asked += 1
        body = b"<Error><Code>ConditionalRequestConflict</Code><Message>later</Message></Error>"
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.send_response(409)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    shop = Shop()
    shop.answer = conflict  # type: ignore[method-assign]  # a test's own server
    with serving(shop) as aws, pytest.raises(Stopped, match="ConditionalRequestConflict"):
        aws.objects.put_if("acme-exports", "a", b"x", None)
    assert asked == 5
