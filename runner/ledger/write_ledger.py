"""Writes ledgers: Parquet files with one row per result, each complete or not there at all.

``questions`` queries them. A file appears under its name only once it is complete and on disk, so a
killed run leaves no partial ledger; the same rows always give the same bytes.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import pyarrow as pa
from pyarrow import parquet

from retable.runner.disk import replace_durably
from retable.runner.ledger.columns import Rows
from retable.runner.ledger.md5 import md5
from retable.transforms.item_outcome import Kept, Outcome, Rejected, Result

ROWS_HELD = 2_000
"""Rows held as Python objects: few enough to stay in a processor's cache, where creating and
packing them is several times as fast."""
ROWS_PER_GROUP = 100_000
"""Rows packed before they are encoded: about 20 MB of columns."""
ITEM_BYTES_HELD = 4_000_000
"""Bytes of text that ``ItemWriter`` holds in memory: an item may have 409,600."""
BYTES_PER_GROUP = 32_000_000
"""Bytes of columns after which they are encoded, however few rows there are."""
MAX_LINE_BYTES = 8_000_000
"""The longest line the independent counter reads. A 400 KB item of control characters, each
escaped with six bytes, makes a line of about 2.5 MB."""
SEPARATOR = "\x1f\x1e\x1f\x1e"
"""What the independent counter takes for a column separator: control characters, never in JSON."""

DROPPED, REJECTED, OUTDATED = "dropped", "rejected", "outdated"

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

# Digests are noise: compressing them costs time and saves nothing.
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


class _Writer:
    """Writes rows to a Parquet file at ``path``; the folder must exist.

    A context manager: a normal exit finishes the file, which replaces one of that name; an
    exception leaves nothing behind.
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
        """Finish the file, or discard it."""
        if kind is None:
            self.close()
        else:
            self._file.discard()

    def close(self) -> None:
        """Write the buffered rows and give the file its name. Closing again does nothing."""
        self._flush()
        self._file.finish()

    def _flush(self) -> None:
        """Pack the rows held so far into columns."""
        if self._rows:
            self._file.write(list(zip(*self._rows, strict=True)))
            self._rows.clear()


class LedgerWriter(_Writer):
    """Writes the expected ledger of one data file."""

    schema = LEDGER_SCHEMA

    def __init__(self, path: Path, source_file: str) -> None:
        """Prepare to write ``path``, the ledger of ``source_file``."""
        super().__init__(path)
        self._source_file = source_file
        self._held = Rows()

    def add(self, source_line: int, line: bytes, outcome: Outcome) -> None:
        """Add the outcome of ``line`` (without its newline), the ``source_line``-th of the file.

        A line always has a row with ordinal 0, even if it is kept and has no results.
        """
        digest = md5(line).digest()
        held = self._held
        if isinstance(outcome, Kept):
            held.add(source_line, digest, outcome.results)
        elif isinstance(outcome, Rejected):
            held.add_bare(
                source_line,
                digest,
                REJECTED,
                outcome.reason.value,
                readable=is_readable(line),
            )
        else:
            held.add_bare(source_line, digest, DROPPED)
        if len(held.keys) >= ROWS_HELD:
            self._flush()

    def add_outdated(self, source_line: int, line: bytes) -> None:
        """Add a line that a later change replaces; it has no outcome."""
        digest = md5(line).digest()
        self._held.add_bare(source_line, digest, OUTDATED)
        if len(self._held.keys) >= ROWS_HELD:
            self._flush()

    def _flush(self) -> None:
        if self._held.keys:
            source_file = pa.repeat(self._source_file, len(self._held.keys))
            self._file.write([source_file, *self._held.columns()])
            self._held = Rows()


class ActualWriter(_Writer):
    """Writes the actual ledger of one scan segment."""

    schema = ACTUAL_SCHEMA

    def add(self, result: Result) -> None:
        """Add one item of the table."""
        self._rows.append((result.key, *result.digest, result.size))
        if len(self._rows) >= ROWS_HELD:
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
        if self._bytes >= ITEM_BYTES_HELD or len(self._rows) >= ROWS_HELD:
            self._flush()
            self._bytes = 0


class _ParquetFile:
    """A Parquet file that is written beside its path and renamed when it is complete."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._temporary = path.with_name(path.name + ".part")
        self._stream: BinaryIO | None = self._temporary.open("wb")
        self._packed: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self._writer = parquet.ParquetWriter(
            self._stream,
            schema,
            # By the column, which pyright cannot tell from the defaults, one for all of them.
            compression={name: COMPRESSION[name] for name in schema.names},  # pyright: ignore[reportArgumentType]
            compression_level={name: 1 for name in schema.names if COMPRESSION[name] == "zstd"},
            use_dictionary=[name for name in DICTIONARY if name in schema.names],  # pyright: ignore[reportArgumentType]
        )

    def write(self, columns: Sequence[Any]) -> None:
        """Add rows, as columns in schema order; write a row group when it is full."""
        arrays = [
            column if isinstance(column, pa.Array) else pa.array(column, field.type)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._packed.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= ROWS_PER_GROUP or self._bytes >= BYTES_PER_GROUP:
            self._encode()

    def _encode(self) -> None:
        """Write the rows so far as one row group."""
        if self._packed:
            table = pa.Table.from_batches(self._packed)
            self._writer.write_table(table, row_group_size=self._rows)
        self._packed.clear()
        self._rows = self._bytes = 0

    def finish(self) -> None:
        """Finish the file, sync it to disk and give it its name."""
        if self._stream is None:
            return
        self._encode()
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

    It reads the data files as text in one column: it skips blank lines, bytes that are not UTF-8,
    overlong lines and lines with its own separator.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return False
    return bool(text) and len(line) <= MAX_LINE_BYTES and SEPARATOR not in text
