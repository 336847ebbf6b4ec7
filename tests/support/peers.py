"""What the loader may find at the other end of a connection: servers that do as a test says."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from retable.runner.load.route import Place, Route

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Talk = Callable[["Peer", Reader, Writer], Awaitable[None]]


class Peer:
    """A server on loopback: how often it was connected to, and what it was asked."""

    def __init__(self, talk: Talk) -> None:
        """Let ``talk`` have each connection until it returns."""
        self._talk = talk
        self.connections = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.asked = asyncio.Event()
        self.hung_up = asyncio.Event()
        """Set once a client has gone in the middle of ``talk``."""

    async def request(self, reader: Reader) -> bytes:
        """Read one request and return its body.

        Raises:
            EOFError: the client hung up.
        """
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        length = [
            line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        ]
        body = await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
        self.bodies.append(body)
        self.asked.set()
        return body

    async def serve(self, reader: Reader, writer: Writer) -> None:
        """Let one client talk until either side has enough."""
        self.connections += 1
        try:
            await self._talk(self, reader, writer)
        except (EOFError, ConnectionError):
            self.hung_up.set()
        finally:
            writer.close()


def answers(*parts: bytes) -> Talk:
    """Answer every request by the same ``parts``, one after another, and stay connected."""

    async def talk(peer: Peer, reader: Reader, writer: Writer) -> None:
        while True:
            await peer.request(reader)
            await send(writer, *parts)

    return talk


def answers_once(*parts: bytes) -> Talk:
    """Answer one request by ``parts`` and hang up."""

    async def talk(peer: Peer, reader: Reader, writer: Writer) -> None:
        await peer.request(reader)
        await send(writer, *parts)

    return talk


async def send(writer: Writer, *parts: bytes) -> None:
    """Send ``parts`` so that they arrive apart."""
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.001)


def ok(body: bytes, *headers: bytes) -> bytes:
    """Return a whole answer."""
    lines = [b"HTTP/1.1 200 OK", *headers, b"Content-Length: %d" % len(body), b"", body]
    return b"\r\n".join(lines)


@asynccontextmanager
async def peer(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Peer, int]]:
    """Serve ``talk`` and yield the server and its port."""
    found = Peer(talk)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield found, server.sockets[0].getsockname()[1]
    finally:
        server.close()


def straight(port: int, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Route:
    """Return the route to a port of this machine."""
    return Route(service=Place(host=host, port=port, tls=tls), path="/")


async def forward(peer: Peer, reader: Reader, writer: Writer) -> None:
    """Be a proxy that makes a tunnel to wherever it is asked to."""
    await peer.request(reader)
    host, port = peer.heads[-1].split(b" ")[1].rsplit(b":", 1)
    onward, back = await asyncio.open_connection(host.decode(), int(port))
    writer.write(b"HTTP/1.0 200 Connection established\r\n\r\n")
    try:
        await asyncio.gather(_copy(reader, back), _copy(onward, writer))
    finally:
        back.close()


async def _copy(reader: Reader, writer: Writer) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for 127.0.0.1; return what serves it, and what it is trusted by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, secret = folder / "ca.pem", folder / "key.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(trusted, secret)
    return serving, trusted
