"""Connections to one service, kept from one request to the next."""

import asyncio
import socket
import ssl
from contextlib import suppress

from aiohappyeyeballs import start_connection

from retable.runner.load.connection import Connection, NoResponseError, Response
from retable.runner.load.route import Place, Route

CONNECT_SECONDS = 10.0
RESPONSE_SECONDS = 60.0
IDLE_SECONDS = 15.0
"""How long a connection may be idle: a middlebox may drop an idle one silently."""
HEAD_START_SECONDS = 0.25
"""How long an address is tried before the next one is tried beside it (RFC 8305)."""
CLOSE_SECONDS = 5.0
"""How long to wait for closing; the end of the process closes everything anyway."""
OK = 200


class UntrustedError(Exception):
    """The certificate of the service or its proxy is not trusted."""


class Pool:
    """Sends POST requests over at most ``most`` connections. Close it at the end."""

    def __init__(self, route: Route, most: int) -> None:
        """Open no connection yet."""
        self._route = route
        self._head = route.head
        self._slots = asyncio.Semaphore(most)
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._none_open = asyncio.Event()

    async def aclose(self) -> None:
        """Close every connection, with requests in flight or not."""
        for connection in list(self._open):
            connection.close()
        if self._open:
            self._none_open.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._none_open.wait(), CLOSE_SECONDS)

    async def post(self, headers: bytes, body: bytes) -> Response:
        """Send ``body`` with ``headers``, which are whole lines, and return the response.

        Raises:
            NoResponseError: no whole response arrived.
            UntrustedError: a certificate is not trusted; the request was not sent.
        """
        head = b"%b%bcontent-length: %d\r\n\r\n" % (self._head, headers, len(body))
        async with self._slots:
            connection = self._idle_one() or await self._connect()
            response = await connection.send(head, body, seconds=RESPONSE_SECONDS)
            if connection.is_open:
                connection.idle_since = asyncio.get_running_loop().time()
                self._idle.append(connection)
            else:
                connection.close()
            return response

    def _idle_one(self) -> Connection | None:
        """Return the idle connection used last that is still open, or ``None``."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and now - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        """Return a new connection to the service, through a proxy if there is one."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await self._connect_to(self._route.proxy or self._route.service)
                if self._route.tunnel is not None:
                    await self._open_tunnel(connection, self._route.tunnel)
                return connection
        except ssl.SSLCertVerificationError as error:
            raise UntrustedError from error
        except TimeoutError as error:
            message = f"no connection in {CONNECT_SECONDS:.0f} s"
            raise NoResponseError(message) from error
        except OSError as error:
            message = f"no connection: {error.strerror or type(error).__name__}"
            raise NoResponseError(message) from error

    async def _connect_to(self, place: Place) -> Connection:
        """Return a new connection to ``place``."""
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        # asyncio's own race between addresses leaves a connection open if it is cancelled.
        reached = await start_connection(addresses, happy_eyeballs_delay=HEAD_START_SECONDS)
        _, connection = await loop.create_connection(
            lambda: Connection(self._lost),
            sock=reached,
            ssl=place.tls,
            server_hostname=place.host if place.tls else None,
        )
        self._open.add(connection)
        return connection

    async def _open_tunnel(self, connection: Connection, request: bytes) -> None:
        """Ask the proxy for a tunnel, then start TLS with the service through it."""
        service = self._route.service
        response = await connection.send(request, b"", head_only=True, seconds=CONNECT_SECONDS)
        if response.status != OK or service.tls is None:
            connection.close()
            message = f"the proxy returned {response.status}"
            raise NoResponseError(message)
        try:
            transport = await asyncio.get_running_loop().start_tls(
                connection.transport, connection, service.tls, server_hostname=service.host
            )
        except BaseException:
            connection.close()
            raise
        if transport is None:
            message = "connection lost"
            raise NoResponseError(message)
        connection.continue_over(transport)

    def _lost(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self._open.discard(connection)
        if not self._open:
            self._none_open.set()
