"""How fast exported lines get into a table, beside boto3's own ways of writing them.

Prints one JSON object. A sink in another process answers every BatchWriteItem at once, so that what
is measured is the loading process alone, in items per CPU second. ``batch_writer`` is boto3's
``Table.batch_writer`` over deserialized items, ``client`` its ``batch_write_item`` over wire items;
``with_mapping`` is our loader from an export, mapping, account and all; ``without_mapping`` sends
batches of bytes that are there already. They run in turns, each in a process of its own, and
medians are quoted. Nothing is judged here: what is too slow is for the reader to say.

``--item-bytes 300000 --items 800`` shows the memory that a load of large items takes.
"""

import argparse
import asyncio
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer

from retable.runner.aws.session import Aws, connect
from retable.runner.clock import SystemClock
from retable.runner.export.lines import read_lines
from retable.runner.export.location import LocalFolder, open_export
from retable.runner.export.prove_export import check_export
from retable.runner.export.write_export import ExportHead, write_native_export
from retable.runner.load.batch_write import LoadRequest, load_items
from retable.runner.load.client import BatchClient
from retable.runner.load.pool import Pool
from retable.runner.load.route import route_to
from retable.runner.progress import NoProgress
from retable.schema import load_spec
from retable.transforms import compile_mapping

EXPORT_ID = "01790000000000-0a1b2c3d"
TABLE = "orders-v2"
REGION = "eu-west-1"
BATCH = 25
AT_ONCE = 16
SLOWEST_PART = 8
"""boto3's ways get so many times fewer items: they would take most of the time."""
MEGABYTE = 1_000_000
ITEM = (
    b'{"order_id":{"S":"o-%09d"},"created_at":{"S":"2026-01-02T08:00:00Z"},"status":{"S":"NEW"},'
    b'"customer":{"M":{"id":{"S":"c-%d"},"name":{"S":"Ada Lovelace"}}},"total":{"N":"%d.5"},'
    b'"lines":{"L":[{"M":{"sku":{"S":"sku-%d"},"qty":{"N":"2"}}},{"M":{"sku":{"S":"sku-7"},'
    b'"qty":{"N":"1"}}}]},"paid":{"BOOL":true},"channel":{"S":"web"},"note":{"S":"%s"}}'
)
NOTE = b"leave it at the door and ring the bell twice, please; thanks a lot in advance"
SPEC = """
spec: 1
name: orders-by-customer
source: {table: orders, region: eu-west-1, export: {kind: native, location: .}}
target:
  table: orders-v2
  key:
    partition: {name: customer_id, type: S}
    sort: {name: order_key, type: S}
transform:
  copy: none
  fields:
    customer_id: customer.id
    order_key: join('#', [created_at, order_id])
    skus: lines[*].sku
    first_sku: lines[0].sku
    is_new: status == 'NEW'
    channel: channel
    status: status
    total: total
"""
SINK = """
import asyncio, zlib
BODY = (b'{"UnprocessedItems":{},"ConsumedCapacity":[{"TableName":"orders-v2",'
        b'"CapacityUnits":25.0}]}')
HEAD = (b"HTTP/1.1 200 OK\\r\\nContent-Type: application/x-amz-json-1.0\\r\\n"
        b"Content-Length: %d\\r\\nx-amz-crc32: %d\\r\\n\\r\\n" % (len(BODY), zlib.crc32(BODY)))
class Sink(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.held, self.wanted = transport, b"", None
    def data_received(self, data):
        self.held += data
        while True:
            if self.wanted is None:
                end = self.held.find(b"\\r\\n\\r\\n")
                if end < 0:
                    return
                head = self.held[:end].lower()
                at = head.find(b"content-length:") + 15
                self.wanted = end + 4 + int(head[at:].split(b"\\r\\n", 1)[0])
            if len(self.held) < self.wanted:
                return
            self.held, self.wanted = self.held[self.wanted:], None
            self.transport.write(HEAD + BODY)
async def main():
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def main() -> None:
    """Make an export, write it in every way and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=30_000, help="items of the export")
    parser.add_argument("--item-bytes", type=int, default=0, help="text to add to every item")
    parser.add_argument("--rounds", type=int, default=2, help="how often each way is measured")
    parser.add_argument("--way", choices=sorted(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--endpoint", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(_measured(arguments.way, arguments.folder, arguments.endpoint)))
        return
    with tempfile.TemporaryDirectory() as name, _sink() as endpoint:
        _make(Path(name), arguments.items, arguments.item_bytes)
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(arguments.rounds):
            for way, measured in found.items():
                command = [sys.executable, __file__, "--way", way, "--folder", name]
                command += ["--endpoint", endpoint]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 -- us
                measured.append(json.loads(done.stdout))
    rates = {
        way: statistics.median(each["items_per_cpu_second"] for each in measured)
        for way, measured in found.items()
    }
    base = rates["batch_writer"]
    result = {
        "items": arguments.items,
        "item_bytes": arguments.item_bytes,
        "items_per_cpu_second": {way: round(rate) for way, rate in rates.items()},
        "with_mapping_vs_batch_writer": round(rates["with_mapping"] / base, 2),
        "without_mapping_vs_batch_writer": round(rates["without_mapping"] / base, 2),
        "peak_rss_mb": max(each["peak_rss_mb"] for each in found["with_mapping"]),
    }
    print(json.dumps(result))


def _measured(way: str, folder: Path, endpoint: str) -> dict[str, float]:
    """Write the export once in this process and return what it took."""
    write, items = WAYS[way](folder, endpoint)
    cpu = time.process_time()
    write()
    taken = time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // MEGABYTE
    return {"items_per_cpu_second": items / taken, "peak_rss_mb": peak}


Write = Callable[[], object]


def _batch_writer(folder: Path, endpoint: str) -> tuple[Write, int]:
    lines = _lines(folder, SLOWEST_PART)
    read = TypeDeserializer().deserialize
    table = boto3.resource("dynamodb", **_keys(endpoint)).Table(TABLE)

    def write() -> None:
        with table.batch_writer() as batch:
            for line in lines:
                item = json.loads(line)["Item"]
                batch.put_item({name: read(typed) for name, typed in item.items()})

    return write, len(lines)


def _client(folder: Path, endpoint: str) -> tuple[Write, int]:
    lines = _lines(folder, SLOWEST_PART)
    client = boto3.client("dynamodb", **_keys(endpoint))

    def write() -> None:
        for start in range(0, len(lines), BATCH):
            puts = [
                {"PutRequest": {"Item": json.loads(line)["Item"]}}
                for line in lines[start : start + BATCH]
            ]
            client.batch_write_item(RequestItems={TABLE: puts})

    return write, len(lines)


def _with_mapping(folder: Path, endpoint: str) -> tuple[Write, int]:
    spec = load_spec(folder / "orders.migrate.yaml")
    location = LocalFolder(folder)
    files = check_export(open_export(location, EXPORT_ID, None), location, None, NoProgress())
    count = sum(file.item_count for file in files)
    aws = _aws(endpoint)
    request = LoadRequest(
        aws=aws,
        mapping=compile_mapping(spec),
        files=files,
        table=TABLE,
        key=spec.target.key,
        rate=None,
        on_conflict="overwrite",
        done_files=frozenset(),
        marks={},
        on_file_mark=lambda _: None,
        skip=lambda _: frozenset(),
        on_file_done=lambda _: None,
        quarantine=folder / "load.jsonl",
        progress=NoProgress(),
        clock=SystemClock(),
        rng=random.Random(1),  # noqa: S311 -- jitter needs no secrecy
        total=count,
    )
    return lambda: load_items(request), count


def _without_mapping(folder: Path, endpoint: str) -> tuple[Write, int]:
    items = [line[8:-1] for line in _lines(folder, 1)]
    aws = _aws(endpoint)

    async def write() -> None:
        starts = iter(range(0, len(items), BATCH))
        async with aclosing(Pool(route_to(aws), AT_ONCE)) as pool:
            client = BatchClient(pool, aws, TABLE, SystemClock())
            await asyncio.gather(*(_some(client, starts) for _ in range(AT_ONCE)))

    async def _some(client: BatchClient, starts: Iterator[int]) -> None:
        for start in starts:
            await client.put(items[start : start + BATCH])

    return lambda: asyncio.run(write()), len(items)


WAYS: dict[str, Callable[[Path, str], tuple[Write, int]]] = {
    "batch_writer": _batch_writer,
    "client": _client,
    "with_mapping": _with_mapping,
    "without_mapping": _without_mapping,
}


def _aws(endpoint: str) -> Aws:
    """Return the way to the sink, opened already: the others' clients are too."""
    environ = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    aws = connect(REGION, environ=environ)
    _ = aws.dynamodb_url
    return aws


def _keys(endpoint: str) -> dict[str, Any]:
    return {
        "endpoint_url": endpoint,
        "region_name": REGION,
        "aws_access_key_id": "a",
        "aws_secret_access_key": "b",
    }


def _lines(folder: Path, part: int) -> list[bytes]:
    """Return the exported lines, or one of ``part`` parts of them."""
    location = LocalFolder(folder)
    files = check_export(open_export(location, EXPORT_ID, None), location, None, NoProgress())
    lines = [line for file in files for _, line in read_lines(file)]
    return lines[: len(lines) // part]


def _make(folder: Path, items: int, more: int) -> None:
    """Write the export and the spec; each item has ``more`` bytes, and the mapping keeps them."""

    def put(key: str, body: bytes) -> None:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    head = ExportHead(
        table_arn="arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
        table_id="3f0c9d52-8a55-4f7e-9f0b-1d2c3b4a5968",
        bucket="acme-exports",
        prefix=None,
        export_id=EXPORT_ID,
        export_time=datetime(2026, 9, 21, tzinfo=UTC),
    )
    note = NOTE + b"x" * more
    made = (ITEM % (n, n % 9973, n % 500, n % 700, note) for n in range(items))
    write_native_export(put, head, made, files=5)
    spec = SPEC + "    note: note\n" if more else SPEC
    (folder / "orders.migrate.yaml").write_text(spec, "utf-8")


@contextmanager
def _sink() -> Iterator[str]:
    """Run the sink in a process of its own and yield its address."""
    command = [sys.executable, "-c", SINK]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- us
    try:
        if process.stdout is None:
            raise TypeError(process)
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main()
