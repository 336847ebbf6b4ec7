"""What was written to a table after an export of it, from incremental exports: whose items."""
# ruff: noqa: S608 -- all that goes into the SQL is quoted paths of ours

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from retable.runner.disk import not_written, replace_durably
from retable.runner.export.changes import NotAChangeError, read_change
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.lines import stream_lines
from retable.runner.export.manifest import DAMAGED
from retable.runner.export.spool import IN_PLACE, Holder, in_turn
from retable.runner.failure import CheckFailed
from retable.runner.ledger.database import MEMORY_LIMIT, database, file_list, literal
from retable.runner.progress import Progress
from retable.transforms.canonical import canonical_value, key_text
from retable.transforms.fault import ItemFaultError

ROWS_PER_GROUP = 100_000
NOTES, SPILL = "later.parquet", "later.spill"
SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("put", pa.bool_(), nullable=False),
        pa.field("place", pa.int32(), nullable=False),
    ]
)
"""An item's key; whether it was put or deleted; which window tells it, in the order of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """How many items were written after an export."""

    written: int
    """Items that were put or changed, and are there."""
    deleted: int


def list_later(
    files: Sequence[CheckedFile],
    path: Path,
    progress: Progress,
    holder: Holder = IN_PLACE,
    memory_limit: str = MEMORY_LIMIT,
) -> Later:
    """Write the keys of all items that ``files`` tell of to ``path``, as JSON lines, in order.

    ``files`` are those of incremental exports, each with the place of its window. Of several
    changes of an item the last one counts.

    Raises:
        CheckFailed: a line is no change of an item.
        Stopped: the disk is full, a file cannot be read, or memory fails DuckDB.
    """
    notes = path.with_name(NOTES)
    try:
        _note(files, notes, progress, holder)
    except OSError as error:
        raise not_written(error, notes) from error
    temporary = path.with_name(path.name + ".part")
    with database(path.with_name(SPILL), memory_limit) as connection:
        connection.execute(
            "create temp table last as select key, arg_max(put, place) as put "
            f"from read_parquet({file_list([notes])}) group by key"
        )
        connection.execute(
            "copy (select key, if(put, 'written', 'deleted') as change from last order by key) "
            f"to {literal(temporary)} (format json)"
        )
        ((written, deleted),) = connection.execute(
            "select count(*) filter (put), count(*) filter (not put) from last"
        ).fetchall()
    replace_durably(temporary, path)
    notes.unlink()
    return Later(written=written, deleted=deleted)


def _note(files: Sequence[CheckedFile], path: Path, progress: Progress, holder: Holder) -> None:
    total, done = sum(file.item_count for file in files), 0
    with parquet.ParquetWriter(path, SCHEMA, compression="zstd", compression_level=1) as writer:
        for file in in_turn(holder, files):
            rows: list[tuple[str, bool, int]] = []
            for row in _rows(file):
                rows.append(row)
                if len(rows) == ROWS_PER_GROUP:
                    writer.write_table(_table(rows))
                    rows.clear()
            writer.write_table(_table(rows))
            done += file.item_count
            progress.advance(done, total, "changes")


def _rows(file: CheckedFile) -> Iterator[tuple[str, bool, int]]:
    for line, content in stream_lines(file):
        try:
            change = read_change(content, file.format, file.view or "NEW_IMAGE")
            values = {name: canonical_value(typed) for name, typed in change.keys.items()}
        except (NotAChangeError, ItemFaultError) as error:
            message = f"data file {file.key}: line {line} is no change of an item: {error}"
            raise CheckFailed(message, DAMAGED) from error
        yield key_text(values), change.image is not None, file.place


def _table(rows: Sequence[tuple[str, bool, int]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)
