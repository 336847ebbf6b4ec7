"""Exports a table by scan: reads it in segments into the layout of a native export.

For tables without point-in-time recovery and for endpoints without exports. Each segment is a data
file, noted once it is stored, so a stopped scan resumes with the segments that are left. A scan is
not a snapshot: what is written meanwhile may or may not be in it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Protocol

import orjson

from retable.runner.clock import Clock
from retable.runner.disk import not_written, replace_durably
from retable.runner.export.destination import Place
from retable.runner.export.write_export import (
    DataFileWriter,
    ExportHead,
    WrittenFile,
    data_key,
    put_manifests,
)
from retable.runner.progress import Progress
from retable.schema.spec import TypedItem


class PagedTables(Protocol):
    """Reads tables."""

    def scan_pages(
        self,
        table: str,
        *,
        segment: int,
        segments: int,
        consistent: bool = True,
        spent: Callable[[float], None] | None = None,
    ) -> Iterator[list[TypedItem]]:
        """Yield the items of one segment by page; call ``spent`` with each page's read units."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRequest:
    """What to read, and how."""

    table: str
    segments: int
    rate: int | None
    """Read units per second; ``None`` for as fast as the table allows."""
    consistent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTarget:
    """Where the export of a scan goes: the head of its manifests, its place, and its notes."""

    head: ExportHead
    place: Place
    notes: Path
    """A folder on this machine; all that another attempt needs."""


def scan_export(
    tables: PagedTables,
    request: ScanRequest,
    target: ScanTarget,
    clock: Clock,
    progress: Progress,
) -> int:
    """Scan the table into a finished export and return the number of its items.

    Raises:
        Stopped: the table or S3 does not answer, or the disk is full; another call with the same
            notes resumes.
    """
    scan = _Scan(tables, request, target, clock, progress)
    with ThreadPoolExecutor(request.segments, thread_name_prefix="scan") as pool:
        running = [pool.submit(scan.segment, number) for number in range(request.segments)]
        try:
            for done in as_completed(running):
                done.result()
        finally:
            # One segment failed, or Ctrl-C: the others stop at their next page.
            scan.halted.set()
            for segment in running:
                segment.cancel()
    target.place.put(f"{target.head.folder}_started", b"")
    files = [done.result() for done in running]
    return put_manifests(target.place.put, target.head, files)


class ReadPace:
    """A rate limit on read units that the segments of a scan share; charged after each page."""

    def __init__(self, rate: int | None, clock: Clock) -> None:
        """Allow ``rate`` units per second; ``None`` for no limit."""
        self._rate = rate
        self._clock = clock
        self._lock = Lock()
        self._free_at = clock.monotonic()

    def spend(self, units: float) -> None:
        """Wait until the next page may be requested, after one that took ``units``."""
        if self._rate is None:
            return
        with self._lock:
            now = self._clock.monotonic()
            self._free_at = max(self._free_at, now) + units / self._rate
            pause = self._free_at - now
        self._clock.sleep(pause)


class _Halted(Exception):  # noqa: N818 -- no error: another segment's failure is
    """Ends a segment whose result is no longer needed."""


class _Scan:
    """One scan, shared by the threads that read its segments."""

    def __init__(
        self,
        tables: PagedTables,
        request: ScanRequest,
        target: ScanTarget,
        clock: Clock,
        progress: Progress,
    ) -> None:
        self.halted = Event()
        self._tables = tables
        self._request = request
        self._target = target
        self._pace = ReadPace(request.rate, clock)
        self._progress = progress
        self._lock = Lock()
        self._count = 0

    def segment(self, number: int) -> WrittenFile:
        """Return the stored data file of a segment; read it unless it was stored before."""
        note = self._target.notes / f"{number:05d}.json"
        found = _noted(note)
        if found is None:
            found = self._read(number)
            _write_note(note, found)
        else:
            self._advance(found.count)
        return found

    def _read(self, number: int) -> WrittenFile:
        """Read one segment into its data file and store that."""
        key = data_key(self._target.head, number)
        path = self._target.place.beside(key)
        try:
            with path.open("wb") as raw:
                file = DataFileWriter(raw)
                for page in self._pages(number):
                    for item in page:
                        line = orjson.dumps(item)
                        file.add(b'{"Item":' + line + b"}", len(line))
                    self._advance(len(page))
                written = file.finish(key)
            self._target.place.keep(path, key)
        except OSError as error:
            raise not_written(error, path) from error
        return written

    def _pages(self, number: int) -> Iterator[list[TypedItem]]:
        for page in self._tables.scan_pages(
            self._request.table,
            segment=number,
            segments=self._request.segments,
            consistent=self._request.consistent,
            spent=self._pace.spend,
        ):
            if self.halted.is_set():
                raise _Halted
            yield page

    def _advance(self, items: int) -> None:
        with self._lock:
            self._count += items
            self._progress.advance(self._count, None, "items")


def _noted(path: Path) -> WrittenFile | None:
    """Return the data file that a note describes, if there is a note."""
    try:
        fields = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return WrittenFile(**{**fields, "md5": bytes.fromhex(fields["md5"])})


def _write_note(path: Path, file: WrittenFile) -> None:
    """Write the note on a stored data file, all or nothing."""
    temporary = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(orjson.dumps({**asdict(file), "md5": file.md5.hex()}))
        replace_durably(temporary, path)
    except OSError as error:
        raise not_written(error, path) from error
