"""Samples items of the expected ledger by the hash of their key.

The same ledger and the same salt give the same items (I7); another run takes others.
"""
# ruff: noqa: S608 -- the SQL holds only numbers and our own quoted strings

from pathlib import Path
from typing import NamedTuple

import orjson

from retable.runner.duck import MEMORY_LIMIT, database, literal
from retable.runner.ledger.relations import SUPERSEDED, expected_items
from retable.runner.verify.drill import Drill
from retable.schema.spec import TypedItem
from retable.transforms.item_outcome import Digest
from retable.transforms.project import project

SPILL = ".spill"


class Sampled(NamedTuple):
    """One sampled item: its key and the digest it must have."""

    key: TypedItem
    digest: Digest


def pick(  # noqa: PLR0913 -- the ledger, what is not expected, and how many
    expected: Path,
    limit: int,
    salt: str,
    *,
    quarantined: Path | None,
    expired: Path | None,
    memory_limit: str = MEMORY_LIMIT,
) -> tuple[Sampled, ...]:
    """Return up to ``limit`` of the items that the table must hold.

    Raises:
        Stopped: DuckDB ran out of memory or disk, or cannot read a file.
    """
    must = expected_items(expected, expected / SUPERSEDED, quarantined, expired)
    with database(expected / SPILL, memory_limit) as connection:
        rows = connection.execute(
            f"""select key, digest_hi, digest_lo from ({must})
            order by md5_number_lower(key || {literal(salt)}), key limit {int(limit)}"""
        ).fetchall()
    return tuple(Sampled(orjson.loads(key), (high, low)) for key, high, low in rows)


def count_equal(
    sampled: tuple[Sampled, ...], drill: Drill, attributes: frozenset[str] | None
) -> int:
    """Return how many of ``sampled`` are as expected in the table, each read on its own."""
    return sum(_is_equal(one, drill, attributes) for one in sampled)


def _is_equal(one: Sampled, drill: Drill, attributes: frozenset[str] | None) -> bool:
    actual = drill.actual(one.key)
    if actual is None:
        return False
    if attributes is not None:
        actual = project(actual, attributes)
    return actual.digest == one.digest
