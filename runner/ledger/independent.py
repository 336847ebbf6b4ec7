"""The independent counter: DuckDB over the exported files, sharing no code with the mapping.

It reads lines as text and neither parses nor maps them. The files must have been checked before,
since DuckDB does not verify gzip checksums.
"""
# ruff: noqa: S608 -- the SQL holds only numbers and our own quoted paths

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import duckdb

from retable.runner.duck import MEMORY_LIMIT, database, file_list, literal
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.manifest import Export
from retable.runner.export.spool import IN_PLACE, Holder, held
from retable.runner.failure import CheckFailed
from retable.runner.ledger.questions import Ledger
from retable.runner.ledger.write_ledger import MAX_LINE_BYTES, SEPARATOR

FILES_AT_ONCE = 16
"""How many data files one query reads: enough for every core, and few enough for the spool."""
NULL_LINE = "\x1d"
"""The line that the CSV reader takes for null. It needs one, and the query converts it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Independent:
    """The exported lines, counted and summed by the halves of their MD5.

    Blank lines and lines that are not text are not counted.
    """

    count: int
    md5_lower_sum: int
    md5_upper_sum: int

    def __add__(self, other: "Independent") -> "Independent":
        """Return the sum of both."""
        return Independent(
            count=self.count + other.count,
            md5_lower_sum=self.md5_lower_sum + other.md5_lower_sum,
            md5_upper_sum=self.md5_upper_sum + other.md5_upper_sum,
        )


def count_export(
    files: Sequence[CheckedFile],
    memory_limit: str = MEMORY_LIMIT,
    holder: Holder = IN_PLACE,
) -> Independent:
    """Count and sum the lines of ``files``, a few of which ``holder`` holds at a time.

    Raises:
        CheckFailed: DuckDB cannot read them as lines, for instance because of carriage returns.
        Stopped: DuckDB ran out of memory or disk, or cannot read a file.
    """
    total = Independent(count=0, md5_lower_sum=0, md5_upper_sum=0)
    with database(None, memory_limit) as connection:
        for start in range(0, len(files), FILES_AT_ONCE):
            few = files[start : start + FILES_AT_ONCE]
            with ExitStack() as stack:
                for file in few:
                    stack.enter_context(held(holder, file))
                total += _count(connection, few)
    return total


def _count(connection: duckdb.DuckDBPyConnection, files: Sequence[CheckedFile]) -> Independent:
    """Count and sum the lines of held files."""
    try:
        ((count, lower, upper),) = connection.execute(
            f"""select count(*), coalesce(sum(md5_number_lower(line)::hugeint), 0),
              coalesce(sum(md5_number_upper(line)::hugeint), 0)
            from (select coalesce(line, {literal(NULL_LINE)}) as line from {_lines(files)})"""
        ).fetchall()
    except duckdb.InvalidInputException as error:
        message = (
            "the data files cannot be counted a second time: DuckDB does not find lines of "
            "text that each end in a newline"
        )
        raise CheckFailed(message, "a native export has no carriage returns") from error
    return Independent(count=count, md5_lower_sum=lower, md5_upper_sum=upper)


def agree(independent: Independent, ledger: Ledger, *exports: Export) -> None:
    """Require three counts of the same lines to agree: the manifests', DuckDB's and the ledger's.

    Raises:
        CheckFailed: they differ, or their checksums do; the message has the three numbers.
    """
    lines = ledger.lines()
    read = lines.count + lines.unreadable
    exported = sum(export.item_count for export in exports)
    which = "manifest has" if len(exports) == 1 else "manifests have"
    if not exported == read == independent.count + lines.unreadable:
        message = (
            f"the export's {which} {exported:,} items, DuckDB counts "
            f"{independent.count + lines.unreadable:,} lines, the ledger has {read:,}"
        )
        raise CheckFailed(message, "a data file is not the one that was mapped; start a new run")
    found = (independent.md5_lower_sum, independent.md5_upper_sum)
    if found != (lines.md5_lower_sum, lines.md5_upper_sum):
        message = (
            f"of {exported:,} items, not all lines that DuckDB reads are those in the "
            f"ledger: the sums of their MD5 halves are {found[0]:x} and {found[1]:x}, "
            f"in the ledger {lines.md5_lower_sum:x} and {lines.md5_upper_sum:x}"
        )
        raise CheckFailed(message, "a data file is not the one that was mapped; start a new run")


def _lines(files: Sequence[CheckedFile]) -> str:
    """Return the SQL relation of all lines of ``files``, in one text column ``line``.

    JSON readers trim and check what they read; the CSV reader, without quotes, escapes and with one
    column, keeps every byte. It must skip what is not such a line (``ignore_errors``), or one bad
    line would stop the count; the ledger knows how many those are.
    """
    return f"""read_csv({file_list(file.path for file in files)},
      columns = {{line: 'VARCHAR'}}, header = false, auto_detect = false, compression = 'gzip',
      delim = {literal(SEPARATOR)}, quote = '', escape = '', comment = '', new_line = '\\n',
      nullstr = {literal(NULL_LINE)}, strict_mode = true, ignore_errors = true,
      max_line_size = {MAX_LINE_BYTES})"""
