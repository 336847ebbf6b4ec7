"""The route to a URL: whom to connect to, what is sent ahead, and how certificates are checked.

Proxies are found and read by botocore's rules, as its own clients do.
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
    """Something that listens."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    """What its certificate is checked with; ``None`` where it has none."""

    @property
    def name(self) -> str:
        """Return host and port as a request names them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How POST requests get to one URL."""

    service: Place
    path: str
    proxy: Place | None = None
    proxy_lines: str = ""
    """Header lines for the proxy alone: who asks."""

    @property
    def tunnel(self) -> bytes | None:
        """Return the request that makes the proxy stand aside; ``None`` if it need not."""
        if self.proxy is None or self.service.tls is None:
            return None
        head = f"CONNECT {self.service.name} HTTP/1.1\r\nhost: {self.service.name}\r\n"
        return (head + self.proxy_lines + "\r\n").encode("latin-1")

    @property
    def head(self) -> bytes:
        """Return what every request begins with: its line, and what a proxy that reads it needs."""
        if self.proxy is None or self.service.tls is not None:
            return f"POST {self.path} HTTP/1.1\r\n".encode("latin-1")
        line = f"POST http://{self.service.name}{self.path} HTTP/1.1\r\n"
        return (line + self.proxy_lines).encode("latin-1")


def route_to(aws: Aws) -> Route:
    """Return the route to DynamoDB.

    Raises:
        Stopped: the environment names a proxy whose address cannot be read.
    """
    url = aws.dynamodb_url
    # The environment's proxies are meant for AWS, as botocore takes them, not for this machine.
    named = {} if aws.is_loopback else get_environ_proxies(url)
    known = ProxyConfiguration(named)
    proxy = known.proxy_url_for(url)
    path = quote(urlsplit(url).path or "/", safe="/~%")
    if not proxy:
        return Route(service=_place(url, aws), path=path)
    try:
        through = _place(proxy, aws)
        headers = known.proxy_headers_for(proxy)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    except ValueError as error:
        # Its address is not told, as there may be a password in it.
        message = "loading: the environment names a proxy whose address cannot be read"
        raise Stopped(message, "look at HTTP_PROXY and HTTPS_PROXY") from error
    return Route(service=_place(url, aws), path=path, proxy=through, proxy_lines=lines)


def _place(url: str, aws: Aws) -> Place:
    """Return what ``url`` names.

    Raises:
        ValueError: it names no host, or a port that is none.
    """
    parts = urlsplit(url)
    # A scheme that botocore does not know gets another one before it.
    if not parts.hostname or parts.scheme not in PORTS or url.count("://") > 1:
        message = "neither http nor https, or without a host"
        raise ValueError(message)
    tls = ssl.create_default_context(cafile=aws.ca_bundle) if parts.scheme == "https" else None
    return Place(host=parts.hostname, port=parts.port or PORTS[parts.scheme], tls=tls)
