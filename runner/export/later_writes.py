"""Lists the keys of items written to a table after its export, from incremental exports."""
# ruff: noqa: S608 -- the SQL holds only our own quoted paths

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from retable.runner.disk import not_written, replace_durably
from retable.runner.duck import MEMORY_LIMIT, database, file_list, literal
from retable.runner.export.changes import Change, NotAChangeError, read_change
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.lines import stream_lines
from retable.runner.export.manifest import DAMAGED
from retable.runner.export.spool import IN_PLACE, Holder, in_turn
from retable.runner.failure import CheckFailed
from retable.runner.progress import Progress
from retable.transforms.canonical import canonical_value, key_text
from retable.transforms.expiry import has_expired
from retable.transforms.fault import ItemFaultError

ROWS_PER_GROUP = 100_000
NOTES, SPILL = "later.parquet", "later.spill"
SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("change", pa.string(), nullable=False),
        pa.field("place", pa.int32(), nullable=False),
    ]
)
"""An item's key; what happened to it; the position of the window that says so, in time order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ttl:
    """The attribute by which the table's items expire."""

    attribute: str
    now: int
    """The time up to which they have expired, in seconds of the Unix epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterWrites:
    """How many items were written after the export."""

    written: int
    """Items that were put or changed, and still exist."""
    deleted: int
    expired: int = 0
    """Items that time to live has deleted: they were due to expire, so they are not writes."""


def list_later_writes(  # noqa: PLR0913 -- what is read, from where, and by which limits
    files: Sequence[CheckedFile],
    path: Path,
    progress: Progress,
    holder: Holder = IN_PLACE,
    *,
    ttl: Ttl | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> LaterWrites:
    """Write the keys of all items that changed in ``files`` to ``path``, as sorted JSON lines.

    ``files`` belong to incremental exports, each with the position of its window. If an item
    changed several times, the last change counts. With ``ttl``, the files must hold old images.

    Raises:
        CheckFailed: a line is not a change to an item.
        Stopped: the disk is full, a file cannot be read, or DuckDB runs out of memory.
    """
    notes = path.with_name(NOTES)
    try:
        _note(files, notes, progress, holder, ttl)
    except OSError as error:
        raise not_written(error, notes) from error
    temporary = path.with_name(path.name + ".part")
    with database(path.with_name(SPILL), memory_limit) as connection:
        connection.execute(
            "create temp table last as select key, arg_max(change, place) as change "
            f"from read_parquet({file_list([notes])}) group by key"
        )
        connection.execute(
            "copy (select key, change from last where change <> 'expired' order by key) "
            f"to {literal(temporary)} (format json)"
        )
        counts = connection.execute("select change, count(*) from last group by all").fetchall()
    replace_durably(temporary, path)
    notes.unlink()
    return LaterWrites(**{"written": 0, "deleted": 0, **dict(counts)})


def _note(
    files: Sequence[CheckedFile], path: Path, progress: Progress, holder: Holder, ttl: Ttl | None
) -> None:
    total, done = sum(file.item_count for file in files), 0
    with parquet.ParquetWriter(path, SCHEMA, compression="zstd", compression_level=1) as writer:
        for file in in_turn(holder, files):
            rows: list[tuple[str, str, int]] = []
            for row in _rows(file, ttl):
                rows.append(row)
                if len(rows) == ROWS_PER_GROUP:
                    writer.write_table(_table(rows))
                    rows.clear()
            writer.write_table(_table(rows))
            done += file.item_count
            progress.advance(done, total, "changes")


def _rows(file: CheckedFile, ttl: Ttl | None) -> Iterator[tuple[str, str, int]]:
    for line, content in stream_lines(file):
        try:
            change = read_change(content, file.format, file.view or "NEW_IMAGE")
            values = {name: canonical_value(typed) for name, typed in change.keys.items()}
        except (NotAChangeError, ItemFaultError) as error:
            message = f"data file {file.key}: line {line} is not a change to an item: {error}"
            raise CheckFailed(message, DAMAGED) from error
        yield key_text(values), _kind(change, ttl), file.place


def _kind(change: Change, ttl: Ttl | None) -> str:
    """Return what happened to an item: the name of one of the counts."""
    if change.image is not None:
        return "written"
    expired = ttl is not None and has_expired(change.old or {}, ttl.attribute, ttl.now)
    return "expired" if expired else "deleted"


def _table(rows: Sequence[tuple[str, str, int]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)
