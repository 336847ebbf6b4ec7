"""Runs a spec's own queries: SQL, possibly from a stranger, over export and table.

A query is one SELECT that gives one value. It reads ``source`` (``item``), ``expected`` (``key``,
``source_file``, ``source_line``) and ``target`` (``key``, ``item``) through the macros of
``macros``, and can access nothing else: no other file, no network, no setting. The error text of a
failed query is not shown, since it may hold an item's values.
"""
# ruff: noqa: S608 -- the views hold only numbers and our own quoted paths

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb
import orjson

from retable.runner.duck import MEMORY_LIMIT, database, file_list, literal, unglobbed
from retable.runner.ledger.relations import PART_GLOB, SUPERSEDED, expected_items, parts
from retable.runner.ledger.write_ledger import MAX_LINE_BYTES
from retable.runner.verify.macros import MACROS, MESSAGES
from retable.schema.spec import Query

TIME_LIMIT_SECONDS = 600
"""How long one query may take."""
SPILL_LIMIT = "20GB"
"""How much one query may spill to disk."""
MAX_TEXT = 1_000
"""The longest string a query may return: it goes into reports."""
SPILL = ".spill-queries"
PRELUDE = "queries.sql"
"""The views and macros, for running a query again: ``duckdb -init queries.sql``."""
TABLE_FUNCTIONS = frozenset(["generate_series", "json_each", "json_tree", "range", "unnest"])
"""What a query may select from besides the views; other functions read files or the process."""

Value = int | Decimal | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """The result of one query; ``actual`` is its value. ``unevaluated`` ones have a ``message``."""

    name: str
    outcome: Literal["passed", "failed", "unevaluated"]
    expected: Value
    actual: Value = None
    sql: str
    line: int
    """Where the spec declares it."""
    message: str | None = None


class Unevaluated(Exception):  # noqa: N818 -- it is an outcome
    """A query without a value to compare; the text says why and holds no item's values."""


def run_queries(  # noqa: PLR0913 -- each thing a query may read, by name
    queries: Sequence[Query],
    *,
    files: Sequence[Path],
    expected: Path,
    items: Path,
    folder: Path,
    quarantined: Path | None = None,
    seconds: float = TIME_LIMIT_SECONDS,
    memory_limit: str = MEMORY_LIMIT,
) -> tuple[QueryResult, ...]:
    """Run ``queries`` over the exported items, the expected ledger and the table's items.

    ``files`` are gzip files of ``{"Item": …}`` lines; ``expected`` is the ledger's folder and
    ``items`` the one ``read_table`` filled; ``folder`` takes what DuckDB spills and the file
    ``queries.sql``. Each query has a database of its own.

    Raises:
        Stopped: DuckDB ran out of memory or disk, or cannot read a file, outside of any query.
    """
    quarantined = None if quarantined is None else quarantined.resolve()
    files = [path.resolve() for path in files]
    made = views(files, expected.resolve(), items.resolve(), quarantined)
    prelude = folder / PRELUDE
    prelude.write_text("".join(f"{text};\n" for text in (*MACROS, *made)), encoding="utf-8")
    readable = _Readable(
        folders=(expected.resolve(), items.resolve()),
        files=(
            *files,
            *([] if quarantined is None else [quarantined]),
        ),
    )
    results = []
    for query in queries:
        with database((folder / SPILL).resolve(), memory_limit) as connection:
            for text in (*MACROS, *made):
                connection.execute(text)
            _lock(connection, readable)
            results.append(_run(connection, query, prelude, seconds))
    return tuple(results)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Readable:
    """What the views read, and so what a query may read."""

    folders: tuple[Path, ...]
    files: tuple[Path, ...]


def views(
    files: Sequence[Path], expected: Path, items: Path, quarantined: Path | None
) -> tuple[str, ...]:
    """Return the statements that create the three views."""
    lines = "select null::json as json where false"
    if files:
        # Lines that are not JSON are not items; the dry run rejected and counted them.
        lines = f"""select json from read_ndjson_objects(
  {file_list(files)},
  compression = 'gzip', maximum_object_size = {MAX_LINE_BYTES}, ignore_errors = true)
where json is not null"""
    held = "select null::varchar as key, null::varchar as item where false"
    if any(items.glob(PART_GLOB)):
        held = f"select key, item from {parts(items)}"
    must = expected_items(expected, expected / SUPERSEDED, quarantined)
    return (
        f"create view source as select json->'Item' as item from ({lines})",
        f"create view expected as select key::json as key, source_file, source_line from ({must})",
        f"create view target as select key::json as key, item::json as item from ({held})",
    )


