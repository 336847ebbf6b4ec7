"""A proxy between a loader and DynamoDB that puts faults into their talk, by chance and seed."""

import http.client
import json
import random
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SLOW_SECONDS = 0.05
HOT = "TableWriteKeyRangeThroughputExceeded"
ACCOUNT = "TableWriteAccountLimitExceeded"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; ``cut`` hangs up after half of it."""

    status: int
    body: bytes
    wrong_crc: bool = False
    cut: bool = False


def error(code: str, status: int = 400, *reasons: str) -> Answer:
    """Return DynamoDB's error of that code."""
    body: dict[str, Any] = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}
    if reasons:
        told = [{"reason": reason, "resource": "arn"} for reason in reasons]
        body["ThrottlingReasons"] = told
    return Answer(status, json.dumps(body).encode())


Forward = Callable[[Mapping[str, Any]], Answer]
Fault = Callable[[Mapping[str, Any], Forward, random.Random], Answer]


def throttle(_: Mapping[str, Any], __: Forward, chance: random.Random) -> Answer:
    """Write nothing and ask to slow down, for any of the reasons."""
    code = chance.choice(["ThrottlingException", "ProvisionedThroughputExceededException"])
    return error(code, 400, *chance.choices([(HOT,), (ACCOUNT,), ()], [10, 1, 9])[0])


def some_unprocessed(body: Mapping[str, Any], forward: Forward, chance: random.Random) -> Answer:
    """Write some items and hand the others back."""
    [(table, requests)] = body["RequestItems"].items()
    written = [request for request in requests if chance.random() < 0.5]
    left = [request for request in requests if request not in written]
    if written:
        answer = forward({**body, "RequestItems": {table: written}})
        if answer.status != 200:
            return answer
    return Answer(200, json.dumps({"UnprocessedItems": {table: left} if left else {}}).encode())


def all_unprocessed(body: Mapping[str, Any], _: Forward, __: random.Random) -> Answer:
    """Hand every item back."""
    return Answer(200, json.dumps({"UnprocessedItems": body["RequestItems"]}).encode())


def applied_500(body: Mapping[str, Any], forward: Forward, _: random.Random) -> Answer:
    """Write, and say that it failed."""
    forward(body)
    return error("InternalServerError", 500)


def reset(body: Mapping[str, Any], forward: Forward, _: random.Random) -> Answer:
    """Write, and hang up in the middle of the answer."""
    answer = forward(body)
    return Answer(answer.status, answer.body, cut=True)


def slow(body: Mapping[str, Any], forward: Forward, _: random.Random) -> Answer:
    """Take a while."""
    time.sleep(SLOW_SECONDS)
    return forward(body)


def expired(_: Mapping[str, Any], __: Forward, ___: random.Random) -> Answer:
    """Take the credentials for expired."""
    return error("ExpiredTokenException")


def wrong_crc(body: Mapping[str, Any], forward: Forward, _: random.Random) -> Answer:
    """Write, and answer with bytes that are not those of the checksum."""
    answer = forward(body)
    return Answer(answer.status, answer.body, wrong_crc=True)


FAULTS: Mapping[str, tuple[Fault, float]] = {
    "throttle": (throttle, 0.06),
    "some unprocessed": (some_unprocessed, 0.08),
    "all unprocessed": (all_unprocessed, 0.04),
    "500 after the write": (applied_500, 0.04),
    "reset mid-body": (reset, 0.03),
    "slow": (slow, 0.03),
    "expired token": (expired, 0.004),
    "wrong CRC": (wrong_crc, 0.03),
}
"""Each fault and the share of requests that it meets."""


@dataclass
class Proxy:
    """What stands between, and what it did."""

    target: str
    chance: random.Random
    met: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self) -> Fault | None:
        """Return the fault of the next request."""
        with self.lock:
            point = self.chance.random()
            for name, (fault, share) in FAULTS.items():
                if point < share:
                    self.met[name] += 1
                    return fault
                point -= share
        return None


class _Server(ThreadingHTTPServer):
    """A server that lets many connect at once: a connection that is put off waits for a second."""

    request_queue_size = 128


@contextmanager
def proxy(target: str, seed: int) -> Iterator[tuple[Proxy, str]]:
    """Serve a proxy to ``target`` on loopback; yield it and its address."""
    between = Proxy(target, random.Random(seed))  # noqa: S311 -- faults need no secrecy
    server = _Server(("127.0.0.1", 0), _handler(between))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield between, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(between: Proxy) -> type[BaseHTTPRequestHandler]:
    """Return a request handler over ``between``."""
    return type("Handler", (_Handler,), {"between": between})


class _Handler(BaseHTTPRequestHandler):
    """One connection of a loader, and the one that goes on from it."""

    protocol_version = "HTTP/1.1"
    between: Proxy

    def handle(self) -> None:
        self.upstream = http.client.HTTPConnection(urlsplit(self.between.target).netloc, timeout=30)
        # A loader that stops hangs up wherever it is.
        with suppress(ConnectionError):
            super().handle()
        self.upstream.close()

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(content)
        fault = self.between.draw() if "RequestItems" in body else None
        if fault is None:
            self.answer(self.forward_bytes(content))
        else:
            self.answer(fault(body, self.forward, self.between.chance))

    def forward(self, body: Mapping[str, Any]) -> Answer:
        return self.forward_bytes(json.dumps(body).encode())

    def forward_bytes(self, content: bytes) -> Answer:
        names = ("X-Amz-Target", "Content-Type", "Authorization", "X-Amz-Date")
        headers = {name: self.headers[name] for name in names if self.headers[name]}
        self.upstream.request("POST", "/", content, headers)
        found = self.upstream.getresponse()
        return Answer(found.status, found.read())

    def answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("x-amz-crc32", str(zlib.crc32(answer.body) ^ answer.wrong_crc))
        self.end_headers()
        if answer.cut:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.close_connection = True
            return
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Write no log."""
