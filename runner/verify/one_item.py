"""Verifies a single item: what the export says it must be, and what the table holds.

The key comes from the command line; it is looked up in the ledger and read by a consistent GetItem.
"""
# ruff: noqa: S608 -- the SQL holds only our own quoted strings and paths

import json
from pathlib import Path
from typing import Any

from retable.runner.duck import database, literal
from retable.runner.failure import Refused
from retable.runner.ledger.relations import SUPERSEDED, expected_items
from retable.runner.verify.compare import Difference
from retable.runner.verify.drill import Drill
from retable.schema.spec import KeySchema
from retable.transforms.canonical import canonical_key
from retable.transforms.project import project

SPILL = ".spill"


def parse_key(text: str, key: KeySchema) -> str:
    """Return the canonical text of the key that the user writes as ``text``.

    It is the values in order, separated by a comma, or the whole key as DynamoDB JSON, which is
    needed if the partition key's value has a comma.

    Raises:
        Refused: it is not a key of such a table.
    """
    names = [one.name for one in key.attributes]
    hint = f"write {','.join(names)} or DynamoDB JSON"
    try:
        item = json.loads(text) if text.startswith("{") else _from_values(text, key)
        if sorted(item) != sorted(names):
            message = f"--key: the key consists of {' and '.join(names)}"
            raise Refused(message, hint)
        return canonical_key(item, key)
    except (ValueError, TypeError, AttributeError) as error:
        message = f"--key is not a key of this table, which consists of {' and '.join(names)}"
        raise Refused(message, hint) from error


def differs(  # noqa: PLR0913 -- the item, both sides, and what counts
    key: str,
    expected: Path,
    drill: Drill,
    attributes: frozenset[str] | None,
    *,
    quarantined: Path | None,
    expired: Path | None,
) -> tuple[str | None, str | None, Difference | None]:
    """Return the item's digests on both sides (``None``: absent), and how they differ.

    Raises:
        Stopped: the table or a file cannot be read.
    """
    must = expected_items(expected, expected / SUPERSEDED, quarantined, expired)
    with database(expected / SPILL) as connection:
        rows = connection.execute(
            f"""select digest_hi, digest_lo, source_file, source_line from ({must})
            where key = {literal(key)}"""
        ).fetchall()
    item = json.loads(key)
    actual = drill.actual(item)
    if actual is not None and attributes is not None:
        actual = project(actual, attributes)
    must_be = _hex(*rows[0][:2]) if rows else None
    found = _hex(*actual.digest) if actual else None
    if must_be == found:
        return must_be, found, None
    file, line = rows[0][2:] if rows else (None, None)
    kind: Any = "extra" if must_be is None else "missing" if found is None else "different"
    return must_be, found, Difference(kind=kind, key=item, source_file=file, source_line=line)


def _from_values(text: str, key: KeySchema) -> dict[str, dict[str, str]]:
    """Return the key with the values in ``text``; the sort key's may have commas."""
    values = text.split(",", len(key.attributes) - 1)
    return {one.name: {one.type: value} for one, value in zip(key.attributes, values, strict=True)}


def _hex(high: int, low: int) -> str:
    return f"{high:016x}{low:016x}"
