"""Merges incremental exports into a full one: finds the exported lines that are still current.

``line_notes`` records which item each line holds. From that DuckDB, spilling to disk, finds the
lines that a later window replaces and those that say their item was deleted. All other lines
together are the table as of the end of the last window; ``lines`` reads them. ``windows`` checks
that the windows join.
"""
# ruff: noqa: S608 -- the SQL holds only numbers and our own quoted paths

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
"""The list of lines that do not count: all that a merge keeps."""
NO_NOTES = """(select 0::ubigint as hi, 0::ubigint as lo, 0::bigint as line,
  false as put, 0 as file, 0 as place where false)"""
"""Notes on no lines at all."""
LATEST = """create temp table latest as
select hi, lo, max(place) as place from change group by hi, lo"""
"""The last window of each changed item."""
PASSED_CHANGES = """create temp table passed as select file, line,
  if(change.place = latest.place, 'deletion', 'overtaken change') as kind
from change join latest using (hi, lo) where change.place < latest.place or not put"""
PASSED_ITEMS = """insert into passed
select file, line, 'overtaken item' from item semi join latest using (hi, lo)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The number of lines of each kind; ``full + changes == merged + outdated + deletions``."""

    full: int
    """Items of the full export."""
    changes: int
    """Lines of the incremental exports."""
    outdated: int
    """Lines that a later window replaces."""
    deletions: int
    """Lines that say, as the last change, that their item was deleted."""
    merged: int
    """Items of the table as of the end of the last window."""


def merge_changes(
    files: Sequence[CheckedFile],
    folder: Path,
    progress: Progress,
    holder: Holder = IN_PLACE,
    memory_limit: str = MEMORY_LIMIT,
) -> Merged:
    """Write the list of outdated lines into ``folder`` and return how many there are of each kind.

    ``files`` are those of all the exports; the list refers to each by its index. Whatever an
    earlier, killed merge left in ``folder`` is removed first.

    Raises:
        CheckFailed: a line of an incremental export is not a change, a window changes one item
            twice, or a file is not the one that was checked.
        Stopped: the disk is full, a file cannot be read, or DuckDB runs out of memory.
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
    """Create the table ``passed``: the lines that do not count, and why (``kind``).

    One join per statement: two at once would need the memory of both.
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
    """Refuse two last changes to one item.

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
    """Write the file and number of every line that does not count, sorted; all or nothing."""
    temporary = path.with_name(f"{path.name}.part")
    connection.execute(
        f"copy (select file, line from passed order by file, line) "
        f"to {literal(temporary)} (format parquet, compression zstd)"
    )
    replace_durably(temporary, path)


def _count(connection: duckdb.DuckDBPyConnection, files: Sequence[CheckedFile]) -> Merged:
    """Return the number of lines of each kind."""
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
