"""Compares the rebuilt table with what it must hold: counts, checksums, and every differing item.

Both sides are ledgers; it makes no AWS calls. The checksum does not depend on the order of the
items: it is the sum of their digests' halves, each modulo 2**64. It is not an XOR, in which pairs
would cancel, and not DuckDB's ``hash()``, which differs between versions.
"""
# ruff: noqa: S608 -- the SQL holds only numbers and our own quoted paths

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb
import orjson

from retable.runner.disk import replace_durably
from retable.runner.duck import MEMORY_LIMIT, database, file_list, literal
from retable.runner.ledger.relations import SUPERSEDED, actual_items, expected_items

BUCKETS = 256
BUCKET = "digest_hi >> 56"
"""The bucket of an item: the first byte of its digest. A different item is in two."""
FINE = "digest_hi >> 48"
"""The finer buckets in which differences are searched: each bucket split in 256, so that few
differences leave few items to compare. It reads no keys, which are most of a ledger."""
ROWS_AT_ONCE = 4_000_000
"""How many rows of both sides are joined at once: about 0.5 GB with keys of 60 bytes."""
LEFTOVER = """key varchar, digest_hi ubigint, digest_lo ubigint, surplus bigint,
  source_file varchar, source_line bigint"""
DIFFERENCE = """kind varchar, key varchar, expected_hi ubigint, expected_lo ubigint,
  actual_hi ubigint, actual_lo ubigint, source_file varchar, source_line bigint"""
SHOWN = 100
"""How many differences are returned; the files have them all."""
SPILL = ".spill"
DIFF = "diff.parquet"

