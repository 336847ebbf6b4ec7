"""The route to a URL: where to connect, what to send first, and how certificates are checked.

Proxies follow botocore's rules, as in its own clients.
"""

import ssl
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from botocore.httpsession import ProxyConfiguration
from botocore.utils import get_environ_proxies

from retable.runner.aws.session import Aws
from retable.runner.failure import Stopped

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server's address."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    """What its certificate is checked with; ``None`` for plain HTTP."""

    @property
    def name(self) -> str:
        """Return host and port as a request writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How POST requests reach one URL."""

    service: Place
    path: str
    proxy: Place | None = None
    proxy_lines: str = ""
    """Header lines for the proxy alone: its credentials."""

    @property
    def tunnel(self) -> bytes | None:
        """Return the request that opens a tunnel; ``None`` if none is needed."""
        if self.proxy is None or self.service.tls is None:
            return None
        head = f"CONNECT {self.service.name} HTTP/1.1\r\nhost: {self.service.name}\r\n"
        return (head + self.proxy_lines + "\r\n").encode("latin-1")

    @property
    def head(self) -> bytes:
        """Return the start of every request: its line, and what a proxy that reads it needs."""
        if self.proxy is None or self.service.tls is not None:
            return f"POST {self.path} HTTP/1.1\r\n".encode("latin-1")
        line = f"POST http://{self.service.name}{self.path} HTTP/1.1\r\n"
        return (line + self.proxy_lines).encode("latin-1")


def route_to(aws: Aws) -> Route:
    """Return the route to DynamoDB.

    Raises:
        Stopped: the environment sets a proxy whose address cannot be parsed.
    """
    url = aws.dynamodb_url
    # The environment's proxies are for AWS, as botocore reads them, not for this machine.
    proxies = {} if aws.is_loopback else get_environ_proxies(url)
    configured = ProxyConfiguration(proxies)
    proxy = configured.proxy_url_for(url)
    path = quote(urlsplit(url).path or "/", safe="/~%")
    if not proxy:
        return Route(service=_place(url, aws), path=path)
    try:
        through = _place(proxy, aws)
        headers = configured.proxy_headers_for(proxy)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    except ValueError as error:
        # The address is not shown: it may contain a password.
        message = "loading: the environment sets a proxy whose address cannot be parsed"
        raise Stopped(message, "check HTTP_PROXY and HTTPS_PROXY") from error
    return Route(service=_place(url, aws), path=path, proxy=through, proxy_lines=lines)


def _place(url: str, aws: Aws) -> Place:
    """Return the address in ``url``.

    Raises:
        ValueError: it has no host, no valid port, or another scheme.
    """
    parts = urlsplit(url)
    # botocore puts another scheme before one that it does not know.
    if not parts.hostname or parts.scheme not in PORTS or url.count("://") > 1:
        message = "neither http nor https, or no host"
        raise ValueError(message)
    tls = ssl.create_default_context(cafile=aws.ca_bundle) if parts.scheme == "https" else None
    return Place(host=parts.hostname, port=parts.port or PORTS[parts.scheme], tls=tls)
