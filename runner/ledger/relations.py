"""The ledgers as SQL relations, for the program's queries and for those that a report shows.

Nothing is executed here.
"""
# ruff: noqa: S608 -- the SQL holds only numbers and our own quoted paths

import re
from pathlib import Path

from retable.runner.duck import file_list, pattern
from retable.runner.ledger.write_ledger import MAX_LINE_BYTES

SUPERSEDED = "superseded.parquet"
"""The results that lost a collision, beside the parts of the expected ledger."""
PART = re.compile(r"\d{5,}\.parquet")
PART_GLOB = "[0-9]*.parquet"
"""The parts of a ledger, one per data file or scan segment: ``00000.parquet`` and so on."""
NO_ROWS = """(select null::varchar as source_file, null::bigint as source_line,
  null::integer as ordinal, null::varchar as outcome, null::varchar as reason,
  null::varchar as key, null::ubigint as digest_hi, null::ubigint as digest_lo,
  null::bigint as size, null::ubigint as line_md5_lower, null::ubigint as line_md5_upper,
  null::blob as rank where false)"""
"""A ledger of no data files."""


def parts(folder: Path) -> str:
    """Return the SQL relation of all rows of the ledger in ``folder``."""
    if not any(PART.fullmatch(path.name) for path in folder.iterdir()):
        return NO_ROWS
    return f"read_parquet({pattern(folder, PART_GLOB)})"


def expected_items(
    folder: Path, superseded: Path | None, quarantined: Path | None, expired: Path | None = None
) -> str:
    """Return the SQL query for what the table must hold, one row per item.

    These are the results of the expected ledger in ``folder`` without those in the file
    ``superseded`` and those whose key is in ``quarantined`` or ``expired`` (JSON lines with a
    ``key``); a file that does not exist excludes nothing.
    """
    sql = f"""select ledger.key, digest_hi, digest_lo, source_file, source_line
from {parts(folder)} as ledger"""
    if superseded is not None and superseded.is_file():
        sql += f"""
anti join read_parquet({file_list([superseded])}) as lost
  using (source_file, source_line, ordinal)"""
    if quarantined is not None and quarantined.is_file():
        sql += f"""
anti join {_keys_in(quarantined)} as refused using (key)"""
    if expired is not None and expired.is_file():
        sql += f"""
anti join {_keys_in(expired)} as expired using (key)"""
    # Every result has a digest, and keys are the most expensive part of a ledger to read.
    return sql + "\nwhere digest_hi is not null"


def actual_items(folder: Path, only: str | None = None) -> str:
    """Return the SQL query for what the table holds, one row per item.

    With the query ``only``, just the items whose key is in it.
    """
    sql = f"select key, digest_hi, digest_lo from {parts(folder)}"
    return sql if only is None else f"{sql} as ledger semi join ({only}) as selected using (key)"


def _keys_in(path: Path) -> str:
    """Return the SQL relation of the keys in ``path``, each as canonical text.

    A line torn by a crash has no key and excludes nothing, so its item is reported missing.
    """
    return f"""(select if(json_type(key) = 'VARCHAR', key->>'$', key::varchar) as key
  from read_json({file_list([path])}, columns = {{key: 'JSON'}},
    format = 'newline_delimited', compression = 'none',
    maximum_object_size = {MAX_LINE_BYTES}, ignore_errors = true))"""
