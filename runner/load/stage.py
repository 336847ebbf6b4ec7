"""Staging: every item to load as objects in S3, for DynamoDB's own operations that write from S3.

Items are spread over objects by their keys, so that neighbours in the export are not neighbours in
an object. The same export gives the same objects, so staging again replaces what a kill left.
"""

import zlib
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from retable.runner.disk import not_written
from retable.runner.export.destination import Place
from retable.runner.export.write_export import DataFileWriter
from retable.runner.load.progress_account import Entry
from retable.runner.progress import Progress

SHARDS = 8
"""Objects that are written at once."""
MOST_ITEMS = 500_000
"""Items in one object: far below the 5 GB that a bulk operation accepts."""
MOST_OBJECTS = 50_000
"""Objects that one import or one bulk operation reads at most."""
TICK_ITEMS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedItems:
    """The counts of what was staged."""

    items: int
    objects: int


def stage_items(
    entries: Iterable[Entry], place: Place, prefix: str, progress: Progress
) -> StagedItems:
    """Write all ``entries`` into objects below ``prefix``, which ends in a slash.

    Raises:
        CheckFailed: a data file is not the one that was checked.
        Stopped: S3 does not answer, or the disk is full.
    """
    items = 0
    with ExitStack() as stack:
        shards = [stack.enter_context(_Shard(place, prefix, number)) for number in range(SHARDS)]
        for entry in entries:
            shards[zlib.crc32(entry.result.key.encode()) % SHARDS].add(entry)
            items += 1
            if items % TICK_ITEMS == 0:
                progress.advance(items, None, "items")
        objects = sum(shard.finish() for shard in shards)
    progress.advance(items, None, "items")
    return StagedItems(items=items, objects=objects)


class _Shard:
    """Writes one object after another."""

    def __init__(self, place: Place, prefix: str, number: int) -> None:
        self._place = place
        self._stem = f"{prefix}{number:02d}"
        self._objects = 0
        self._items = 0
        self._raw: IO[bytes] | None = None
        self._path = Path()
        self._writer: DataFileWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._raw is not None:
            self._raw.close()

    def add(self, entry: Entry) -> None:
        """Add one item."""
        if self._writer is None:
            self._path = self._place.beside(self._key)
            try:
                self._raw = self._path.open("wb")
            except OSError as error:
                raise not_written(error, self._path) from error
            self._writer = DataFileWriter(self._raw)
        body = entry.result.item_json
        self._writer.add(b'{"Item":' + body + b"}", len(body))
        self._items += 1
        if self._items == MOST_ITEMS:
            self._end()

    def finish(self) -> int:
        """Finish the last object and return how many there are."""
        if self._writer is not None:
            self._end()
        return self._objects

    @property
    def _key(self) -> str:
        return f"{self._stem}-{self._objects:05d}.json.gz"

    def _end(self) -> None:
        """Store the object that is being written."""
        if self._writer is None or self._raw is None:
            return
        try:
            self._writer.finish(self._key)
            self._raw.close()
        except OSError as error:
            raise not_written(error, self._path) from error
        self._place.keep(self._path, self._key)
        self._objects += 1
        self._items = 0
        self._writer = self._raw = None
