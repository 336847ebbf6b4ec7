"""Opens DuckDB with bounded memory and a folder of its own to spill into.

The queries belong to the callers. Queries from a spec are untrusted and need more than this:
see ``retable.runner.verify.spec_queries``.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from retable.runner.failure import Stopped

MEMORY_LIMIT = "1GB"
"""DuckDB's memory before it spills; the rest of the process needs as much again."""
THREADS = 2
"""Each thread has its own buffers, so more threads need more memory."""


@contextmanager
def database(
    spill: Path | None, memory_limit: str = MEMORY_LIMIT
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty in-memory database that spills into the folder ``spill``.

    No other database may use ``spill``: what an earlier, killed process left there is removed, and
    the folder is removed at the end. ``None`` is for work that never spills.

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
        message = f"DuckDB failed: {str(error).partition(chr(10))[0]}"
        raise Stopped(message, "free disk space or memory, then resume") from error
    finally:
        connection.close()
        _remove(spill)


def literal(text: str | Path) -> str:
    """Return ``text`` as an SQL string."""
    return "'" + str(text).replace("'", "''") + "'"


def file_list(paths: Iterable[Path]) -> str:
    """Return ``paths`` as an SQL list of file names, none of which is read as a pattern."""
    return "[" + ", ".join(literal(unglobbed(path)) for path in paths) + "]"


def pattern(folder: Path, glob: str) -> str:
    """Return the SQL string for the files in ``folder`` that match ``glob``."""
    return literal(f"{unglobbed(folder)}/{glob}")


def unglobbed(path: Path) -> str:
    """Return ``path`` with the special characters of DuckDB's patterns escaped."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def _remove(spill: Path | None) -> None:
    """Remove the folder ``spill`` and what is in it, if there is one."""
    if spill is not None:
        shutil.rmtree(spill, ignore_errors=True)
