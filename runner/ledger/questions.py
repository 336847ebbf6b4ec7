"""Queries the expected ledger: counts, reasons, collisions and their losers, sizes.

It reads what ``write_ledger`` wrote and changes no part of it; the losers of collisions go into
a separate file beside the parts.
"""
# ruff: noqa: S608 -- the SQL holds only numbers and our own quoted paths

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
from pyarrow import parquet

from retable.runner.disk import replace_durably
from retable.runner.duck import MEMORY_LIMIT, database, file_list, literal
from retable.runner.failure import Stopped
from retable.runner.ledger.relations import NO_ROWS, SUPERSEDED, parts

SPILL = ".spill"
COLLIDING = "colliding.parquet"
"""Every target key that several results share, and how many."""
SHOWN_LINES = 5
"""How many source lines an example of a collision names."""
WRITE_UNIT_BYTES = 1024
"""One write unit writes up to 1 KB, rounded up for each item (DynamoDB's own rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCounts:
    """Source items by outcome, and the number of results of the kept ones."""

    read: int
    kept: int
    dropped: int
    rejected: int
    results: int
    outdated: int = 0
    """Exported lines that later changes replace; they are not items any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSums:
    """The source lines that DuckDB can read, counted and summed by the halves of their MD5.

    ``unreadable`` counts the others, all of which are rejected (see ``write_ledger.is_readable``).
    """

    count: int
    md5_lower_sum: int
    md5_upper_sum: int
    unreadable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """One target key that several results share. ``lines`` are the first few, ``file:line``.

    ``winner`` is the line that is loaded; ``None`` if there is no winner.
    """

    key: str
    items: int
    lines: tuple[str, ...]
    winner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collisions:
    """How many target keys collide, how many results share them, and the first keys."""

    keys: int
    items: int
    examples: tuple[Collision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """The outcome of collisions: ``count`` results lose, ``unresolved`` keys have no winner."""

    count: int
    unresolved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The results' sizes in bytes. ``histogram`` maps a power of two to the items up to it."""

    items: int
    total: int
    largest: int
    write_units: int
    histogram: Mapping[int, int]


class Ledger:
    """The expected ledger in ``folder``, whose parts are complete.

    Every method raises ``Stopped`` if DuckDB runs out of memory or disk. Only one process may query
    a ledger at a time, since both would spill into its folder.
    """

    def __init__(self, folder: Path, memory_limit: str = MEMORY_LIMIT) -> None:
        """Prepare to query; ``memory_limit`` is DuckDB's, beyond which it spills to disk."""
        self.folder = folder
        self._memory_limit = memory_limit
        self._collided = False

    def counts(self) -> LedgerCounts:
        """Return how many items have which outcome."""
        read, kept, dropped, rejected, results, outdated = self._one(
            f"""select count(*) filter (ordinal = 0 and outcome <> 'outdated'),
              count(*) filter (ordinal = 0 and outcome = 'kept'),
              count(*) filter (outcome = 'dropped'), count(*) filter (outcome = 'rejected'),
              count(key), count(*) filter (outcome = 'outdated')
            from {parts(self.folder)}"""
        )
        return LedgerCounts(
            read=read,
            kept=kept,
            dropped=dropped,
            rejected=rejected,
            results=results,
            outdated=outdated,
        )

    def lines(self) -> LineSums:
        """Return the count and sums that the independent counter must arrive at."""
        count, lower, upper, unreadable = self._one(
            f"""select count(line_md5_lower), coalesce(sum(line_md5_lower::hugeint), 0),
              coalesce(sum(line_md5_upper::hugeint), 0),
              count(*) filter (line_md5_lower is null)
            from {parts(self.folder)} where ordinal = 0"""
        )
        return LineSums(
            count=count, md5_lower_sum=lower, md5_upper_sum=upper, unreadable=unreadable
        )

    def rejects_by_reason(self) -> Mapping[str, int]:
        """Return how many items were rejected, by the name of the reason."""
        with self._database() as connection:
            rows = connection.execute(
                f"""select reason, count(*) from {parts(self.folder)}
                where outcome = 'rejected' group by reason order by reason"""
            ).fetchall()
        return dict(rows)

    def sizes(self) -> Sizes:
        """Return the sizes of the results."""
        items, total, largest, units = self._one(
            f"""select count(size), coalesce(sum(size), 0)::bigint, coalesce(max(size), 0),
              coalesce(sum((size + {WRITE_UNIT_BYTES - 1}) // {WRITE_UNIT_BYTES}), 0)::bigint
            from {parts(self.folder)}"""
        )
        with self._database() as connection:
            bars = connection.execute(
                f"""select (2 ** ceil(log2(greatest(size, 1))))::bigint as upper, count(*)
                from {parts(self.folder)} where size is not null group by upper order by upper"""
            ).fetchall()
        return Sizes(
            items=items, total=total, largest=largest, write_units=units, histogram=dict(bars)
        )

    def collisions(self, limit: int) -> Collisions:
        """Return the target keys that several results share, with the first ``limit`` by key.

        Their winners are known once ``superseded`` has run.
        """
        self._collide()
        keys, items = self._one(
            f"select count(*), coalesce(sum(items), 0)::bigint from {self._colliding}"
        )
        with self._database() as connection:
            rows = connection.execute(
                f"""with shown as (select * from {self._colliding} order by key limit {int(limit)}),
                contender as (select key, items, source_file || ':' || source_line as place,
                    lost.source_file is not null as has_lost, source_file, source_line, ordinal
                  from {parts(self.folder)} as ledger join shown using (key)
                  left join {self._losers} as lost using (source_file, source_line, ordinal))
                select key, any_value(items),
                  list(place order by source_file, source_line, ordinal)[:{SHOWN_LINES}],
                  if(bool_or(has_lost), any_value(place) filter (not has_lost), null)
                from contender group by key order by key"""
            ).fetchall()
        examples = tuple(
            Collision(key=key, items=count, lines=tuple(lines), winner=winner)
            for key, count, lines, winner in rows
        )
        return Collisions(keys=keys, items=items, examples=examples)

    def superseded(self, winner: Literal["latest", "first"] | None) -> Superseded:
        """Resolve every collision and write the losers to ``superseded.parquet``.

        The winner is the result with the greatest rank (``latest``) or the smallest (``first``);
        ranks are compared byte by byte. A key is unresolved, and has no losers, if several results
        share its best rank, if one of its results has no rank, or if the spec names no ``winner``.
        """
        self._collide()
        best = {"latest": "max(rank)", "first": "min(rank)", None: "max(null::blob)"}[winner]
        with self._database() as connection:
            connection.execute(
                f"""create temp table contender as
                select source_file, source_line, ordinal, key, rank
                from {parts(self.folder)} as ledger
                semi join {self._colliding} as twice using (key)"""
            )
            connection.execute(
                f"""create temp table decision as
                select key, best, bool_and(ranked) and count(*) filter (rank = best) = 1 as decided
                from (select key, rank, {best} over (partition by key) as best,
                  rank is not null as ranked from contender) group by key, best"""
            )
            unresolved = _value(
                connection, "select count(*) from decision where decided is not true"
            )
            count = _value(
                connection,
                "select count(*) from contender join decision using (key) "
                "where decided and rank <> best",
            )
            self._write(
                connection,
                "select source_file, source_line, ordinal, key from contender "
                "join decision using (key) where decided and rank <> best "
                "order by source_file, source_line, ordinal",
                SUPERSEDED,
            )
        return Superseded(count=count, unresolved=unresolved)

    def losers(self, source_file: str) -> frozenset[tuple[int, int]]:
        """Return the results of one data file that lost, to be left out, as (line, ordinal).

        Raises:
            Stopped: ``superseded`` has not run.
        """
        path = self.folder / SUPERSEDED
        if not path.is_file():
            message = f"{path} is missing, which lists the items that lost a collision"
            raise Stopped(message, "the dry run writes it; start a new run")
        table = parquet.read_table(
            path,
            columns=["source_line", "ordinal"],
            filters=[("source_file", "=", source_file)],
        )
        lines = table.column("source_line").to_pylist()
        return frozenset(zip(lines, table.column("ordinal").to_pylist(), strict=True))

    def places(self, keys: Collection[str]) -> dict[str, tuple[str, int, int]]:
        """Return file, line and ordinal of the results with these keys that did not lose."""
        if not keys:
            return {}
        lost = self.folder / SUPERSEDED
        with self._database() as connection:
            connection.execute("create temp table selected (key varchar)")
            connection.executemany("insert into selected values (?)", [[key] for key in keys])
            rows = connection.execute(
                f"""select ledger.key, source_file, source_line, ordinal
                from {parts(self.folder)} as ledger semi join selected using (key)
                anti join read_parquet({file_list([lost])}) as lost
                  using (source_file, source_line, ordinal)"""
            ).fetchall()
        return {key: (file, line, ordinal) for key, file, line, ordinal in rows}

    def _collide(self) -> None:
        """Write the colliding keys to a file, once for this ledger."""
        if self._collided:
            return
        with self._database() as connection:
            # Half an MD5 takes less memory than a key, and hardly any key shares it with another.
            connection.execute(
                f"""create temp table suspect as select md5_number_lower(key) as half
                from {parts(self.folder)} where key is not null
                group by half having count(*) > 1"""
            )
            self._write(
                connection,
                f"""select key, count(*) as items from {parts(self.folder)}
                where key is not null and md5_number_lower(key) in (select half from suspect)
                group by key having count(*) > 1 order by key""",
                COLLIDING,
            )
        self._collided = True

    @property
    def _colliding(self) -> str:
        return f"read_parquet({file_list([self.folder / COLLIDING])})"

    @property
    def _losers(self) -> str:
        path = self.folder / SUPERSEDED
        if path.is_file():
            return (
                f"(select source_file, source_line, ordinal from read_parquet({file_list([path])}))"
            )
        return f"(select source_file, source_line, ordinal from {NO_ROWS})"

    def _write(self, connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> None:
        """Write the result of ``sql`` to the file ``name`` in the folder, all or nothing."""
        temporary = self.folder / f"{name}.part"
        connection.execute(
            f"copy ({sql}) to {literal(temporary)} (format parquet, compression zstd)"
        )
        replace_durably(temporary, self.folder / name)

    def _one(self, sql: str) -> tuple[Any, ...]:
        """Return the only row of the result of ``sql``."""
        with self._database() as connection:
            (row,) = connection.execute(sql).fetchall()
        return tuple(row)

    def _database(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return database(self.folder / SPILL, self._memory_limit)


def _value(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """Return the only number of the result of ``sql``."""
    ((value,),) = connection.execute(sql).fetchall()
    return int(value)
