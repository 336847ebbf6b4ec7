"""Writes a DuckDB file with the run's ledgers as views, for exploring a run by hand.

It holds no data: views read the run folder's files and the data files in place. The program itself
never reads it.
"""
# ruff: noqa: S608 -- the SQL holds only our own quoted paths and names

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from retable.runner.duck import file_list, literal, pattern
from retable.runner.export.datafile import CheckedFile
from retable.runner.failure import Stopped
from retable.runner.ledger.relations import PART_GLOB, SUPERSEDED, parts
from retable.runner.ledger.write_ledger import MAX_LINE_BYTES
from retable.runner.runs.folder import RunFolder
from retable.runner.verify.compare import DIFF
from retable.runner.verify.macros import MACROS
from retable.runner.verify.source_items import is_plain
from retable.runner.verify.spec_queries import views

STORAGE = "v1.0.0"
"""The oldest storage format that the command line of DuckDB 1 and later reads."""


def write_explorable(
    folder: RunFolder, role: str, files: Sequence[CheckedFile], quarantined: Path | None
) -> None:
    """Rewrite the run folder's ``explore.duckdb``: views of the run's files so far.

    ``source``, ``expected`` and ``target`` are those of a spec's queries, with their macros;
    ``ledger``, ``actual``, ``differences``, ``superseded`` and ``rejects`` the files behind them.
    There is no ``source`` unless the data files are on this machine as lines of items. There is no
    file below a folder with a question mark in its name: DuckDB cannot create one there.

    Raises:
        Stopped: the file cannot be written.
    """
    path = folder.explorable
    path.unlink(missing_ok=True)
    if "?" in str(path):
        return
    connection = duckdb.connect()
    try:
        connection.execute(
            f"attach {literal(path)} as explore (storage_version {literal(STORAGE)})"
        )
        connection.execute("use explore")
        for text in (*MACROS, *_views(folder, role, files, quarantined)):
            connection.execute(text)
        connection.execute("use memory")
        connection.execute("detach explore")
    except duckdb.IOException as error:
        message = f"{path} cannot be written: {str(error).partition(chr(10))[0]}"
        raise Stopped(message, "free disk space, then resume") from error
    finally:
        connection.close()


def _views(
    folder: RunFolder, role: str, files: Sequence[CheckedFile], quarantined: Path | None
) -> Iterator[str]:
    """Yield the statements that create the views, for the files that exist."""
    expected, actual = folder.expected(role).resolve(), folder.actual.resolve()
    readable = all(is_plain(file) and file.path.is_file() for file in files)
    paths = [file.path.resolve() for file in files] if readable else []
    source, *others = views(
        paths, expected, actual / "items", quarantined and quarantined.resolve()
    )
    yield from (source, *others) if readable else others
    yield f"create view ledger as select * from {parts(expected)}"
    if any(actual.glob(PART_GLOB)):
        yield f"create view actual as select * from {parts(actual)}"
    for name, path in (
        ("differences", actual.parent / DIFF),
        ("superseded", expected / SUPERSEDED),
    ):
        if path.is_file():
            yield f"create view {name} as select * from read_parquet({file_list([path])})"
    rejects = (folder.quarantine / expected.name).resolve()
    if any(rejects.glob("*.jsonl")):
        yield f"""create view rejects as select reason, detail, source_file, source_line, line
from read_json({pattern(rejects, "*.jsonl")}, format = 'newline_delimited',
  columns = {{reason: 'VARCHAR', detail: 'VARCHAR', source_file: 'VARCHAR',
    source_line: 'BIGINT', line: 'VARCHAR'}}, maximum_object_size = {4 * MAX_LINE_BYTES})"""
