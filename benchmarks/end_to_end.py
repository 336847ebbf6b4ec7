"""How fast, and in how much memory, an export is checked, mapped and verified on this machine.

Prints one JSON object. Each phase runs in a process of its own, so that its peak memory is its own;
that of its worker processes is added. The export is made once, of items with nine attributes and
about 480 bytes; the table's ledger is taken from the expected one, so nothing differs. Nothing is
judged: what is too slow is for the reader to say.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psutil  # type: ignore[import-untyped]  # it comes without types
from pyarrow import parquet

from retable.runner.engine.local import map_files
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.location import LocalFolder, open_export
from retable.runner.export.prove_export import check_export
from retable.runner.export.write_export import ExportHead, write_native_export
from retable.runner.ledger.write_ledger import ACTUAL_SCHEMA
from retable.runner.progress import NoProgress
from retable.schema import load_spec
from retable.transforms import compile_mapping

EXPORT_ID = "01790000000000-0a1b2c3d"
TABLE_ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
SPEC = """
spec: 1
name: orders-by-customer
source: {table: orders, export: {kind: native, location: ., id: 01790000000000-0a1b2c3d}}
target:
  table: orders-2
  key:
    partition: {name: customer_id, type: S}
    sort: {name: order_key, type: S}
transform:
  fields:
    customer_id: customer.id
    order_key: join('#', [created_at, order_id])
