"""Generates items for a source table from a spec's row tests; deterministic for each spec."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from retable.runner.failure import Refused
from retable.schema.spec import ExpectRejected, KeyAttribute, KeySchema, Spec, TypedItem

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_VARIED_DIGITS = 12
"""Longer numbers test their digits and stay unchanged."""
SCALARS = ("S", "N")

Typed = dict[str, Any]


def guess_key(spec: Spec) -> KeySchema:
    """Return a key for the source: the first attribute that every given row has as S or N.

    Raises:
        Refused: there are no rows, or they have no such attribute in common.
    """
    for rows in ([test.given for test in spec.tests], _usable_rows(spec)):
        for name, value in rows[0].items() if rows else ():
            kind = next(iter(value))
            if kind in SCALARS and all(kind in row.get(name, {}) for row in rows):
                return KeySchema(partition=KeyAttribute(name, "S" if kind == "S" else "N"))
    message = f"the sandbox does not know the key of {spec.source.table_name}"
    hint = (
        "add sandbox: {key: {partition: {name: …, type: S}}}, or row tests that share an attribute"
    )
    raise Refused(message, hint)


def generate_items(spec: Spec, key: KeySchema, count: int) -> Iterator[Typed]:
    """Yield ``count`` items that vary the given rows, each with a unique source key.

    The attributes of the target's key vary too, so that target keys differ as well. Rows
    that are expected to be rejected are omitted, or every sandbox run would be refused for them.

    Raises:
        Refused: there are no rows to vary.
    """
    rows = _usable_rows(spec)
    if not rows:
        message = f"the sandbox has no items for {spec.source.table_name}"
        raise Refused(message, "add sandbox.seed, or row tests under tests:")
    names = _key_material(spec)
    for number in range(count):
        row = rows[number % len(rows)]
        item = _varied_map(row, names, number)
        for attribute in key.attributes:
            given = row.get(attribute.name, {}).get(attribute.type)
            item[attribute.name] = {attribute.type: _unique(given, attribute, number)}
        yield item


def _usable_rows(spec: Spec) -> list[TypedItem]:
    """Return the given rows that are not expected to be rejected; all, if that leaves none."""
    usable = [test.given for test in spec.tests if not isinstance(test.expect, ExpectRejected)]
    return usable or [test.given for test in spec.tests]


def _key_material(spec: Spec) -> frozenset[str]:
    """Return the names in the mapping of the target's key."""
    names = {attribute.name for attribute in spec.target.key.attributes}
    for field in (field for each in spec.transform.templates for field in each.fields):
        if field.name in names:
            names = names | set(NAME.findall(field.expression.text))
    return frozenset(names)


def _varied_map(row: Mapping[str, Any], names: frozenset[str], number: int) -> Typed:
    """Return a map with the scalars called ``names`` varied, at any depth."""
    return {name: _varied(name, value, names, number) for name, value in row.items()}


def _varied(name: str, value: Mapping[str, Any], names: frozenset[str], number: int) -> Typed:
    """Return one value, varied if ``name`` is among ``names``."""
    if "M" in value:
        return {"M": _varied_map(value["M"], names, number)}
    if name in names and "S" in value:
        return {"S": _varied_text(value["S"], number)}
    if name in names and "N" in value and len(value["N"]) <= MAX_VARIED_DIGITS:
        return {"N": str(Decimal(value["N"]) + number)}
    return dict(value)


def _varied_text(text: str, number: int) -> str:
    """Return a string that is unique to ``number``: a date stays one, days later."""
    found = DATE.match(text)
    if found is None:
        return f"{text}-{number}"
    try:
        day = date.fromisoformat(found.group()) + timedelta(days=number)
    except (ValueError, OverflowError):
        return f"{text}-{number}"
    return day.isoformat() + text[found.end() :]


def _unique(given: str | None, attribute: KeyAttribute, number: int) -> str:
    """Return a key value that is unique to ``number``, for numbers and strings."""
    if attribute.type == "N":
        return str(1_000_000 + number)
    if attribute.type == "B":
        return f"{number:08d}"
    return f"{given or attribute.name}-{number:06d}"
