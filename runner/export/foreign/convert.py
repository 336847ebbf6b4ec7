"""Converts foreign files to an export: reads them, types them, writes the layout of a native one.

Whatever the format leaves in doubt and the spec does not accept fails the conversion at its end,
with every doubt listed at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from retable.runner.disk import not_written
from retable.runner.export.destination import Place
from retable.runner.export.foreign.infer_types import Typed, Typing, UnfitValueError, doubt_lines
from retable.runner.export.foreign.listing import ForeignFile, fetch, list_files
from retable.runner.export.foreign.pipeline import pipeline_item
from retable.runner.export.foreign.records import (
    BadRowError,
    RowReader,
    csv_rows,
    json_rows,
    json_value,
    parquet_rows,
    plain_lines,
    time_columns,
)
from retable.runner.export.location import LocalFolder, Location, ObjectStore
from retable.runner.export.write_export import (
    DataFileWriter,
    ExportHead,
    WrittenFile,
    data_key,
    put_manifests,
)
from retable.runner.failure import CheckFailed
from retable.runner.progress import Progress
from retable.schema.spec import Export as DeclaredExport

TICK_ROWS = 1_000
READERS: Mapping[str, RowReader] = {
    "parquet": parquet_rows,
    "json-lines": json_rows,
    "csv": csv_rows,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Foreign files: where they are, and what the spec says about them."""

    declared: DeclaredExport
    location: Location
    objects: ObjectStore | None
    spool: Path


def convert_files(source: Source, head: ExportHead, place: Place, progress: Progress) -> int:
    """Write an export of all files and return the number of its items.

    Raises:
        Refused: there are no files.
        CheckFailed: a file is missing, damaged or not as stated, or something is in doubt that the
            spec does not accept.
        Stopped: S3 does not answer, or the disk is full.
    """
    declared = source.declared
    typing = Typing(declared.columns)
    files = list_files(source.location, declared.checksums, source.objects)
    conversion = _Conversion(source, typing, head, place, progress)
    written = [conversion.convert(number, file) for number, file in enumerate(files)]
    count = sum(file.count for file in written)
    if declared.count is not None and declared.count != count:
        message = f"the files have {count:,} items; source.export.count says {declared.count:,}"
        raise CheckFailed(message, "a file is missing, or the count is for other files")
    _require_accepted(typing, declared)
    place.put(f"{head.folder}_started", b"")
    return put_manifests(place.put, head, written)


class _Conversion:
    """One pass over all files."""

    def __init__(
        self, source: Source, typing: Typing, head: ExportHead, place: Place, progress: Progress
    ) -> None:
        self._source = source
        self._typing = typing
        self._head = head
        self._place = place
        self._progress = progress
        self._done = 0

    def convert(self, number: int, file: ForeignFile) -> WrittenFile:
        """Write the data file of one foreign file."""
        source = self._source
        path = fetch(file, source.location, source.spool, source.objects)
        key = data_key(self._head, number)
        made = self._place.beside(key)
        try:
            with made.open("wb") as raw:
                writer = DataFileWriter(raw)
                for item in self._reported(file, self._items(path, file)):
                    line = orjson.dumps(item)
                    writer.add(b'{"Item":' + line + b"}", len(line))
                written = writer.finish(key)
            self._place.keep(made, key)
        except OSError as error:
            raise not_written(error, made) from error
        if not isinstance(source.location, LocalFolder):
            path.unlink()
        return written

    def _reported(self, file: ForeignFile, items: Iterator[Typed]) -> Iterator[Typed]:
        """Yield ``items``, report progress, and name the row of an error."""
        row = 0
        try:
            for item in items:
                row += 1
                if row % TICK_ROWS == 0:
                    self._progress.advance(self._done + row, None, "rows")
                yield item
        except (BadRowError, UnfitValueError) as error:
            message = f"{file.name}: row {row + 1:,} is not as expected: {error}"
            raise CheckFailed(message, "check source.export.format and columns") from error
        self._done += row
        self._progress.advance(self._done, None, "rows")

    def _items(self, path: Path, file: ForeignFile) -> Iterator[Typed]:
        form = self._source.declared.format
        if form == "data-pipeline":
            for line in plain_lines(path, file.name):
                yield pipeline_item(line)
            return
        if form == "parquet":
            for column in time_columns(path, file.name):
                self._typing.doubt("times-as-s", column)
        for row in READERS[form](path, file.name):
            if form == "csv":
                yield self._typing.item(self._filled(row))
            else:
                yield self._typing.item(row)

    def _filled(self, row: dict[str, str]) -> dict[str, object]:
        """Return a record without its empty cells, and with the JSON of nested columns parsed."""
        for name, cell in row.items():
            if not cell:
                self._typing.doubt("empty-as-absent", name)
        columns = self._source.declared.columns
        return {
            name: json_value(cell) if columns.get(name) in NESTED else cell
            for name, cell in row.items()
            if cell
        }


NESTED = frozenset(["SS", "NS", "BS", "L", "M"])
"""Types whose cells hold JSON."""


def _require_accepted(typing: Typing, declared: DeclaredExport) -> None:
    """Raise the doubts that the spec does not accept."""
    left = {name: found for name, found in typing.doubts.items() if name not in declared.accept}
    if left:
        message = "the files leave the items' values in doubt:"
        message = "\n  ".join([message, *doubt_lines(left)])
        names = ", ".join(sorted(left))
        raise CheckFailed(
            message, f"declare source.export.columns, or accept: [{names}] after checking"
        )
