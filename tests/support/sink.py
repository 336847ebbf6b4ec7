"""A BatchWriteItem endpoint that answers by script and remembers what it was given."""

import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from retable.runner.aws.session import Aws, connect

Item = dict[str, Any]
Script = Callable[[int, list[Item]], "Reply"]
"""Given how many requests came before and the items, says what to answer."""


@dataclass(frozen=True)
class Reply:
    """What to answer: ``written`` items are stored before the answer goes out."""

    status: int = 200
    written: list[Item] = field(default_factory=list)
    unprocessed: list[Item] = field(default_factory=list)
    error: str | None = None
    reasons: tuple[str, ...] = ()
    """Why writes are throttled, as in ``ThrottlingReasons``."""
    hang_up: bool = False
    wrong_crc: bool = False
    after_seconds: float = 0.0
    units: float | None = 1.0
    """The write units that the answer reports; ``None`` reports none."""


def all_written(_: int, items: list[Item]) -> Reply:
    """Write everything."""
    return Reply(written=items)


class Sink:
    """The server: what it stored by key, and how often it was asked."""

    def __init__(self, script: Script, key: str) -> None:
        """Answer by ``script``; items are stored by their attribute ``key``."""
        self.script = script
        self.key = key
        self.stored: dict[str, Item] = {}
        self.batches: list[list[Item]] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        """Headers and body of each request, as they came."""
        self.lock = threading.Lock()

    def take(self, items: list[Item]) -> Reply:
        """Take a batch and say what to answer."""
        with self.lock:
            reply = self.script(len(self.batches), items)
            self.batches.append(items)
            for item in reply.written:
                self.stored[json.dumps(item[self.key])] = item
        return reply


class _Server(ThreadingHTTPServer):
    """A server that lets many connect at once: a connection that is put off waits for a second."""

    request_queue_size = 128


@contextmanager
def sink(script: Script, key: str = "id") -> Iterator[tuple[Sink, Aws]]:
    """Serve ``script`` on loopback and yield the sink and a way to it."""
    taker = Sink(script, key)
    server = _Server(("127.0.0.1", 0), _handler(taker))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    environ = {
        "AWS_ENDPOINT_URL": f"http://localhost:{server.server_address[1]}",
        "AWS_ACCESS_KEY_ID": "LOADER",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    try:
        yield taker, connect("eu-west-1", environ=environ)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(taker: Sink) -> type[BaseHTTPRequestHandler]:
    """Return a request handler over ``taker``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            # A loader that stops hangs up wherever it is.
            with suppress(ConnectionError):
                super().handle()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.title(): value for name, value in self.headers.items()}
            taker.requests.append((headers, body))
            [(table, requests)] = json.loads(body)["RequestItems"].items()
            reply = taker.take([request["PutRequest"]["Item"] for request in requests])
            time.sleep(reply.after_seconds)
            if reply.hang_up:
                self.close_connection = True
                return
            self._answer(reply, table)

        def _answer(self, reply: Reply, table: str) -> None:
            left = [{"PutRequest": {"Item": item}} for item in reply.unprocessed]
            answer: dict[str, Any] = {
                "UnprocessedItems": {table: left} if left else {},
            }
            if reply.units is not None:
                answer["ConsumedCapacity"] = [{"TableName": table, "CapacityUnits": reply.units}]
            if reply.error:
                answer = {"__type": f"com.amazonaws.dynamodb#{reply.error}", "message": "no"}
                if reply.reasons:
                    answer["ThrottlingReasons"] = [
                        {"reason": reason, "resource": "arn"} for reason in reply.reasons
                    ]
            content = json.dumps(answer).encode()
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("x-amz-crc32", str(zlib.crc32(content) ^ reply.wrong_crc))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Write no log."""

    return Handler