def _lock(connection: duckdb.DuckDBPyConnection, readable: _Readable) -> None:
    """Cut the database off from everything else, irrevocably."""
    folders, files = map(_allowed, (readable.folders, readable.files))
    for text in (
        f"set max_temp_directory_size = {literal(SPILL_LIMIT)}",
        f"set allowed_directories = {folders}",
        f"set allowed_paths = {files}",
        "set enable_external_access = false",
        "set lock_configuration = true",
    ):
        connection.execute(text)


def _allowed(paths: Sequence[Path]) -> str:
    """Return ``paths`` as DuckDB checks them: as patterns first, then as the names found."""
    both = (text for path in paths for text in (unglobbed(path), str(path)))
    return "[" + ", ".join(map(literal, both)) + "]"


def _run(
    connection: duckdb.DuckDBPyConnection, query: Query, prelude: Path, seconds: float
) -> QueryResult:
    """Run one query and compare its value with what the spec expects."""
    sql = f"-- duckdb -init {prelude}\n{query.sql.strip()}"
    try:
        _require_one_select(connection, query.sql)
        _bind(connection, query.sql)
        actual = _plain(_only_value(_evaluate(connection, query.sql, seconds)))
    except Unevaluated as reason:
        return QueryResult(
            name=query.name,
            outcome="unevaluated",
            expected=query.expect,
            sql=sql,
            line=query.span.line,
            message=str(reason),
        )
    return QueryResult(
        name=query.name,
        outcome="passed" if _is_same(query.expect, actual) else "failed",
        expected=query.expect,
        actual=actual,
        sql=sql,
        line=query.span.line,
    )


def _require_one_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Refuse anything but one SELECT that reads tables, views and harmless functions."""
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise Unevaluated(_first_line(error)) from None
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        message = "the SQL is not one SELECT statement"
        raise Unevaluated(message)
    ((tree,),) = connection.execute("select json_serialize_sql(?)", [sql]).fetchall()
    parsed = orjson.loads(tree)
    if parsed["error"]:
        message = "the SQL cannot be checked: it is not a plain SELECT"
        raise Unevaluated(message)
    for name in _table_functions(parsed):
        if name not in TABLE_FUNCTIONS:
            message = f"the SQL selects from {name}(); it may read source, expected and target"
            raise Unevaluated(message)


def _table_functions(tree: Any) -> Iterator[str]:
    """Yield the name of every table function in a parsed statement."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("type") == "TABLE_FUNCTION" and isinstance(node.get("function"), dict):
                yield str(node["function"].get("function_name")).lower()
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _bind(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Find wrong names and types before any item is read, so that the error may be shown."""
    try:
        connection.execute(f"explain {sql}").fetchall()
    except duckdb.Error as error:
        raise Unevaluated(_first_line(error)) from None


def _evaluate(
    connection: duckdb.DuckDBPyConnection, sql: str, seconds: float
) -> list[tuple[Any, ...]]:
    """Return up to two rows of the result of ``sql``, within ``seconds``."""
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        return connection.execute(sql).fetchmany(2)
    except duckdb.InterruptException:
        message = f"it took more than {seconds:g} seconds"
        raise Unevaluated(message) from None
    except duckdb.Error as error:
        raise Unevaluated(_without_values(error)) from None
    finally:
        timer.cancel()


def _without_values(error: duckdb.Error) -> str:
    """Return what went wrong while items were read, without anything that may be item data."""
    text = _first_line(error).partition(": ")[2]
    if text in MESSAGES:
        return text
    kind = type(error).__name__.removesuffix("Exception")
    return f"{kind} error while it ran; run it by hand to see the cause"


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]


def _only_value(rows: list[tuple[Any, ...]]) -> Any:
    """Return the value of the only column of the only row."""
    if len(rows) != 1 or len(rows[0]) != 1:
        found = "no row" if not rows else "several rows" if len(rows) > 1 else "several columns"
        message = f"it gives {found}; one row with one value is expected"
        raise Unevaluated(message)
    return rows[0][0]


def _plain(value: Any) -> Value:
    """Return a value of SQL as one that a spec can expect.

    A DOUBLE is read by its shortest decimal form, so that 0.1 is 0.1.
    """
    if isinstance(value, float):
        value = Decimal(repr(value))
    if value is not None and not isinstance(value, int | Decimal | str | bool):
        message = f"it gives a {type(value).__name__}; cast it to a string, a number or a boolean"
        raise Unevaluated(message)
    if isinstance(value, str) and len(value) > MAX_TEXT:
        message = f"it gives a string of {len(value):,} characters; {MAX_TEXT:,} are allowed"
        raise Unevaluated(message)
    return value


def _is_same(expected: Value, actual: Value) -> bool:
    """Return whether the values are equal: numbers as numbers, and nothing else across types."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, int | Decimal) and isinstance(actual, int | Decimal):
        return expected == actual
    return type(expected) is type(actual) and expected == actual
