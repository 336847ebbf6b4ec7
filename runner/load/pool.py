"""Connections to one service, kept from one request to the next."""

import asyncio
import socket
import ssl
from contextlib import suppress

from aiohappyeyeballs import start_connection

from retable.runner.load.connection import Connection, NoAnswerError, Response
from retable.runner.load.route import Place, Route

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
IDLE_SECONDS = 15.0
"""How long a connection may lie idle: what lies between may forget one without a word."""
HEAD_START_SECONDS = 0.25
"""How long one of several addresses is tried alone (RFC 8305)."""
CLOSE_SECONDS = 5.0
"""How long closing is waited for; at the end of the process everything is closed anyway."""
OK = 200


class UntrustedError(Exception):
    """The service's certificate, or its proxy's, is not one that is trusted."""


class Pool:
    """POST requests over ``most`` connections at a time, to be closed at the end."""

    def __init__(self, route: Route, most: int) -> None:
        """Connect nowhere yet."""
        self._route = route
        self._head = route.head
        self._places = asyncio.Semaphore(most)
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._none_open = asyncio.Event()

    async def aclose(self) -> None:
        """Close every connection, whatever is under way there."""
        for connection in list(self._open):
            connection.close()
        if self._open:
            self._none_open.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._none_open.wait(), CLOSE_SECONDS)

    async def post(self, headers: bytes, body: bytes) -> Response:
        """Send ``body`` below ``headers``, which are whole lines, and return the answer.

        Raises:
            NoAnswerError: no whole answer came.
            UntrustedError: there is no one there who may be told anything.
        """
        head = b"%b%bcontent-length: %d\r\n\r\n" % (self._head, headers, len(body))
        async with self._places:
            connection = self._kept() or await self._connected()
            answer = await connection.ask(head, body, seconds=ANSWER_SECONDS)
            if connection.is_open:
                connection.idle_since = asyncio.get_running_loop().time()
                self._idle.append(connection)
            else:
                connection.close()
            return answer

    def _kept(self) -> Connection | None:
        """Return an idle connection that is still good, the one used last first."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and now - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def _connected(self) -> Connection:
        """Return a new connection to the service, through its proxy if it has one."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await self._connected_to(self._route.proxy or self._route.service)
                if self._route.tunnel is not None:
                    await self._tunnelled(connection, self._route.tunnel)
                return connection
        except ssl.SSLCertVerificationError as error:
            raise UntrustedError from error
        except TimeoutError as error:
            message = f"no connection in {CONNECT_SECONDS:.0f} s"
            raise NoAnswerError(message) from error
        except OSError as error:
            message = f"no connection: {error.strerror or type(error).__name__}"
            raise NoAnswerError(message) from error

    async def _connected_to(self, place: Place) -> Connection:
        """Return a new connection to ``place``."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        # asyncio's own race between addresses leaves a connection open where it is given up.
        reached = await start_connection(found, happy_eyeballs_delay=HEAD_START_SECONDS)
        _, connection = await loop.create_connection(
            lambda: Connection(self._lost),
            sock=reached,
            ssl=place.tls,
            server_hostname=place.host if place.tls else None,
        )
        self._open.add(connection)
        return connection

    async def _tunnelled(self, connection: Connection, request: bytes) -> None:
        """Have the proxy stand aside, and talk to the service itself."""
        service = self._route.service
        answer = await connection.ask(request, b"", only_head=True, seconds=CONNECT_SECONDS)
        if answer.status != OK or service.tls is None:
            connection.close()
            message = f"the proxy answered {answer.status}"
            raise NoAnswerError(message)
        try:
            transport = await asyncio.get_running_loop().start_tls(
                connection.transport, connection, service.tls, server_hostname=service.host
            )
        except BaseException:
            connection.close()
            raise
        if transport is None:
            message = "connection lost"
            raise NoAnswerError(message)
        connection.continue_over(transport)

    def _lost(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self._open.discard(connection)
        if not self._open:
            self._none_open.set()
