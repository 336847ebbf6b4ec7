"""Opening DuckDB: bounded in memory, spilling into the folder it is given, and nothing else.

What is asked of it is the callers' own. Queries out of a spec are hostile and need more than this:
see ``retable.runner.verify.spec_queries``.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from retable.runner.failure import Stopped

MEMORY_LIMIT = "1GB"
"""What DuckDB may hold before it spills; the rest of the process needs as much again."""
THREADS = 2
"""Each thread has buffers of its own, so more of them need more memory."""


@contextmanager
def database(
    spill: Path | None, memory_limit: str = MEMORY_LIMIT
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty in-memory database that spills into the folder ``spill``.

    ``spill`` is this database's alone: what an earlier, killed process left there is removed, and
    the folder is gone afterwards. ``None`` is for work that never needs to spill.

    Raises:
        Stopped: memory, disk or a file failed DuckDB.
    """
    _remove(spill)
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "threads": THREADS,
            "temp_directory": str(spill or ""),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        }
    )
    try:
        # A progress bar would be drawn over the report.
        connection.execute("set enable_progress_bar = false")
        yield connection
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        message = f"DuckDB could not go on: {str(error).partition(chr(10))[0]}"
        raise Stopped(message, "make room on the disk or in memory, then resume") from error
    finally:
        connection.close()
        _remove(spill)


def literal(text: str | Path) -> str:
    """Return ``text`` as an SQL string."""
    return "'" + str(text).replace("'", "''") + "'"


def file_list(paths: Iterable[Path]) -> str:
    """Return ``paths`` as an SQL list of file names, none of which is taken for a pattern."""
    return "[" + ", ".join(literal(unglobbed(path)) for path in paths) + "]"


def pattern(folder: Path, glob: str) -> str:
    """Return the SQL string for the files in ``folder`` that match ``glob``."""
    return literal(f"{unglobbed(folder)}/{glob}")


def unglobbed(path: Path) -> str:
    """Return ``path`` with the characters escaped that DuckDB's patterns give a meaning."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def _remove(spill: Path | None) -> None:
    """Remove the folder ``spill`` and what is in it, if there is one."""
    if spill is not None:
        shutil.rmtree(spill, ignore_errors=True)
