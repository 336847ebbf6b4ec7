"""How fast an export is read, proved and parsed, beside doing nothing but unpacking and parsing.

Prints one JSON object. ``floor`` unpacks each data file with zlib and parses each line with orjson.
``disk`` is our reader, digest and counts included, on a local folder, with the same parsing; ``s3``
is the same through a spool that keeps nothing, from the sandbox's S3 in another process. Each way
runs in a process of its own, in turns; medians of CPU seconds are quoted, and the peak memory of
each. Nothing is judged here: what is too slow is for the reader to say.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import orjson

from retable.runner.aws.objects import Objects
from retable.runner.clock import SystemClock
from retable.runner.export.lines import stream_lines
from retable.runner.export.location import LocalFolder, Location, S3Prefix, open_export
from retable.runner.export.prove_export import data_files
from retable.runner.export.spool import IN_PLACE, Holder, Spool, in_turn
from retable.runner.export.write_export import ExportHead, write_native_export
from retable.runner.sandbox.server import SandboxServer

EXPORT_ID = "01790000000000-0a1b2c3d"
BUCKET = "acme-exports"
MEGABYTE = 1_000_000
ITEM = (
    b'{"order_id":{"S":"o-%09d"},"created_at":{"S":"2026-01-02T08:00:00Z"},"status":{"S":"NEW"},'
    b'"customer":{"M":{"id":{"S":"c-%d"},"name":{"S":"Ada Lovelace"}}},"total":{"N":"%d.5"},'
    b'"lines":{"L":[{"M":{"sku":{"S":"sku-%d"},"qty":{"N":"2"}}},{"M":{"sku":{"S":"sku-7"},'
    b'"qty":{"N":"1"}}}]},"paid":{"BOOL":true},"channel":{"S":"web"},"note":{"S":"%s"}}'
)
NOTE = b"leave it at the door and ring the bell twice, please; thanks a lot in advance"


def main() -> None:
    """Make an export, read it in every way and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000, help="items of the export")
    parser.add_argument("--files", type=int, default=5, help="data files; one stays empty")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way is measured")
    parser.add_argument("--way", choices=sorted(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--endpoint", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(_measured(arguments.way, arguments.folder, arguments.endpoint)))
        return
    with tempfile.TemporaryDirectory() as name, SandboxServer() as server:
        folder = Path(name)
        _make(folder, arguments.items, arguments.files)
        _upload(folder, server.endpoint)
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(arguments.rounds):
            for way, measured in found.items():
                command = [sys.executable, __file__, "--way", way, "--folder", name]
                command += ["--endpoint", server.endpoint]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 -- us
                measured.append(json.loads(done.stdout))
    _print(arguments.items, found)


def _print(items: int, found: dict[str, list[dict[str, float]]]) -> None:
    seconds = {
        way: statistics.median(each["cpu_seconds"] for each in measured)
        for way, measured in found.items()
    }
    result: dict[str, Any] = {"items": items}
    for way, measured in found.items():
        result[way] = {
            "items_per_cpu_second": round(items / seconds[way]),
            "seconds": round(statistics.median(each["seconds"] for each in measured), 2),
            "peak_rss_mb": max(each["peak_rss_mb"] for each in measured),
        }
    result["disk_against_floor"] = round(seconds["floor"] / seconds["disk"], 2)
    result["s3_against_floor"] = round(seconds["floor"] / seconds["s3"], 2)
    print(json.dumps(result))


def _measured(way: str, folder: Path, endpoint: str) -> dict[str, float]:
    """Read the export once in this process and return what it took."""
    began, cpu = time.perf_counter(), time.process_time()
    WAYS[way](folder, endpoint)
    taken, passed = time.process_time() - cpu, time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // MEGABYTE
    return {"cpu_seconds": taken, "seconds": passed, "peak_rss_mb": peak}


def _floor(folder: Path, _: str) -> None:
    """Unpack and parse, and nothing else."""
    for path in folder.rglob("*.json.gz"):
        for line in _unpacked(path):
            orjson.loads(line)


def _unpacked(path: Path) -> Iterator[bytes]:
    member = zlib.decompressobj(16 + zlib.MAX_WBITS)
    rest = b""
    with path.open("rb") as file:
        while chunk := file.read(64 << 10):
            lines = member.decompress(chunk).split(b"\n")
            lines[0] = rest + lines[0]
            rest = lines.pop()
            yield from lines


def _disk(folder: Path, _: str) -> None:
    """Read a local export with our reader."""
    _read(LocalFolder(folder), None)


def _s3(folder: Path, endpoint: str) -> None:
    """Read an export in S3 with our reader, through a spool that keeps nothing."""
    objects = Objects(_client(endpoint), SystemClock())
    with tempfile.TemporaryDirectory(dir=folder) as spool:
        _read(S3Prefix(BUCKET, ""), Spool(Path(spool), objects, most_bytes=0))


def _read(location: Location, spool: Spool | None) -> None:
    """Parse every line, its file's digest and counts taken on the way."""
    export = open_export(location, EXPORT_ID, spool.objects if spool else None)
    holder: Holder = spool or IN_PLACE
    for file in in_turn(holder, data_files(export, location, spool)):
        for _, line in stream_lines(file):
            orjson.loads(line)


def _make(folder: Path, items: int, files: int) -> None:
    """Write the export."""

    def put(key: str, body: bytes) -> None:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    head = ExportHead(
        table_arn="arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
        table_id="3f0c9d52-8a55-4f7e-9f0b-1d2c3b4a5968",
        bucket=BUCKET,
        prefix=None,
        export_id=EXPORT_ID,
        export_time=datetime(2026, 9, 21, tzinfo=UTC),
    )
    made = (
        ITEM % (number, number % 9973, number % 500, number % 700, NOTE) for number in range(items)
    )
    write_native_export(put, head, made, files=files)


def _upload(folder: Path, endpoint: str) -> None:
    """Put the export into the sandbox's S3."""
    client = _client(endpoint)
    client.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            client.upload_file(str(path), BUCKET, path.relative_to(folder).as_posix())


def _client(endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
    )


WAYS: dict[str, Callable[[Path, str], None]] = {"floor": _floor, "disk": _disk, "s3": _s3}


if __name__ == "__main__":
    main()
