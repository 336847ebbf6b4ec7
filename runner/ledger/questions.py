"""Questions to the expected ledger: counts, reasons, collisions and their losers, sizes.

It reads what ``write`` wrote and changes no part of it; the losers of collisions go into a file of
their own beside the parts.
"""
# ruff: noqa: S608 -- all that goes into the SQL is numbers and quoted paths of ours

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
"""Every target key that several results have, and how many."""
SHOWN_LINES = 5
"""How many source lines an example of a collision names."""
WRITE_UNIT_BYTES = 1024
"""One write unit writes up to 1 KB, rounded up for each item (DynamoDB's own rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCounts:
    """Source items by outcome, and the results that the kept ones became."""

    read: int
    kept: int
    dropped: int
    rejected: int
    results: int
    outdated: int = 0
    """Exported lines that later changes have overtaken; they are no items any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSums:
    """The source lines that DuckDB can read, counted and summed by the halves of their MD5.

    ``unreadable`` counts the others, all of which are rejected (see ``write.is_readable``).
    """

    count: int
    md5_lower_sum: int
    md5_upper_sum: int
    unreadable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """One target key that several results have. ``lines`` are the first few, ``file:line``.

    ``winner`` is the line that is loaded; ``None`` where none is decided.
    """

    key: str
    items: int
    lines: tuple[str, ...]
    winner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collisions:
    """How many target keys collide, how many results they have, and the first of them by key."""

    keys: int
    items: int
    examples: tuple[Collision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """How collisions end: ``count`` results lose; ``unresolved`` keys have no single winner."""

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

    Every method raises ``Stopped`` where memory or disk fails DuckDB. Only one process may ask a
    ledger at a time, since both would spill into its folder.
    """

    def __init__(self, folder: Path, memory_limit: str = MEMORY_LIMIT) -> None:
        """Prepare to ask; ``memory_limit`` is DuckDB's, and what is beyond spills."""
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
        """Return the count and sums that the independent counter must come to."""
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
        """Return how many items were rejected for which reason, by the reason's name."""
        with self._database() as connection:
            rows = connection.execute(
                f"""select reason, count(*) from {parts(self.folder)}
                where outcome = 'rejected' group by reason order by reason"""
            ).fetchall()
        return dict(rows)

    def sizes(self) -> Sizes:
        """Return how large the results are."""
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
        """Return the target keys that several results have, with the first ``limit`` by key.

        Their winners are known once ``superseded`` has decided.
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
        """Decide every collision and write the losers into ``superseded.parquet``.

        The winner is the result with the greatest rank (``latest``) or the smallest (``first``),
        ranks being compared byte by byte. A key whose best rank is not one result's alone, or one
        of whose results has no rank, is unresolved and has no loser; so is every key where the
        spec names no ``winner``.
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
        """Return the results of one data file that lost: (line, ordinal), to be left out.

        Raises:
            Stopped: ``superseded`` was not asked before.
        """
        path = self.folder / SUPERSEDED
        if not path.is_file():
            message = f"{path} is missing, which says what lost to colliding items"
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
            connection.execute("create temp table wanted (key varchar)")
            connection.executemany("insert into wanted values (?)", [[key] for key in keys])
            rows = connection.execute(
                f"""select ledger.key, source_file, source_line, ordinal
                from {parts(self.folder)} as ledger semi join wanted using (key)
                anti join read_parquet({file_list([lost])}) as lost
                  using (source_file, source_line, ordinal)"""
            ).fetchall()
        return {key: (file, line, ordinal) for key, file, line, ordinal in rows}

    def _collide(self) -> None:
        """Write the colliding keys into a file, once for this ledger."""
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
        """Write what ``sql`` gives into the folder's file ``name``, whole or not at all."""
        temporary = self.folder / f"{name}.part"
        connection.execute(
            f"copy ({sql}) to {literal(temporary)} (format parquet, compression zstd)"
        )
        replace_durably(temporary, self.folder / name)

    def _one(self, sql: str) -> tuple[Any, ...]:
        """Return the only row that ``sql`` gives."""
        with self._database() as connection:
            (row,) = connection.execute(sql).fetchall()
        return tuple(row)

    def _database(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return database(self.folder / SPILL, self._memory_limit)


def _value(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """Return the only number that ``sql`` gives."""
    ((value,),) = connection.execute(sql).fetchall()
    return int(value)
