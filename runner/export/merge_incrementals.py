"""Incremental exports on top of a full one: which exported lines are the table's last word.

``notes`` tells whose item each line is about. Of that DuckDB, spilling to the disk, finds the lines
that a later window has overtaken and those that say their item is gone. All the other lines
together are the table as of the last window's end; ``lines`` reads them. That the windows join is
``windows``'.
"""
# ruff: noqa: S608 -- all that goes into the SQL is numbers and quoted paths of ours

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from retable.runner.disk import not_written, replace_durably
from retable.runner.duck import MEMORY_LIMIT, database, literal, pattern
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.line_notes import FULL, WINDOWS, note_lines
from retable.runner.export.manifest import DAMAGED
from retable.runner.export.spool import IN_PLACE, Holder
from retable.runner.failure import CheckFailed
from retable.runner.progress import Progress

OUTDATED = "outdated.parquet"
"""The list of lines that do not count: all that is kept of a merge."""
NO_NOTES = """(select 0::ubigint as hi, 0::ubigint as lo, 0::bigint as line,
  false as put, 0 as file, 0 as place where false)"""
"""The notes of no line at all."""
LATEST = """create temp table latest as
select hi, lo, max(place) as place from change group by hi, lo"""
"""Each changed item's last window."""
PASSED_CHANGES = """create temp table passed as select file, line,
  if(change.place = latest.place, 'deletion', 'overtaken change') as kind
from change join latest using (hi, lo) where change.place < latest.place or not put"""
PASSED_ITEMS = """insert into passed
select file, line, 'overtaken item' from item semi join latest using (hi, lo)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """How many lines there are; ``full + changes == merged + outdated + deletions``."""

    full: int
    """Items of the full export."""
    changes: int
    """Lines of the incremental exports."""
    outdated: int
    """Lines that a later window has overtaken."""
    deletions: int
    """Lines that say, with the last word, that their item was deleted."""
    merged: int
    """Items of the table as of the last window's end."""


def merge_changes(
    files: Sequence[CheckedFile],
    folder: Path,
    progress: Progress,
    holder: Holder = IN_PLACE,
    memory_limit: str = MEMORY_LIMIT,
) -> Merged:
    """Write the list of outdated lines into ``folder`` and return how many there are of each kind.

    ``files`` are those of all the exports; the list knows each by its place among them. Whatever an
    earlier, killed merge left in ``folder`` is removed first.

    Raises:
        CheckFailed: a line of an incremental export is no change, a window tells of one item
            twice, or a file is not the one that was checked.
        Stopped: the disk is full, a file cannot be read, or memory fails DuckDB.
    """
    notes = folder / "notes"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        notes.mkdir(parents=True)
        note_lines(files, notes, progress, holder)
    except OSError as error:
        raise not_written(error, notes) from error
    with database(folder / ".spill", memory_limit) as connection:
        _gather(connection, notes)
        _require_one_line_a_window(connection, files)
        _list_outdated(connection, folder / OUTDATED)
        merged = _count(connection, files)
    shutil.rmtree(notes, ignore_errors=True)
    return merged


def _gather(connection: duckdb.DuckDBPyConnection, notes: Path) -> None:
    """Make the table ``passed`` of the lines that do not count, and why: their ``kind``.

    One join a statement: two at once would need the memory of both.
    """
    for name, glob in (("item", FULL), ("change", WINDOWS)):
        found = NO_NOTES
        if any(notes.glob(glob)):
            found = f"read_parquet({pattern(notes, glob)})"
        connection.execute(f"create view {name} as select * from {found}")
    for statement in (LATEST, PASSED_CHANGES, PASSED_ITEMS):
        connection.execute(statement)


def _require_one_line_a_window(
    connection: duckdb.DuckDBPyConnection, files: Sequence[CheckedFile]
) -> None:
    """Refuse two last words about one item.

    Raises:
        CheckFailed: naming the two lines.
    """
    ((last, keys),) = connection.execute(
        "select (select count(*) from change) - "
        "(select count(*) from passed where kind = 'overtaken change'), "
        "(select count(*) from latest)"
    ).fetchall()
    if last == keys:
        return
    (first, second) = connection.execute(
        "select file, line from change join (select hi, lo, place from change "
        "group by hi, lo, place having count(*) > 1 limit 1) using (hi, lo, place) "
        "order by file, line limit 2"
    ).fetchall()
    places = (f"line {line} of data file {files[file].key}" for file, line in (first, second))
    message = f"one item has two changes in one window: {' and '.join(places)}"
    raise CheckFailed(message, DAMAGED)


def _list_outdated(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the file and number of every line that does not count, sorted, whole or not at all."""
    temporary = path.with_name(f"{path.name}.part")
    connection.execute(
        f"copy (select file, line from passed order by file, line) "
        f"to {literal(temporary)} (format parquet, compression zstd)"
    )
    replace_durably(temporary, path)


def _count(connection: duckdb.DuckDBPyConnection, files: Sequence[CheckedFile]) -> Merged:
    """Return how many lines there are of each kind."""
    ((passed, deletions),) = connection.execute(
        "select count(*), count(*) filter (kind = 'deletion') from passed"
    ).fetchall()
    full = sum(file.item_count for file in files if file.view is None)
    changes = sum(file.item_count for file in files if file.view is not None)
    return Merged(
        full=full,
        changes=changes,
        outdated=passed - deletions,
        deletions=deletions,
        merged=full + changes - passed,
    )
