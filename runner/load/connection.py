"""One HTTP/1.1 connection: one request at a time, and its whole answer or why there is none.

httptools (llhttp) parses. Nothing is sent again here, and there are no redirects, no cookies and no
compressed answers.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MOST_ANSWER_BYTES = 8_000_000
"""Head and body. A table answers at most with the items that it was sent, a megabyte of them, each
character perhaps written as an escape of six."""
JOINED_BYTES = 65_536
"""Above this a request's head goes out by itself: a copy of its body would cost more."""
FINAL = 200
"""HTTP's first status that is no interim one."""


class NoAnswerError(Exception):
    """There is no whole answer, so it may be that the request was carried out, or that not."""


class Response(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[bytes, bytes]
    """By their names in lower case."""
    content: bytes


class Connection(asyncio.Protocol):
    """A connection that is to be closed by who made it, and closes itself where it is of no use."""

    def __init__(self, when_lost: Callable[["Connection"], None]) -> None:
        """Call ``when_lost`` once there is nothing left to close."""
        self._when_lost = when_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Response] | None = None
        self._only_head = False
        self._end_is_close = False
        """Whether the answer's body goes on until the connection is closed."""
        self._received = 0
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._parser = HttpResponseParser(self)
        self.is_open = False
        """Whether another request may be sent."""
        self.idle_since = 0.0
        """When it was last put aside, by its user's clock."""

    async def ask(
        self, head: bytes, body: bytes, *, seconds: float, only_head: bool = False
    ) -> Response:
        """Send a request and return its answer; ``only_head`` takes none of the answer's body.

        The answer may take ``seconds``.

        Raises:
            NoAnswerError: no whole answer came. The connection is closed.
        """
        if self._transport is None or not self.is_open:
            message = "connection lost"
            raise NoAnswerError(message)
        self._only_head = only_head
        self._received = 0
        waiting: asyncio.Future[Response] = self._loop.create_future()
        self._waiting = waiting
        if len(body) <= JOINED_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        timer = self._loop.call_later(seconds, self._fail, f"no answer in {seconds:.0f} s")
        try:
            return await waiting
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
            self._waiting = None

    def continue_over(self, transport: asyncio.Transport) -> None:
        """Go on over ``transport``, which lies over the one so far, with nothing received yet."""
        self._transport = transport
        self._parser = HttpResponseParser(self)

    @property
    def transport(self) -> asyncio.Transport:
        """Return what carries the bytes.

        Raises:
            NoAnswerError: nothing does any more.
        """
        if self._transport is None:
            message = "connection lost"
            raise NoAnswerError(message)
        return self._transport

    def close(self) -> None:
        """Close at once: what is not sent yet is not sent."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        self._received += len(data)
        if self._waiting is None or self._waiting.done():
            self._fail("bytes that nobody asked for")
        elif self._received > MOST_ANSWER_BYTES:
            self._fail(f"an answer of more than {MOST_ANSWER_BYTES:,} bytes")
        else:
            try:
                self._parser.feed_data(data)
            except (HttpParserError, HttpParserUpgrade):
                self._fail("an answer that is not HTTP")

    def connection_lost(self, exc: Exception | None) -> None:
        """End: there is no answer any more, unless this is what ends it."""
        if self._end_is_close and exc is None:
            self._finish()
        self._fail("connection lost")
        self._transport = None
        self._when_lost(self)

    def on_message_begin(self) -> None:
        """Begin an answer, the one that was asked for or another one after it."""
        if self._waiting is not None and self._waiting.done():
            self.is_open = False
        self._headers, self._body = {}, []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """See where the answer ends."""
        if self._only_head and self._parser.get_status_code() >= FINAL:
            self._finish()
        elif not self._headers.keys() & {b"content-length", b"transfer-encoding"}:
            self._end_is_close = True

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """End the answer, unless it is one that only says that another one will come."""
        self._end_is_close = False
        if self._parser.get_status_code() >= FINAL and not self._only_head:
            if not self._parser.should_keep_alive():
                self.is_open = False
            self._finish()

    def _finish(self) -> None:
        """Hand the answer over."""
        if self._waiting is not None and not self._waiting.done():
            status = self._parser.get_status_code()
            self._waiting.set_result(Response(status, self._headers, b"".join(self._body)))

    def _fail(self, why: str) -> None:
        """Tell that no answer will come, where one is waited for, and close."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(NoAnswerError(why))
        self.close()
