"""Exporting by scan: what is written, at which pace, and how it goes on after a stop."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retable.runner.export.destination import BucketPlace, FolderPlace, Place
from retable.runner.export.lines import read_lines
from retable.runner.export.location import LocalFolder, open_export
from retable.runner.export.prove_export import check_export
from retable.runner.export.scan_export import ReadPace, ScanRequest, ScanTarget, scan_export
from retable.runner.export.write_export import ExportHead
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.progress import NoProgress
from retable.schema.spec import TypedItem
from support.exports import EXPORT_ID, EXPORT_TIME, TABLE_ARN, TABLE_ID
from support.sandboxes import ManualClock

HEAD = ExportHead(
    table_arn=TABLE_ARN,
    table_id=TABLE_ID,
    bucket="acme-exports",
    prefix=None,
    export_id=EXPORT_ID,
    export_time=EXPORT_TIME,
)


class Segments:
    """A table in segments of pages; ``broken`` ones end with a failure after their first page."""

    def __init__(self, broken: frozenset[int] = frozenset()) -> None:
        self.broken = broken
        self.read: list[int] = []

    def scan_pages(
        self,
        table: str,
        *,
        segment: int,
        segments: int,
        consistent: bool = True,
        spent: Callable[[float], None] | None = None,
    ) -> Iterator[list[TypedItem]]:
        assert (table, segments, consistent) == ("orders", 3, True)
        self.read.append(segment)
        for page in range(2):
            yield [{"id": {"S": f"{segment}-{page}-{n}"}} for n in range(segment)]
            if spent is not None:
                spent(float(segment))
            if segment in self.broken:
                message = "no answer"
                raise Stopped(message)


def scan(folder: Path, table: Segments, place: Place | None = None) -> int:
    """Scan ``table`` into ``folder``."""
    return scan_export(
        table,
        ScanRequest(table="orders", segments=3, rate=None, consistent=True),
        ScanTarget(head=HEAD, place=place or FolderPlace(folder), notes=folder / "notes"),
        ManualClock(),
        NoProgress(),
    )


def items(folder: Path) -> list[bytes]:
    """Return the lines of the export in ``folder``, checked like any other."""
    location = LocalFolder(folder)
    export = open_export(location, EXPORT_ID, None)
    files = check_export(export, location, None, NoProgress())
    assert len(files) == 3
    return sorted(line for file in files for _, line in read_lines(file))


def test_a_scan_is_written_as_a_native_export(tmp_path: Path) -> None:
    assert scan(tmp_path, Segments()) == 6
    assert items(tmp_path)[0] == b'{"Item":{"id":{"S":"1-0-0"}}}'
    assert len(items(tmp_path)) == 6
    summary = open_export(LocalFolder(tmp_path), EXPORT_ID, None)
    assert (summary.item_count, summary.table_id) == (6, TABLE_ID)
    assert summary.export_time == EXPORT_TIME


def test_a_stopped_scan_goes_on_with_the_segments_that_are_left(tmp_path: Path) -> None:
    """I2: what was stored is not read again, and what was not is read from its start."""
    table = Segments(broken=frozenset([2]))
    with pytest.raises(Stopped, match="no answer"):
        scan(tmp_path, table)
    with pytest.raises(CheckFailed, match="not finished"):
        items(tmp_path)
    again = Segments()
    assert scan(tmp_path, again) == 6
    stored = {0, 1} - set(again.read)
    assert 2 in again.read
    assert stored | set(again.read) == {0, 1, 2}
    assert len(items(tmp_path)) == len(set(items(tmp_path))) == 6


def test_every_segment_stored_before_is_taken_as_it_is(tmp_path: Path) -> None:
    scan(tmp_path, Segments())
    before = items(tmp_path)
    again = Segments()
    assert scan(tmp_path, again) == 6
    assert again.read == []
    assert items(tmp_path) == before


class Bucket:
    """A bucket in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self.objects[f"{bucket}/{key}"] = body

    def upload(self, bucket: str, key: str, path: Path) -> None:
        self.put(bucket, key, path.read_bytes())


def test_a_scan_into_a_bucket_leaves_nothing_in_the_spool(tmp_path: Path) -> None:
    bucket = Bucket()
    place = BucketPlace(uploads=bucket, bucket="b", spool=tmp_path / "spool")
    assert scan(tmp_path, Segments(), place) == 6
    assert list((tmp_path / "spool").iterdir()) == []
    names = sorted(key.rpartition("/")[2] for key in bucket.objects)
    assert [name for name in names if not name.endswith(".gz")] == [
        "_started",
        "manifest-files.json",
        "manifest-files.md5",
        "manifest-summary.json",
        "manifest-summary.md5",
    ]
    assert list(bucket.objects)[-1].endswith("manifest-summary.md5")


def test_pages_are_paid_for_by_what_they_really_took() -> None:
    clock = ManualClock()
    pace = ReadPace(100, clock)
    pace.spend(50.0)
    assert clock.monotonic() == pytest.approx(0.5)
    pace.spend(200.0)
    assert clock.monotonic() == pytest.approx(2.5)
    clock.sleep(60)
    pace.spend(100.0)
    assert clock.monotonic() == pytest.approx(63.5), "an idle minute is no credit"


def test_without_a_rate_nothing_waits() -> None:
    clock = ManualClock()
    ReadPace(None, clock).spend(10_000.0)
    assert clock.monotonic() == 0
