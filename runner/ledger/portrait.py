"""Describes the items of the expected ledger for a report: largest, hottest, rejected.

``questions`` has the counts and the collisions.
"""
# ruff: noqa: S608 -- the SQL holds only numbers and our own quoted names and paths

from pathlib import Path

import orjson

from retable.runner.duck import MEMORY_LIMIT, database, literal, pattern
from retable.runner.ledger.questions import SPILL, WRITE_UNIT_BYTES, Sizes
from retable.runner.ledger.relations import parts
from retable.runner.ledger.write_ledger import MAX_LINE_BYTES
from retable.runner.report import item_figures as figures

EXAMPLES = 3
UNITS = f"(size + {WRITE_UNIT_BYTES - 1}) // {WRITE_UNIT_BYTES}"


def sizes_for_report(
    folder: Path, sizes: Sizes, limit: int, memory_limit: str = MEMORY_LIMIT
) -> figures.Sizes:
    """Return ``sizes`` of the ledger in ``folder`` for a report, with the ``limit`` largest items.

    Raises:
        Stopped: DuckDB ran out of memory or disk, or cannot read a file.
    """
    with database(folder / SPILL, memory_limit) as connection:
        rows = connection.execute(
            f"""select key, size, source_file || ':' || source_line from {parts(folder)}
            where size is not null order by size desc, key limit {int(limit)}"""
        ).fetchall()
    return figures.Sizes(
        items=sizes.items,
        bytes=sizes.total,
        largest=sizes.largest,
        write_units=sizes.write_units,
        histogram=tuple(
            figures.SizeBar(up_to=upper, items=items) for upper, items in sizes.histogram.items()
        ),
        largest_items=tuple(
            figures.SizedItem(key=orjson.loads(key), bytes=size, place=place)
            for key, size, place in rows
        ),
    )


def hottest_partitions(
    folder: Path, attribute: str, limit: int, memory_limit: str = MEMORY_LIMIT
) -> figures.Partitions:
    """Return how the load spreads over the partition key ``attribute``, with its hottest values.

    Partitions are distinguished by half an MD5, which takes less memory than a key of 2,048 bytes.

    Raises:
        Stopped: DuckDB ran out of memory or disk, or cannot read a file.
    """
    partition = f"json_extract(key, {literal(_pointer(attribute))})::varchar"
    with database(folder / SPILL, memory_limit) as connection:
        connection.execute(
            f"""create temp table heat as
            select md5_number_lower({partition}) as half, count(*) as items,
              sum({UNITS})::bigint as units
            from {parts(folder)} where key is not null group by half"""
        )
        ((keys, units),) = connection.execute(
            "select count(*), coalesce(sum(units), 0)::bigint from heat"
        ).fetchall()
        rows = connection.execute(
            f"""with hottest as (select * from heat order by units desc, half limit {int(limit)})
            select any_value({partition}), any_value(items), any_value(units)
            from {parts(folder)} as ledger
            join hottest on hottest.half = md5_number_lower({partition})
            where key is not null group by hottest.half order by 3 desc, 1"""
        ).fetchall()
    return figures.Partitions(
        keys=keys,
        write_units=units,
        hottest=tuple(
            figures.Partition(key={attribute: orjson.loads(value)}, items=items, write_units=share)
            for value, items, share in rows
        ),
    )


def reject_groups(
    rejects: Path, spill: Path, limit: int, memory_limit: str = MEMORY_LIMIT
) -> tuple[figures.RejectGroup, ...]:
    """Return the ``limit`` most frequent kinds of rejects, from the lines in ``rejects``.

    Raises:
        Stopped: DuckDB ran out of memory or disk, or cannot read a file.
    """
    if not any(rejects.glob("*.jsonl")):
        return ()
    with database(spill, memory_limit) as connection:
        rows = connection.execute(
            f"""select reason, detail, count(*) as items,
              min_by(source_file || ':' || source_line, (source_file, source_line), {EXAMPLES})
            from read_json({pattern(rejects, "*.jsonl")}, format = 'newline_delimited',
              columns = {{reason: 'VARCHAR', detail: 'VARCHAR', source_file: 'VARCHAR',
                source_line: 'BIGINT'}}, maximum_object_size = {4 * MAX_LINE_BYTES})
            group by reason, detail order by items desc, reason, detail limit {int(limit)}"""
        ).fetchall()
    return tuple(
        figures.RejectGroup(reason=reason, detail=detail, items=items, examples=tuple(examples))
        for reason, detail, items, examples in rows
    )


def _pointer(name: str) -> str:
    """Return the JSON Pointer to the member called ``name``."""
    return "/" + name.replace("~", "~0").replace("/", "~1")
