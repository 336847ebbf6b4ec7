"""HTTP over kept connections: whole responses however they arrive, a clear error for all others."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from retable.runner.load import connection, pool
from retable.runner.load.connection import NoResponseError, Response
from retable.runner.load.pool import Pool
from support.peers import (
    Peer,
    Reader,
    Talk,
    Writer,
    answers,
    answers_once,
    ok,
    peer,
    send,
    straight,
)

WHOLE = ok(b'{"a":1}', b"X-Amz-CRC32: 7", b"Date: today")
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Amz-CRC32: 7\r\n\r\n"
    b'3;note=x\r\n{"a\r\n4\r\n":1}\r\n0\r\nX-Later: 1\r\n\r\n'
)


def post(talk: Talk, times: int = 1) -> tuple[list[Response], Peer]:
    """Return what one client is answered by ``talk``, one request after another."""

    async def ask() -> tuple[list[Response], Peer]:
        async with peer(talk) as (found, port), aclosing(Pool(straight(port), 2)) as http:
            return [await http.post(b"x-a: b\r\n", b"body") for _ in range(times)], found

    return asyncio.run(ask())


def post_both(first: bytes, second: bytes) -> tuple[list[Response], Peer]:
    """Return the answers to two requests whose connections begin with either answer."""

    async def talk(peer: Peer, reader: Reader, writer: Writer) -> None:
        answer = first if peer.connections == 1 else second
        while True:
            await peer.request(reader)
            await send(writer, answer)

    return post(talk, 2)


@pytest.mark.parametrize("answer", [WHOLE, CHUNKED])
def test_a_response_is_whole_wherever_it_is_split(answer: bytes) -> None:
    async def talk(peer: Peer, reader: Reader, writer: Writer) -> None:
        while True:
            await peer.request(reader)
            at = len(peer.heads)
            await send(writer, answer[:at], answer[at:])

    found, server = post(talk, len(answer) - 1)
    assert {response.content for response in found} == {b'{"a":1}'}
    assert {response.status for response in found} == {200}
    assert {response.headers[b"x-amz-crc32"] for response in found} == {b"7"}
    assert server.connections == 1


def test_a_response_may_come_byte_by_byte() -> None:
    bytewise = [bytes([byte]) for byte in CHUNKED]
    [found, again], server = post(answers(*bytewise), 2)
    assert found.content == again.content == b'{"a":1}'
    assert server.connections == 1


def test_the_request_is_sent_unchanged() -> None:
    _, server = post(answers(WHOLE))
    assert server.heads == [b"POST / HTTP/1.1\r\nx-a: b\r\ncontent-length: 4\r\n\r\n"]
    assert server.bodies == [b"body"]


def test_a_large_request_is_sent_whole() -> None:
    async def ask() -> list[bytes]:
        async with peer(answers(WHOLE)) as (found, port), aclosing(Pool(straight(port), 1)) as http:
            await http.post(b"", b"x" * 3_000_000)
            return found.bodies

    assert asyncio.run(ask()) == [b"x" * 3_000_000]


def test_a_response_without_a_length_ends_with_its_connection() -> None:
    found, server = post(answers_once(b"HTTP/1.1 200 OK\r\n\r\n{", b"}"), 2)
    assert [response.content for response in found] == [b"{}", b"{}"]
    assert server.connections == 2


def test_an_interim_response_is_skipped() -> None:
    [found], _ = post(answers(b"HTTP/1.1 100 Continue\r\n\r\n", WHOLE))
    assert (found.status, found.content) == (200, b'{"a":1}')


@pytest.mark.parametrize("status", [204, 400, 413, 500])
def test_a_response_without_a_body_is_one(status: int) -> None:
    [found], _ = post(answers(b"HTTP/1.1 %d Why\r\nContent-Length: 0\r\n\r\n" % status))
    assert (found.status, found.content) == (status, b"")


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"{}", b"Connection: close"),
        ok(b"{}").replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
def test_a_connection_is_not_kept_if_the_response_says_so(answer: bytes) -> None:
    found, server = post(answers(answer), 2)
    assert [response.content for response in found] == [b"{}", b"{}"]
    assert server.connections == 2


def test_what_follows_a_response_is_never_taken_for_the_next_one() -> None:
    found, server = post_both(ok(b"first") + ok(b"forged"), ok(b"second"))
    assert [response.content for response in found] == [b"first", b"second"]
    assert server.connections == 2


def test_unexpected_bytes_are_never_taken_for_a_response() -> None:
    async def talk(peer: Peer, reader: Reader, writer: Writer) -> None:
        await peer.request(reader)
        await send(writer, ok(b"%d" % peer.connections), ok(b"forged"))
        await reader.read()

    async def ask() -> list[bytes]:
        async with peer(talk) as (_, port), aclosing(Pool(straight(port), 1)) as http:
            first = await http.post(b"", b"")
            await asyncio.sleep(0.05)
            return [first.content, (await http.post(b"", b"")).content]

    assert asyncio.run(ask()) == [b"1", b"2"]


def test_a_connection_that_was_closed_while_idle_is_not_used() -> None:
    async def ask() -> int:
        talk = answers_once(WHOLE)
        async with peer(talk) as (found, port), aclosing(Pool(straight(port), 1)) as http:
            for _ in range(3):
                await http.post(b"", b"")
                await asyncio.sleep(0.05)
            return found.connections

    assert asyncio.run(ask()) == 3


def test_a_connection_that_was_idle_for_long_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0)
    _, server = post(answers(WHOLE), 3)
    assert server.connections == 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "connection lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "connection lost"),
        (WHOLE[:-1], "connection lost"),
        (CHUNKED[:-1], "connection lost"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not an HTTP response"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "not an HTTP response"),
        (b"HTTP/1.1 OK\r\n\r\n", "not an HTTP response"),
        (b"HTTP/9.1 200 OK\r\n\r\n", "not an HTTP response"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "not an HTTP response"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not an HTTP response"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", "not an HTTP response"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            "not an HTTP response",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            "not an HTTP response",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
            "not an HTTP response",
        ),
        (
            b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            "not an HTTP response",
        ),
    ],
)
def test_anything_but_a_whole_response_is_an_error(answer: bytes, said: str) -> None:
    with pytest.raises(NoResponseError, match=said):
        post(answers_once(answer))


@pytest.mark.parametrize(
    "begin",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"",
    ],
)
def test_an_endless_response_is_cut_off(begin: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_RESPONSE_BYTES", 100_000)
    filler = b"x" * 10_000 if begin else b"HTTP/1.1 100 Go on\r\n\r\n" * 500

    async def talk(peer: Peer, reader: Reader, writer: Writer) -> None:
        await peer.request(reader)
        await send(writer, begin, *[filler] * 40)

    with pytest.raises(NoResponseError, match="a response of more than 100,000 bytes"):
        post(talk)


def test_a_server_that_hangs_up_at_once_is_an_error_and_leaves_nothing_open() -> None:
    async def hang_up(_: Peer, __: Reader, writer: Writer) -> None:
        writer.transport.abort()

    async def ask(peer: Peer, http: Pool) -> None:
        for _ in range(20):
            with pytest.raises(NoResponseError, match="connection lost"):
                await http.post(b"", b"body")
        assert peer.connections == 20
        # It waits for all that is open, and this would be too short for that.
        await asyncio.wait_for(http.aclose(), pool.CLOSE_SECONDS / 2)

    _with_pool(hang_up, ask)


async def silent(peer: Peer, reader: Reader, _: Writer) -> None:
    """Never answer; wait for the client to go."""
    await peer.request(reader)
    await reader.readexactly(1)


def test_a_late_response_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "RESPONSE_SECONDS", 0.05)
    with pytest.raises(NoResponseError, match="no response in 0 s"):
        post(silent)


def test_a_cancelled_request_closes_its_connection() -> None:
    async def ask(peer: Peer, http: Pool) -> None:
        task = asyncio.create_task(http.post(b"", b""))
        await peer.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(peer.hung_up.wait(), 5)

    _with_pool(silent, ask)


def test_closing_drops_requests_in_flight() -> None:
    async def ask(peer: Peer, http: Pool) -> None:
        task = asyncio.create_task(http.post(b"", b""))
        await peer.asked.wait()
        await http.aclose()
        with pytest.raises(NoResponseError, match="connection lost"):
            await task
        await asyncio.wait_for(peer.hung_up.wait(), 5)

    _with_pool(silent, ask)


def test_no_more_connections_are_open_than_allowed() -> None:
    async def talk(peer: Peer, reader: Reader, writer: Writer) -> None:
        while True:
            await peer.request(reader)
            await send(writer, b"", b"", WHOLE)

    async def ask(peer: Peer, http: Pool) -> None:
        found = await asyncio.gather(*(http.post(b"", b"") for _ in range(20)))
        assert {response.content for response in found} == {b'{"a":1}'}
        assert peer.connections == 2

    _with_pool(talk, ask)


def test_a_port_that_nobody_listens_at_is_no_connection() -> None:
    async def ask() -> None:
        async with aclosing(Pool(straight(9), 1)) as http:
            await http.post(b"", b"")

    with pytest.raises(NoResponseError, match="no connection: "):
        asyncio.run(ask())


def _with_pool(talk: Talk, use: Callable[[Peer, Pool], Awaitable[None]]) -> None:
    """Have ``use`` talk to ``talk`` over two connections at most."""

    async def run() -> None:
        async with peer(talk) as (found, port), aclosing(Pool(straight(port), 2)) as http:
            await use(found, http)

    asyncio.run(run())
