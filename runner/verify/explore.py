"""A DuckDB file with the run's ledgers as views, for looking into a run by hand.

It holds no data: views read the run folder's files and the data files where they lie. Nothing of it
is read by the program itself.
"""
# ruff: noqa: S608 -- all that goes into the SQL is quoted paths and names of ours

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
"""The oldest form that the command line of DuckDB 1 and later reads."""


def write_explorable(
    folder: RunFolder, role: str, files: Sequence[CheckedFile], quarantined: Path | None
) -> None:
    """Write the run folder's ``explore.duckdb`` anew: views of what the run has made so far.

    ``source``, ``expected`` and ``target`` are those of a spec's queries, with their macros;
    ``ledger``, ``actual``, ``differences``, ``superseded`` and ``rejects`` the files behind them.
    There is no ``source`` where the data files do not lie on this machine as lines of items.
    There is none below a folder with a question mark in its name: DuckDB cannot make a file there.

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
        raise Stopped(message, "make room, then resume") from error
    finally:
        connection.close()


def _views(
    folder: RunFolder, role: str, files: Sequence[CheckedFile], quarantined: Path | None
) -> Iterator[str]:
    """Yield the statements that make the views, of those files that are there."""
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
