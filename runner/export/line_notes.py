"""Notes which item each exported line holds, in Parquet files that ``merge_incrementals`` reads.

An item is identified by a digest of its key in canonical form, so 1 and 1.0 are one key. The key
attributes are taken from the first change.
"""

import sys
from array import array
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from pyarrow import parquet

from retable.runner.export.changes import NotAChangeError, Typed, read_change
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.item_lines import item_reader
from retable.runner.export.lines import stream_lines
from retable.runner.export.manifest import DAMAGED, View
from retable.runner.export.spool import IN_PLACE, Holder, in_turn
from retable.runner.failure import CheckFailed
from retable.runner.progress import Progress
from retable.transforms.canonical import canonical_value
from retable.transforms.fault import ItemFaultError, shown

ROWS_PER_GROUP = 100_000
TICK_LINES = 500
DIGEST_BYTES = 16
"""Of BLAKE2b: long enough that nobody can construct two keys with one digest."""
FULL, WINDOWS = "full-*.parquet", "window-*.parquet"
"""The notes on the full export, and those on all windows."""

SCHEMA = pa.schema(
    [
        pa.field("hi", pa.uint64(), nullable=False),
        pa.field("lo", pa.uint64(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("put", pa.bool_(), nullable=False),
        pa.field("file", pa.int32(), nullable=False),
        pa.field("place", pa.int32(), nullable=False),
    ]
)
"""The two halves of the digest of the item's key; the line and its file; whether the line puts the
item or deletes it; the position of its export in time order, 0 for the full one."""

Note = tuple[bytes | None, bool]
"""The digest of the key, ``None`` if the line has none; and ``put``."""


def note_lines(
    files: Sequence[CheckedFile], folder: Path, progress: Progress, holder: Holder = IN_PLACE
) -> None:
    """Write notes on every line of ``files`` into ``folder``; a file's number is its index.

    If no window has a change, the full export needs no notes.

    Raises:
        CheckFailed: a line of an incremental export is not a change, or has other key attributes
            than the first; or a file is not the one that was checked.
        Stopped: a file cannot be read.
    """
    noter = _Noter(folder, progress, sum(file.item_count for file in files))
    for number, file in enumerate(in_turn(holder, files)):
        if file.view is not None:
            noter.note(number, file, noter.of_change(file, file.view), WINDOWS)
    full = files if noter.names else ()
    for number, file in enumerate(in_turn(holder, full)):
        if file.view is None:
            noter.note(number, file, noter.of_item(file), FULL)


class _Noter:
    """The pass over all lines."""

    def __init__(self, folder: Path, progress: Progress, total: int) -> None:
        self.names: tuple[str, ...] = ()
        """The key attributes, sorted; empty until the first change."""
        self._folder = folder
        self._progress = progress
        self._total = total
        self._done = 0

    def note(
        self, number: int, file: CheckedFile, note_of: Callable[[int, bytes], Note], glob: str
    ) -> None:
        """Write the notes on one data file."""
        path = self._folder / glob.replace("*", f"{number:05d}")
        rows = _Rows(number, file.place)
        with parquet.ParquetWriter(path, SCHEMA, compression="zstd", compression_level=1) as writer:
            for line, content in stream_lines(file):
                identity, put = note_of(line, content)
                if identity is not None:
                    rows.add(identity, line, put=put)
                    if rows.is_full:
                        writer.write_table(rows.take())
                if line % TICK_LINES == 0:
                    self._progress.advance(self._done + line, self._total, "lines")
            writer.write_table(rows.take())
        self._done += file.item_count
        self._progress.advance(self._done, self._total, "lines")

    def of_change(self, file: CheckedFile, view: View) -> Callable[[int, bytes], Note]:
        """Return the function that makes the note on a line of an incremental export."""

        def note_of(line: int, content: bytes) -> Note:
            try:
                change = read_change(content, file.format, view)
                self._require_names(change.keys)
                return _digest(change.keys), change.image is not None
            except (NotAChangeError, ItemFaultError) as error:
                message = f"data file {file.key}: line {line} is not a change to an item: {error}"
                raise CheckFailed(message, DAMAGED) from error

        return note_of

    def of_item(self, file: CheckedFile) -> Callable[[int, bytes], Note]:
        """Return the function that makes the note on a line of a full export."""
        item_of, names = item_reader(file), self.names

        def note_of(_: int, content: bytes) -> Note:
            try:
                item = orjson.loads(item_of(content))["Item"]
                return _digest({name: item[name] for name in names}), True
            except (orjson.JSONDecodeError, KeyError, TypeError, ItemFaultError):
                # No change can belong to it; the mapping will reject it.
                return None, True

        return note_of

    def _require_names(self, keys: Typed) -> None:
        """Take the key attributes from the first change, and require them of the others."""
        names = tuple(sorted(keys))
        self.names = self.names or names
        if names != self.names:
            found, first = (", ".join(map(shown, some)) for some in (names, self.names))
            message = f"its key attributes are {found}; those of the first change are {first}"
            raise NotAChangeError(message)


class _Rows:
    """Buffers the notes on one data file before they are written to a Parquet file."""

    def __init__(self, file: int, place: int) -> None:
        self._file = file
        self._place = place
        self._digests = bytearray()
        self._lines = array("q")
        self._puts: list[bool] = []

    @property
    def is_full(self) -> bool:
        """Return whether the notes are due to be written."""
        return len(self._puts) == ROWS_PER_GROUP

    def add(self, identity: bytes, line: int, *, put: bool) -> None:
        """Add a note."""
        self._digests += identity
        self._lines.append(line)
        self._puts.append(put)

    def take(self) -> pa.Table:
        """Return the notes so far as a table, and clear them."""
        count = len(self._puts)
        words = array("Q", bytes(self._digests))
        if sys.byteorder == "little":
            words.byteswap()
        columns: list[Any] = [
            pa.array(words[0::2], pa.uint64()),
            pa.array(words[1::2], pa.uint64()),
            pa.array(self._lines, pa.int64()),
            pa.array(self._puts, pa.bool_()),
            pa.repeat(pa.scalar(self._file, pa.int32()), count),
            pa.repeat(pa.scalar(self._place, pa.int32()), count),
        ]
        self._digests, self._lines, self._puts = bytearray(), array("q"), []
        return pa.Table.from_arrays(columns, schema=SCHEMA)


def _digest(keys: Typed) -> bytes:
    """Return the digest that identifies the item with this key, however its values are spelled."""
    values = {name: canonical_value(typed) for name, typed in keys.items()}
    text = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=DIGEST_BYTES).digest()
