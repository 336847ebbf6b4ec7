"""How fast, and in how much memory, incremental exports are merged with a full one.

Prints one JSON object. A full export and four windows of changes are made first: a third of the
changes are updates, a third puts of new items, a third deletes. Two phases run in a process of
their own each, so that its peak memory is its own: ``merge``, which finds the lines that count, and
``read``, which reads the items on them. Nothing is judged: what is too slow is for the reader to
say.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.item_lines import item_reader
from retable.runner.export.lines import read_lines
from retable.runner.export.location import LocalFolder, open_export
from retable.runner.export.merge_incrementals import OUTDATED, merge_changes
from retable.runner.export.outdated import outdated_of
from retable.runner.export.prove_export import check_export
from retable.runner.export.write_export import ExportHead, ExportWindow, write_native_export
from retable.runner.progress import NoProgress

WINDOWS = 4
START = datetime(2026, 9, 21, tzinfo=UTC)
ITEM = (
    b'{"order_id":{"S":"%s-%d"},"created_at":{"S":"2026-01-02T08:00:00Z"},"customer":{"M":{"id":'
    b'{"S":"c-%d"},"name":{"S":"Zoe"}}},"status":{"S":"PAID"},"total":{"N":"%d.5"}}'
)
CHANGE = b'{"Metadata":{"WriteTimestampMicros":{"N":"1790001234567890"}},"Keys":%s,%s}'
MEGABYTE = 1_000_000


def main() -> None:
    """Make the exports, run both phases on them and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000, help="items of the full export")
    parser.add_argument("--changes", type=int, default=100_000, help="lines of all windows")
    parser.add_argument("--memory", default="1GB", help="what DuckDB may hold before it spills")
    parser.add_argument("--phase", choices=["merge", "read"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.phase:
        print(json.dumps(_measured(arguments)))
        return
    with tempfile.TemporaryDirectory() as name:
        _make_exports(Path(name), arguments.items, arguments.changes)
        result: dict[str, Any] = {"items": arguments.items, "changes": arguments.changes}
        for phase in ("merge", "read"):
            command = [sys.executable, __file__, *sys.argv[1:], "--phase", phase, "--folder", name]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 -- us
            result[phase] = json.loads(done.stdout)
    print(json.dumps(result))


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one phase in this process and return what it took."""
    files = _files(arguments.folder)
    began, cpu = time.perf_counter(), time.process_time()
    if arguments.phase == "merge":
        merged = merge_changes(
            files, arguments.folder / "merge", NoProgress(), memory_limit=arguments.memory
        )
        found = asdict(merged)
    else:
        found = {"merged": _read(arguments.folder, files)}
    lines = arguments.items + arguments.changes
    taken = time.process_time() - cpu
    return {
        **found,
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(taken, 2),
        "lines_per_cpu_second": round(lines / taken),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // MEGABYTE,
    }


def _read(folder: Path, files: tuple[CheckedFile, ...]) -> int:
    """Read the item of every line that counts and return how many there are."""
    listed = outdated_of(folder / "merge" / OUTDATED, len(files))
    count = 0
    for file, outdated in zip(files, listed, strict=True):
        item_of = item_reader(file)
        for _, line in read_lines(replace(file, outdated=outdated)):
            item_of(line)
            count += 1
    return count


def _files(folder: Path) -> tuple[CheckedFile, ...]:
    """Return the data files of all exports in ``folder``, checked."""
    location = LocalFolder(folder)
    exports = [open_export(location, _export_id(place), None) for place in range(WINDOWS + 1)]
    return tuple(
        replace(file, place=place)
        for place, export in enumerate(exports)
        for file in check_export(export, location, None, NoProgress())
    )


def _make_exports(folder: Path, items: int, changes: int) -> None:
    """Write the full export and the windows."""

    def put(key: str, body: bytes) -> None:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    full = (_item(b"o", number) for number in range(items))
    write_native_export(put, _head(0), full, files=5)
    for place in range(1, WINDOWS + 1):
        write_native_export(put, _head(place), _changes(place, changes // WINDOWS), files=5)


def _changes(place: int, count: int) -> Iterator[bytes]:
    """Yield the changes of one window. Updates meet items of the windows before."""
    for number in range(count):
        name = b"o" if number % 3 else b"new-%d" % place
        keys = b'{"order_id":{"S":"%s-%d"}}' % (name, number)
        item = _item(name, number)
        image = b'"OldImage":' if number % 3 == 1 else b'"NewImage":'
        yield CHANGE % (keys, image + item)


def _item(name: bytes, number: int) -> bytes:
    """Return an item of five attributes."""
    return ITEM % (name, number, number % 997, number)


def _head(place: int) -> ExportHead:
    """Return what the manifests say of the full export, 0, or of a window."""
    window = None
    if place:
        start = START + timedelta(hours=place - 1)
        window = ExportWindow(
            start=start, end=start + timedelta(hours=1), view="NEW_AND_OLD_IMAGES"
        )
    return ExportHead(
        table_arn="arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
        table_id="3f0c9d52-8a55-4f7e-9f0b-1d2c3b4a5968",
        bucket="acme-exports",
        prefix=None,
        export_id=_export_id(place),
        export_time=START,
        window=window,
    )


def _export_id(place: int) -> str:
    return f"{1790000000000 + place:014d}-0a1b2c3d"


if __name__ == "__main__":
    main()
