"""Tables over real HTTP: every item is read unchanged, however large or busy the table."""

from collections.abc import Iterator
from typing import Any

import pytest

from retable.runner.aws.session import connect
from retable.runner.aws.tables import Tables
from retable.runner.failure import Stopped
from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from support.dynamodb_wire import Wire
from support.sandboxes import ManualClock, create, put, set_faults

EVERY_TYPE: dict[str, Any] = {
    "s": {"S": "é"},
    "n": {"N": "12345678901234567890123456789012345678"},
    "b": {"B": "AAEC/w=="},
    "bs": {"BS": ["/w=="]},
    "l": {"L": [{"B": "AA=="}, {"NULL": True}]},
    "m": {"M": {"inner": {"B": "AQ=="}, "yes": {"BOOL": False}}},
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server(clock: ManualClock) -> Iterator[SandboxServer]:
    with SandboxServer(options=SandboxOptions(clock=clock)) as running:
        yield running


@pytest.fixture
def wire(server: SandboxServer) -> Iterator[Wire]:
    with Wire(server.endpoint) as connected:
        create(connected)
        yield connected


@pytest.fixture
def tables(server: SandboxServer, wire: Wire, clock: ManualClock) -> Tables:
    assert wire.endpoint
    return connect(None, environ=server.environment(), clock=clock).tables


def fail(server: SandboxServer, code: str, times: int = 1) -> None:
    """Let the next scans fail."""
    set_faults(server.endpoint, errors=[{"operation": "Scan", "code": code, "times": times}])


def test_a_scan_returns_dynamodb_json_without_loss(tables: Tables, wire: Wire) -> None:
    put(wire, 1, **EVERY_TYPE)
    [page] = [page for page in tables.scan_pages("orders", segment=0, segments=1) if page]
    assert page == [{"id": {"S": "o-1"}, **EVERY_TYPE}]


def test_segments_together_are_the_whole_table(tables: Tables, wire: Wire) -> None:
    for number in range(50):
        put(wire, number)
    found = [
        item["id"]["S"]
        for segment in range(4)
        for page in tables.scan_pages("orders", segment=segment, segments=4)
        for item in page
    ]
    assert sorted(found) == sorted(f"o-{number}" for number in range(50))


def test_a_table_of_several_pages_is_read_to_its_end(tables: Tables, wire: Wire) -> None:
    for number in range(8):
        put(wire, number, pad={"S": "x" * 300_000})
    pages = list(tables.scan_pages("orders", segment=0, segments=1))
    assert len(pages) > 1
    assert sorted(item["id"]["S"] for page in pages for item in page) == [
        f"o-{number}" for number in range(8)
    ]


def test_a_scan_waits_while_reads_are_throttled(
    tables: Tables, wire: Wire, server: SandboxServer, clock: ManualClock
) -> None:
    put(wire, 1)
    before = clock.monotonic()
    fail(server, "InternalServerError", times=8)
    pages = list(tables.scan_pages("orders", segment=0, segments=1))
    assert sum(map(len, pages)) == 1
    assert clock.monotonic() > before


def test_a_scan_that_is_denied_says_so(tables: Tables, server: SandboxServer) -> None:
    fail(server, "AccessDeniedException")
    with pytest.raises(Stopped, match="reading orders: access was denied") as caught:
        list(tables.scan_pages("orders", segment=0, segments=1))
    assert "dynamodb:Scan" in str(caught.value.hint)


def test_i9_an_empty_table_differs_from_one_with_a_single_item(tables: Tables, wire: Wire) -> None:
    assert tables.is_empty("orders")
    put(wire, 1)
    assert not tables.is_empty("orders")
