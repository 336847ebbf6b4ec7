"""Reads the rebuilt table back: a consistent scan in segments, into the actual ledger.

``compare`` compares it. Only one page of items per segment is in memory.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Lock
from typing import Protocol

from retable.runner.failure import CheckFailed
from retable.runner.ledger.write_ledger import ActualWriter, ItemWriter
from retable.runner.progress import Progress
from retable.schema.spec import KeySchema, TypedItem
from retable.transforms.describe import describe_item
from retable.transforms.item_outcome import Result
from retable.transforms.project import project


class Scanner(Protocol):
    """Reads a table."""

    def scan_pages(
        self, table: str, *, segment: int, segments: int, consistent: bool = True
    ) -> Iterator[list[TypedItem]]:
        """Yield the items of one segment, page by page, as DynamoDB JSON."""
        ...


def read_table(  # noqa: PLR0913 -- what to read, and where to
    tables: Scanner,
    table: str,
    key: KeySchema,
    folder: Path,
    *,
    segments: int,
    items: Path | None,
    progress: Progress,
    attributes: frozenset[str] | None = None,
) -> int:
    """Read ``table``, keyed by ``key``, into ``folder`` and return the number of its items.

    Digests are taken over ``attributes`` only, if they are given.

    Writes one part of the actual ledger per segment (``00000.parquet``) and, if ``items`` names a
    folder, the items themselves there. The table must have no writers: a scan is not a snapshot.

    Raises:
        CheckFailed: the table holds something that is not an item.
        Stopped: a scan failed. What it has written so far is useless.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if items is not None:
        items.mkdir(parents=True, exist_ok=True)

    def describe(item: TypedItem) -> Result:
        result = describe_item(item, key)
        return result if attributes is None else project(result, attributes)

    scan = _Scan(tables, table, describe, segments, progress)
    with ThreadPoolExecutor(segments, thread_name_prefix="scan") as pool:
        running = [pool.submit(scan.read, segment, folder, items) for segment in range(segments)]
        try:
            return sum(done.result() for done in as_completed(running))
        finally:
            # One segment failed, or Ctrl-C: the others stop at their next page.
            scan.halt(running)


class _Halted(Exception):  # noqa: N818 -- no error: another segment's failure is
    """Ends a segment so that its files are discarded."""


class _Scan:
    """One scan of a table, shared by the threads that read its segments."""

    def __init__(
        self,
        tables: Scanner,
        table: str,
        describe: Callable[[TypedItem], Result],
        segments: int,
        progress: Progress,
    ) -> None:
        self._tables = tables
        self._table = table
        self._describe_item = describe
        self._segments = segments
        self._progress = progress
        self._lock = Lock()
        self._halted = Event()
        self._count = 0

    def halt(self, running: list[Future[int]]) -> None:
        """Stop every running segment at its next page."""
        self._halted.set()
        for segment in running:
            segment.cancel()

    def read(self, segment: int, folder: Path, items: Path | None) -> int:
        """Read one segment into its files and return the number of its items."""
        name = f"{segment:05d}.parquet"
        found = 0
        with ExitStack() as stack:
            ledger = stack.enter_context(ActualWriter(folder / name))
            whole = None if items is None else stack.enter_context(ItemWriter(items / name))
            for page in self._tables.scan_pages(
                self._table, segment=segment, segments=self._segments, consistent=True
            ):
                if self._halted.is_set():
                    raise _Halted
                for item in page:
                    result = self._describe(item)
                    ledger.add(result)
                    if whole is not None:
                        whole.add(result)
                found += len(page)
                self._advance(len(page))
        return found

    def _describe(self, item: TypedItem) -> Result:
        """Return ``item`` with its digest.

        Raises:
            CheckFailed: it is not an item.
        """
        try:
            return self._describe_item(item)
        except ValueError as error:
            # The error may hold a value, so it is not part of the message.
            message = f"the table {self._table} holds an item that is not a valid DynamoDB item"
            raise CheckFailed(message) from error

    def _advance(self, items: int) -> None:
        with self._lock:
            self._count += items
            self._progress.advance(self._count, None, "items")
