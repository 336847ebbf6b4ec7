"""One HTTP/1.1 connection: one request at a time, with its whole response or why there is none.

httptools (llhttp) parses. There are no retries, no redirects, no cookies and no compressed
responses.

aiohttp would do, but misses the loader's goal: ten times the items per CPU second of boto3's
``batch_writer``. Measured in December 2026: ``benchmarks/load.py --rounds 7``, the same client over
aiohttp beside it in turns; Python 3.11.7, httptools 0.9.0, aiohttp 3.14.5, boto3 1.44.8; CPU time,
medians. ``with_mapping_vs_batch_writer`` is 12.75 here and 9.52 with aiohttp; an item that is
already mapped takes 4.8 us here and 9.8 us with aiohttp. Measure it again when a load runs in
several processes.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MOST_RESPONSE_BYTES = 8_000_000
"""Head and body. A response has at most the items that were sent, one megabyte, with each character
possibly written as an escape of six."""
JOINED_BYTES = 65_536
"""Above this size the head is sent separately: copying the body would cost more."""
FINAL = 200
"""HTTP's first status that is not interim."""


class NoResponseError(Exception):
    """There is no whole response, so the request may or may not have been carried out."""


class Response(NamedTuple):
    """A whole response."""

    status: int
    headers: Mapping[bytes, bytes]
    """By lowercase name."""
    content: bytes


class Connection(asyncio.Protocol):
    """A connection. Its creator must close it; it closes itself once it cannot be reused."""

    def __init__(self, on_lost: Callable[["Connection"], None]) -> None:
        """Call ``on_lost`` once there is nothing left to close."""
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Response] | None = None
        self._head_only = False
        self._end_is_close = False
        """Whether the response's body ends where the connection is closed."""
        self._received = 0
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._parser = HttpResponseParser(self)
        self.is_open = False
        """Whether another request may be sent."""
        self.idle_since = 0.0
        """When it last became idle, by the pool's clock."""

    async def send(
        self, head: bytes, body: bytes, *, seconds: float, head_only: bool = False
    ) -> Response:
        """Send a request and return its response; ``head_only`` ignores the response's body.

        Wait ``seconds`` at most.

        Raises:
            NoResponseError: no whole response arrived. The connection is closed.
        """
        if self._transport is None or not self.is_open:
            message = "connection lost"
            raise NoResponseError(message)
        self._head_only = head_only
        self._received = 0
        waiting: asyncio.Future[Response] = self._loop.create_future()
        self._waiting = waiting
        if len(body) <= JOINED_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        timer = self._loop.call_later(seconds, self._fail, f"no response in {seconds:.0f} s")
        try:
            return await waiting
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
            self._waiting = None

    def continue_over(self, transport: asyncio.Transport) -> None:
        """Continue over ``transport``, which wraps the current one; nothing is received yet."""
        self._transport = transport
        self._parser = HttpResponseParser(self)

    @property
    def transport(self) -> asyncio.Transport:
        """Return the transport.

        Raises:
            NoResponseError: the connection is lost.
        """
        if self._transport is None:
            message = "connection lost"
            raise NoResponseError(message)
        return self._transport

    def close(self) -> None:
        """Close at once; unsent bytes are dropped."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Receive a part of a response."""
        self._received += len(data)
        if self._waiting is None or self._waiting.done():
            self._fail("unexpected bytes")
        elif self._received > MOST_RESPONSE_BYTES:
            self._fail(f"a response of more than {MOST_RESPONSE_BYTES:,} bytes")
        else:
            try:
                self._parser.feed_data(data)
            except (HttpParserError, HttpParserUpgrade):
                self._fail("not an HTTP response")

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the pending request, unless closing is what ends its response."""
        if self._end_is_close and exc is None:
            self._finish()
        self._fail("connection lost")
        self._transport = None
        self._on_lost(self)

    def on_message_begin(self) -> None:
        """Start a response: the expected one, or another one after it."""
        if self._waiting is not None and self._waiting.done():
            self.is_open = False
        self._headers, self._body = {}, []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Receive a header."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Determine where the response ends."""
        if self._head_only and self._parser.get_status_code() >= FINAL:
            self._finish()
        elif not self._headers.keys() & {b"content-length", b"transfer-encoding"}:
            self._end_is_close = True

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Finish the response, unless it is an interim one that another one follows."""
        self._end_is_close = False
        if self._parser.get_status_code() >= FINAL and not self._head_only:
            if not self._parser.should_keep_alive():
                self.is_open = False
            self._finish()

    def _finish(self) -> None:
        """Return the response to the caller that waits for it."""
        if self._waiting is not None and not self._waiting.done():
            status = self._parser.get_status_code()
            self._waiting.set_result(Response(status, self._headers, b"".join(self._body)))

    def _fail(self, why: str) -> None:
        """Fail the pending request, if there is one, and close."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(NoResponseError(why))
        self.close()
