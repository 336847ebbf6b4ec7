"""Writing ledgers: Parquet files with one row per result, finished whole or not at all.

Asking a ledger anything is ``query``'s. A file appears under its name only once it is complete and
on disk, so a killed run leaves no half ledger; the same rows always give the same bytes.
"""

import hashlib
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import pyarrow as pa
from pyarrow import parquet

from retable.runner.disk import replace_durably
from retable.transforms.outcome import Kept, Outcome, Rejected, Result

ROWS_PER_GROUP = 50_000
"""Rows held in memory before they are encoded: about 20 MB of Python objects."""
ITEM_BYTES_PER_GROUP = 16_000_000
"""Text held in memory by ``ItemWriter``: an item may have 409,600 bytes."""
MAX_LINE_BYTES = 8_000_000
"""The longest line the independent counter reads. A 400 KB item of control characters, each
escaped with six bytes, makes a line of about 2.5 MB."""
SEPARATOR = "\x1f\x1e\x1f\x1e"
"""What the independent counter takes for a column's end: control characters that no JSON holds."""

KEPT, DROPPED, REJECTED, OUTDATED = "kept", "dropped", "rejected", "outdated"

LEDGER_SCHEMA = pa.schema(
    [
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("source_line", pa.int64(), nullable=False),
        pa.field("ordinal", pa.int32(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("key", pa.string()),
        pa.field("digest_hi", pa.uint64()),
        pa.field("digest_lo", pa.uint64()),
        pa.field("size", pa.int64()),
        pa.field("line_md5_lower", pa.uint64()),
        pa.field("line_md5_upper", pa.uint64()),
        pa.field("rank", pa.binary()),
    ]
)
"""The expected ledger. ``source_line`` counts from 1, ``ordinal`` (of a line's results) from 0;
the MD5 halves are those of DuckDB's ``md5_number_lower`` and ``md5_number_upper`` of the line."""
ACTUAL_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("digest_hi", pa.uint64(), nullable=False),
        pa.field("digest_lo", pa.uint64(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
    ]
)
"""The actual ledger: what the rebuilt table holds."""
ITEM_SCHEMA = pa.schema(
    [pa.field("key", pa.string(), nullable=False), pa.field("item", pa.string(), nullable=False)]
)
"""The rebuilt table's items as DynamoDB JSON, for the spec's own queries."""

# Digests are noise: packing them costs time and wins nothing.
COMPRESSION = {
    "source_file": "zstd",
    "source_line": "zstd",
    "ordinal": "zstd",
    "outcome": "zstd",
    "reason": "zstd",
    "key": "zstd",
    "digest_hi": "none",
    "digest_lo": "none",
    "size": "zstd",
    "line_md5_lower": "none",
    "line_md5_upper": "none",
    "rank": "zstd",
    "item": "zstd",
}
DICTIONARY = ("source_file", "outcome", "reason")

NO_RESULT = (None,) * 5
"""Key, both halves of the digest, size and rank of a line that has no result."""


class _Writer:
    """Rows on their way to a Parquet file at ``path``; the folder must exist.

    A context manager: leaving it normally finishes the file, which replaces one of that name;
    leaving it by an exception leaves nothing.
    """

    schema: pa.Schema

    def __init__(self, path: Path) -> None:
        """Prepare to write ``path``."""
        self._file = _ParquetFile(path, self.schema)
        self._rows: list[tuple[Any, ...]] = []

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file, or throw it away."""
        if kind is None:
            self.close()
        else:
            self._file.discard()

    def close(self) -> None:
        """Write what is held back and give the file its name. Closing again does nothing."""
        if self._rows:
            self._flush()
        self._file.finish()

    def _flush(self) -> None:
        """Encode the rows held so far as one row group."""
        self._file.write(list(zip(*self._rows, strict=True)))
        self._rows.clear()


class LedgerWriter(_Writer):
    """Writes the expected ledger of one data file."""

    schema = LEDGER_SCHEMA

    def __init__(self, path: Path) -> None:
        """Prepare to write ``path``."""
        super().__init__(path)
        self._lines: list[bytes] = []
        self._unreadable: list[int] = []

    def add(self, source_file: str, source_line: int, line: bytes, outcome: Outcome) -> None:
        """Add what became of ``line`` (without its newline), the ``source_line``-th of its file.

        A line always has a row with ordinal 0, even if it is kept and gives no result.
        """
        digest = hashlib.md5(line, usedforsecurity=False).digest()
        if isinstance(outcome, Kept):
            for ordinal, made in enumerate(outcome.results):
                self._rows.append(
                    (source_file, source_line, ordinal, KEPT, None)  # noqa: RUF005 -- twice as fast
                    + (made.key, *made.digest, made.size, made.rank)
                )
                self._lines.append(digest)
            if not outcome.results:
                self._add_bare(source_file, source_line, KEPT, None, digest)
        elif isinstance(outcome, Rejected):
            if not is_readable(line):
                self._unreadable.append(len(self._rows))
            self._add_bare(source_file, source_line, REJECTED, outcome.reason.value, digest)
        else:
            self._add_bare(source_file, source_line, DROPPED, None, digest)
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()

    def add_outdated(self, source_file: str, source_line: int, line: bytes) -> None:
        """Add a line that a later change has overtaken, which nothing becomes of."""
        digest = hashlib.md5(line, usedforsecurity=False).digest()
        self._add_bare(source_file, source_line, OUTDATED, None, digest)
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()

    def _add_bare(
        self, source_file: str, source_line: int, outcome: str, reason: str | None, digest: bytes
    ) -> None:
        """Add the row of a line that has no result."""
        self._rows.append((source_file, source_line, 0, outcome, reason, *NO_RESULT))
        self._lines.append(digest)

    def _flush(self) -> None:
        columns = list(zip(*self._rows, strict=True))
        lower, upper = _halves(self._lines, self._unreadable)
        self._file.write([*columns[:-1], lower, upper, columns[-1]])
        self._rows.clear()
        self._lines.clear()
        self._unreadable.clear()


class ActualWriter(_Writer):
    """Writes the actual ledger of one scan segment."""

    schema = ACTUAL_SCHEMA

    def add(self, result: Result) -> None:
        """Add one item of the table."""
        self._rows.append((result.key, *result.digest, result.size))
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()


class ItemWriter(_Writer):
    """Writes the items of one scan segment, for the spec's own queries."""

    schema = ITEM_SCHEMA

    def __init__(self, path: Path) -> None:
        """Prepare to write ``path``."""
        super().__init__(path)
        self._bytes = 0

    def add(self, result: Result) -> None:
        """Add one item of the table."""
        self._rows.append((result.key, result.item_json))
        self._bytes += len(result.item_json)
        if self._bytes >= ITEM_BYTES_PER_GROUP or len(self._rows) >= ROWS_PER_GROUP:
            self._flush()
            self._bytes = 0


class _ParquetFile:
    """A Parquet file that is written beside its place and moved there when it is whole."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._temporary = path.with_name(path.name + ".part")
        self._stream: BinaryIO | None = self._temporary.open("wb")
        self._writer = parquet.ParquetWriter(
            self._stream,
            schema,
            compression={name: COMPRESSION[name] for name in schema.names},
            compression_level={name: 1 for name in schema.names if COMPRESSION[name] == "zstd"},
            use_dictionary=[name for name in DICTIONARY if name in schema.names],
        )

    def write(self, columns: Sequence[Any]) -> None:
        """Write one row group, given its columns in the schema's order."""
        arrays = [
            column if isinstance(column, pa.Array) else pa.array(column, field.type)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        self._writer.write_table(table, row_group_size=len(table))

    def finish(self) -> None:
        """End the file, bring it to the disk and give it its name."""
        if self._stream is None:
            return
        self._writer.close()
        self._stream.close()
        self._stream = None
        replace_durably(self._temporary, self._path)

    def discard(self) -> None:
        """Leave nothing behind."""
        if self._stream is None:
            return
        self._writer.close()
        self._stream.close()
        self._stream = None
        self._temporary.unlink(missing_ok=True)


def is_readable(line: bytes) -> bool:
    """Return whether the independent counter sees ``line`` as one line, byte for byte.

    It reads the data files as text in one column: a blank line is nothing to it, and bytes that
    are no UTF-8, endless lines and its own separator it leaves out.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return False
    return bool(text) and len(line) <= MAX_LINE_BYTES and SEPARATOR not in text


def _halves(digests: list[bytes], absent: list[int]) -> tuple[pa.Array, pa.Array]:
    """Return the MD5 digests as two columns, lower and upper, without those at ``absent``."""
    # DuckDB takes the 16 bytes as two little-endian numbers, the first eight for the upper one.
    words = array("Q", b"".join(digests))
    if sys.byteorder == "big":
        words.byteswap()
    if not absent:
        return _words(words[1::2]), _words(words[0::2])
    lower, upper = ([*half] for half in (words[1::2], words[0::2]))
    hidden = [False] * len(digests)
    for row in absent:
        hidden[row] = True
    return pa.array(lower, pa.uint64(), mask=hidden), pa.array(upper, pa.uint64(), mask=hidden)


def _words(words: "array[int]") -> pa.Array:
    """Return ``words`` as a column without copying them."""
    return pa.Array.from_buffers(pa.uint64(), len(words), [None, pa.py_buffer(words)])
