"""Sockets and threads that serve a WSGI application on loopback, without a log, until stopped."""

import errno
import socket
import threading
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from retable.runner.failure import Refused

BACKLOG = 128
FREE_PORT_ATTEMPTS = 20
POLL_SECONDS = 0.05
"""How soon a stop is noticed."""


BODILESS = frozenset({204, 304})
"""Statuses of answers that have no body and no length; RFC 9110, 8.6."""


class QuietHandler(MotoRequestHandler):
    """moto's request handler, without a log and without the delay of small packets."""

    # Headers and body go out in two writes; with Nagle's algorithm the second would wait 40 ms
    # for the first one's acknowledgement on a connection that is kept.
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Register the connection, so that a stop can close it."""
        super().setup()
        _connections_of(self.server).add(self.connection)

    def finish(self) -> None:
        """Unregister the connection."""
        _connections_of(self.server).discard(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        """Answer one request and keep the connection open.

        werkzeug closes it, because it cannot know that the application has read the whole request;
        the sandbox always has. With one connection per request, loading takes twice as long.
        """
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            answer["status"], answer["headers"] = status, headers

        body = b"".join(self.server.app(self.make_environ(), start_response))  # type: ignore[arg-type]  # werkzeug's type has a write callable, which WSGI deprecates
        code, _, phrase = answer["status"].partition(" ")
        self.send_response(int(code), phrase)
        names = set()
        for name, value in answer["headers"]:
            self.send_header(name, value)
            names.add(name.lower())
        if "content-length" not in names and int(code) not in BODILESS:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 -- werkzeug's
        """Say nothing."""


class Listener:
    """A port on 127.0.0.1, and on ::1 if there is IPv6, because localhost may mean either."""

    def __init__(self, application: Any, port: int) -> None:
        """Bind and serve.

        Raises:
            Refused: the port is taken.
        """
        sockets = _bind(port)
        self.port: int = sockets[0].getsockname()[1]
        self._servers: list[BaseWSGIServer] = []
        self._threads: list[threading.Thread] = []
        for bound in sockets:
            server = make_server(
                bound.getsockname()[0],
                self.port,
                application,
                threaded=True,
                request_handler=QuietHandler,
                fd=bound.fileno(),
            )
            # The server works on a duplicate of the socket.
            bound.close()
            thread = threading.Thread(
                target=server.serve_forever, args=(POLL_SECONDS,), daemon=True
            )
            thread.start()
            self._servers.append(server)
            self._threads.append(thread)

    def close(self) -> None:
        """Stop listening and hang up on every client."""
        for server in self._servers:
            server.shutdown()
        for thread in self._threads:
            thread.join()
        for server in self._servers:
            server.server_close()
            for connection in list(_connections_of(server)):
                _disconnect(connection)


def _connections_of(server: Any) -> set[socket.socket]:
    """Return the open connections of a server."""
    connections: set[socket.socket] = vars(server).setdefault("retable_connections", set())
    return connections


def _disconnect(connection: socket.socket) -> None:
    """Shut a connection down while its thread uses it; that thread then closes it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        if error.errno not in {errno.ENOTCONN, errno.EBADF}:
            raise


def _bind(port: int) -> list[socket.socket]:
    """Return listening sockets of one port, IPv4 first.

    Raises:
        Refused: the port is taken.
    """
    for _ in range(FREE_PORT_ATTEMPTS if port == 0 else 1):
        sockets = _bind_both(port)
        if sockets:
            return sockets
    message = f"port {port} on localhost is taken" if port else "no free port on localhost"
    raise Refused(message, "choose another with --port")


def _bind_both(port: int) -> list[socket.socket]:
    """Return sockets of IPv4 and, if available, IPv6; none if the port is taken on either."""
    bound: list[socket.socket] = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            one = socket.socket(family, socket.SOCK_STREAM)
        except OSError:
            continue
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((host, bound[0].getsockname()[1] if bound else port))
            one.listen(BACKLOG)
        except OSError as error:
            one.close()
            if error.errno == errno.EADDRINUSE:
                for other in bound:
                    other.close()
                return []
            if family == socket.AF_INET:
                raise
            continue
        bound.append(one)
    return bound