Kind = Literal["missing", "extra", "different"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One item that is missing, extra or different in the table; ``key`` is DynamoDB JSON."""

    kind: Kind
    key: Mapping[str, Any]
    source_file: str | None = None
    source_line: int | None = None
    """The line that it was exported as; ``None`` for an extra item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the two sides compare. ``buckets_*`` are the counts of all 256 buckets.

    The checksums are 32 hex digits. ``buckets_differing`` (0 to 255) are those whose count or
    checksum differs. ``first`` are the first differences by key. ``sql`` has, by the name of the
    check ("row count", "checksum", "differing items"), the text that anyone can run again.
    """

    expected_count: int
    actual_count: int
    expected_checksum: str
    actual_checksum: str
    missing: int
    extra: int
    different: int
    buckets_expected: tuple[int, ...]
    buckets_actual: tuple[int, ...]
    buckets_differing: tuple[int, ...]
    first: tuple[Difference, ...]
    sql: Mapping[str, str]


Sums = tuple[int, int, int]
"""Count, sum of the digests' high halves, sum of the low ones."""
NONE: Sums = (0, 0, 0)


def compare(  # noqa: PLR0913 -- each side's files by name
    expected: Path,
    *,
    quarantined: Path | None,
    actual: Path,
    diff: Path,
    superseded: Path | None = None,
    expired: Path | None = None,
    others: bool = False,
    memory_limit: str = MEMORY_LIMIT,
) -> Comparison:
    """Compare the ledger in the folder ``expected`` with the one in the folder ``actual``.

    Items that lost a collision (the file ``superseded``, by default the one in ``expected``), or
    that the table refused or let expire (the JSON lines ``quarantined``, ``expired``) are not
    expected.
    Writes every difference to ``diff`` as JSON lines and beside the folder ``actual`` as
    ``diff.parquet``, both sorted by key; they are empty if there are no differences. A duplicate
    item is extra. With ``others``, items without an expected key are ignored.

    Raises:
        Stopped: DuckDB ran out of memory or disk, or cannot read a file.
    """
    query = expected_items(expected, superseded or expected / SUPERSEDED, quarantined, expired)
    sides = (query, actual_items(actual, query if others else None))
    with database(actual.parent / SPILL, memory_limit) as connection:
        must, found = (
            _buckets(connection, side, name)
            for side, name in zip(sides, ("must", "found"), strict=True)
        )
        differing = [
            bucket for bucket in sorted({*must, *found}) if must.get(bucket) != found.get(bucket)
        ]
        _join(connection, sides)
        kinds, first = _write(connection, actual.parent / DIFF, diff)
    return Comparison(
        expected_count=_total(must, 0),
        actual_count=_total(found, 0),
        expected_checksum=_checksum(must),
        actual_checksum=_checksum(found),
        **kinds,
        buckets_expected=_counts(must),
        buckets_actual=_counts(found),
        buckets_differing=tuple(differing),
        first=first,
        sql=_sql(sides, differing),
    )


def _buckets(connection: duckdb.DuckDBPyConnection, side: str, name: str) -> dict[int, Sums]:
    """Return the sums of each bucket of ``side`` that has items.

    The sums of the fine buckets are left in a table called ``name``.
    """
    connection.execute(
        f"""create temp table {name} as select {FINE} as fine, count(*) as items,
          sum(digest_hi::hugeint) as high, sum(digest_lo::hugeint) as low
        from ({side}) group by fine"""
    )
    rows = connection.execute(
        f"""select fine >> 8 as bucket, sum(items)::bigint, sum(high), sum(low)
        from {name} group by bucket"""
    ).fetchall()
    return {int(bucket): (count, high, low) for bucket, count, high, low in rows}


def _join(connection: duckdb.DuckDBPyConnection, sides: tuple[str, str]) -> None:
    """Collect every difference into the table ``difference``, from the fine buckets that differ.

    The table ``apart`` has these buckets, in batches that can be joined at once. The leftovers of
    one key may be in two of them, so kinds are determined once all are in ``leftover``.
    """
    connection.execute(
        f"""create temp table apart as
        select fine, (sum(items) over (order by fine) - items)::bigint // {ROWS_AT_ONCE} as batch
        from (select fine, coalesce(must.items, 0) + coalesce(found.items, 0) as items
          from must full join found using (fine)
          where (must.items, must.high, must.low)
            is distinct from (found.items, found.high, found.low))"""
    )
    batches = connection.execute("select distinct batch from apart order by batch").fetchall()
    connection.execute(f"create temp table leftover ({LEFTOVER})")
    for (batch,) in batches:
        few = f"{FINE} in (select fine from apart where batch = {batch})"
        connection.execute(f"insert into leftover {_leftover(sides, few)}")
    ((rows,),) = connection.execute("select count(*) from leftover").fetchall()
    parts = rows // ROWS_AT_ONCE + 1
    connection.execute(f"create temp table difference ({DIFFERENCE})")
    for part in range(parts):
        some = f"md5_number_upper(key) % {parts} = {part}"
        connection.execute(f"insert into difference {_kinds('leftover', some)}")


def _leftover(sides: tuple[str, str], where: str) -> str:
    """Return the SQL query for what is left over among the rows that ``where`` selects.

    Items that are equal on both sides cancel one for one, so a second one on either side is left
    over too. An item's digest covers its key as well, so keys are read only for what is left over.
    """
    expected, actual = (f"({side}) where {where}" for side in sides)
    return f"""with unmatched as materialized (
  select digest_hi, digest_lo, sum(side)::bigint as surplus
  from (select digest_hi, digest_lo, 1 as side from {expected}
    union all by name select digest_hi, digest_lo, -1 as side from {actual})
  group by digest_hi, digest_lo having surplus <> 0
)
select key, digest_hi, digest_lo, any_value(surplus) as surplus,
  any_value(source_file) as source_file, any_value(source_line) as source_line
from (select * from ({sides[0]}) union all by name select * from ({sides[1]}))
join unmatched using (digest_hi, digest_lo)
group by key, digest_hi, digest_lo"""


def _kinds(leftover: str, where: str) -> str:
    """Return the SQL query for the differences; one key's leftovers on both sides are one.

    ``leftover`` is a relation like the one that ``_leftover`` gives.
    """
    return f"""with by_key as (
  select key, coalesce(sum(surplus) filter (surplus > 0), 0)::bigint as lacking,
    coalesce(-sum(surplus) filter (surplus < 0), 0)::bigint as unasked,
    any_value(digest_hi) filter (surplus > 0) as expected_hi,
    any_value(digest_lo) filter (surplus > 0) as expected_lo,
    any_value(digest_hi) filter (surplus < 0) as actual_hi,
    any_value(digest_lo) filter (surplus < 0) as actual_lo,
    any_value(source_file) as source_file, any_value(source_line) as source_line
  from {leftover} where {where} group by key
)
select unnest(flatten([['different' for x in range(least(lacking, unasked))],
    ['missing' for x in range(lacking - unasked)], ['extra' for x in range(unasked - lacking)]]))
    as kind, key, expected_hi, expected_lo, actual_hi, actual_lo, source_file, source_line
from by_key"""


def _write(
    connection: duckdb.DuckDBPyConnection, parquet: Path, lines: Path
) -> tuple[dict[Kind, int], tuple[Difference, ...]]:
    """Write the differences to both files; return their number of each kind and the first."""
    _copy(connection, "select * from difference order by key, kind", parquet, "format parquet")
    counts = dict(
        connection.execute("select kind, count(*) from difference group by kind").fetchall()
    )
    connection.execute("drop table difference")
    # From here on the order is the file's, which saves sorting again.
    connection.execute("set preserve_insertion_order = true")
    sorted_ = f"from read_parquet({file_list([parquet])})"
    text = f"select kind, key::json as key, source_file, source_line {sorted_}"
    _copy(connection, text, lines, "format json")
    rows = connection.execute(
        f"select kind, key, source_file, source_line {sorted_} limit {SHOWN}"
    ).fetchall()
    first = tuple(
        Difference(kind=kind, key=orjson.loads(key), source_file=file, source_line=line)
        for kind, key, file, line in rows
    )
    return {kind: counts.get(kind, 0) for kind in get_args(Kind)}, first


def _copy(connection: duckdb.DuckDBPyConnection, sql: str, path: Path, options: str) -> None:
    """Write the result of ``sql`` to the file ``path``, all or nothing."""
    temporary = path.with_name(path.name + ".part")
    connection.execute(f"copy ({sql}) to {literal(temporary)} ({options})")
    replace_durably(temporary, path)


def _counts(sums: Mapping[int, Sums]) -> tuple[int, ...]:
    """Return the number of items in each bucket."""
    return tuple(sums.get(bucket, NONE)[0] for bucket in range(BUCKETS))


def _total(sums: Mapping[int, Sums], part: int) -> int:
    """Return one of the sums over all buckets."""
    return sum(bucket[part] for bucket in sums.values())


def _checksum(sums: Mapping[int, Sums]) -> str:
    """Return the sums of both halves of the digest, each modulo 2**64, as hex digits."""
    high, low = (_total(sums, part) % 2**64 for part in (1, 2))
    return f"{high:016x}{low:016x}"


def _sql(sides: tuple[str, str], differing: Sequence[int]) -> Mapping[str, str]:
    """Return the queries behind the checks, for running them again by hand."""
    halves = " || ".join(
        f"lpad(lower(to_hex((coalesce(sum({half}::hugeint), 0) % 18446744073709551616)::ubigint)), "
        "16, '0')"
        for half in ("digest_hi", "digest_lo")
    )
    few = f"{BUCKET} in ({', '.join(map(str, differing or [0]))})"
    return {
        "row count": _both("count(*)", sides),
        "checksum": _both(halves, sides),
        "differing items": _kinds(f"({_leftover(sides, few)})", "true"),
    }


def _both(value: str, sides: tuple[str, str]) -> str:
    """Return the query that gives ``value`` for each side."""
    expected, actual = (f"(select {value} from ({side}))" for side in sides)
    return f"select {expected} as expected, {actual} as actual"