"""
SAMPLE_SECONDS = 0.02
MEGABYTE = 1_000_000


def main() -> None:
    """Run every phase on one export and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=200_000, help="how many items to export")
    parser.add_argument("--phase", choices=PHASES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.phase:
        print(json.dumps(_measured(PHASES[arguments.phase], arguments.folder, arguments.items)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result: dict[str, Any] = {"items": arguments.items}
        result["item_bytes"] = _make_export(folder, arguments.items)
        for phase in PHASES:
            result[phase] = _in_process(phase, folder, arguments.items)
    print(json.dumps(result))


def _check(folder: Path) -> None:
    """Prove every data file."""
    _checked(folder)


def _map_with(processes: int) -> Callable[[Path], None]:
    """Return the phase that maps the export in so many processes."""

    def run(folder: Path) -> None:
        spec = load_spec(folder / "orders.migrate.yaml")
        files = [
            CheckedFile(
                key=file["key"],
                path=folder / file["path"],
                item_count=file["item_count"],
                md5=file["md5"],
            )
            for file in orjson.loads((folder / "files.json").read_bytes())
        ]
        map_files(
            compile_mapping(spec),
            files,
            folder / "expected",
            folder / "rejects",
            processes=processes,
            progress=NoProgress(),
        )

    return run


def _verify(folder: Path) -> None:
    """Compare the expected ledger with the table's."""
    # Workers import this file as well, and would hold DuckDB in memory for nothing.
    from retable.runner.verify.compare import compare  # noqa: PLC0415

    found = compare(
        folder / "expected", quarantined=None, actual=folder / "actual", diff=folder / "diff.jsonl"
    )
    if found.missing + found.extra + found.different or found.buckets_differing:
        raise AssertionError(found)


PHASES: dict[str, Callable[[Path], None]] = {
    "check": _check,
    "map_1_process": _map_with(1),
    "map_2_processes": _map_with(2),
    "verify": _verify,
}


def _in_process(phase: str, folder: Path, items: int) -> dict[str, Any]:
    """Run one phase in a process of its own and return what it measured."""
    if phase == "verify":
        _derive_actual(folder)
    command = [sys.executable, __file__, "--phase", phase, "--folder", str(folder)]
    done = subprocess.run(  # noqa: S603 -- this very program
        [*command, "--items", str(items)], check=True, stdout=subprocess.PIPE
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _measured(phase: Callable[[Path], None], folder: Path, items: int) -> dict[str, Any]:
    """Run ``phase`` and return its rate by the wall and by the CPU, and its peak memory."""
    peak = _Peak()
    begun, used = time.perf_counter(), _cpu_seconds()
    with peak:
        phase(folder)
    seconds, cpu = time.perf_counter() - begun, _cpu_seconds() - used
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 3),
        "items_per_second": round(items / seconds),
        "items_per_cpu_second": round(items / cpu),
        "peak_rss_mb": round(peak.peak_bytes / MEGABYTE),
    }


class _Peak:
    """The most memory that this process and its children held together, by sampling."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.peak_bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Stop; the kernel knows this process's own peak better."""
        self._ended.set()
        self._thread.join()
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        self.peak_bytes = max(self.peak_bytes, own)

    def _sample(self) -> None:
        this = psutil.Process()
        while not self._ended.wait(SAMPLE_SECONDS):
            held = sum(_rss(process) for process in (this, *this.children(recursive=True)))
            self.peak_bytes = max(self.peak_bytes, held)


def _rss(process: psutil.Process) -> int:
    """Return the memory a process holds; one that has ended holds none."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of the children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _make_export(folder: Path, items: int) -> int:
    """Write the export, the spec and the list of checked files; return an item's mean size."""
    sizes = []

    def put(key: str, body: bytes) -> None:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def counted() -> Iterator[bytes]:
        for item in _orders(items):
            sizes.append(len(item))
            yield item

    head = ExportHead(
        table_arn=TABLE_ARN,
        table_id="3f0c9d52-8a55-4f7e-9f0b-1d2c3b4a5968",
        bucket="acme-exports",
        prefix=None,
        export_id=EXPORT_ID,
        export_time=datetime(2026, 9, 21, tzinfo=UTC),
    )
    write_native_export(put, head, counted(), files=5)
    (folder / "orders.migrate.yaml").write_text(SPEC)
    files = [
        {"key": file.key, "path": str(file.path), "item_count": file.item_count, "md5": file.md5}
        for file in _checked(folder)
    ]
    (folder / "files.json").write_bytes(orjson.dumps(files))
    return sum(sizes) // max(len(sizes), 1)


def _checked(folder: Path) -> tuple[CheckedFile, ...]:
    """Return the export's data files, checked."""
    location = LocalFolder(folder)
    export = open_export(location, EXPORT_ID, None)
    return check_export(export, location, None, NoProgress())


def _orders(items: int) -> Iterator[bytes]:
    """Yield orders as DynamoDB JSON: nine attributes, the same ones each time."""
    chance = random.Random(7)  # noqa: S311 -- nothing secret, and the same each time
    for number in range(items):
        order = {
            "order_id": {"S": f"{number:010d}"},
            "created_at": {"S": f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}T08:00:00Z"},
            "customer": {
                "M": {
                    "id": {"S": f"c-{chance.randrange(items)}"},
                    "name": {"S": f"customer {chance.randrange(10**6)}"},
                    "since": {"N": str(2000 + number % 26)},
                }
            },
            "status": {"S": chance.choice(("NEW", "PAID", "SENT"))},
            "total": {"N": f"{chance.randrange(1, 10**6)}.{chance.randrange(1, 10)}"},
            "tags": {"SS": [f"t{chance.randrange(100)}a", f"t{chance.randrange(100)}b"]},
            "lines": {
                "L": [
                    {
                        "M": {
                            "sku": {"S": f"sku-{chance.randrange(10**5)}"},
                            "quantity": {"N": str(chance.randrange(1, 9))},
                        }
                    }
                ]
            },
            "paid": {"BOOL": number % 2 == 0},
            "note": {"S": f"{chance.getrandbits(512):0128x}"},
        }
        yield orjson.dumps(order)


def _derive_actual(folder: Path) -> None:
    """Write the table's ledger: what a table that holds just the expected items gives."""
    (folder / "actual").mkdir(exist_ok=True)
    for path in (folder / "expected").glob("*.parquet"):
        columns = parquet.read_table(path, columns=ACTUAL_SCHEMA.names)
        parquet.write_table(columns.cast(ACTUAL_SCHEMA), folder / "actual" / path.name)


if __name__ == "__main__":
    main()
