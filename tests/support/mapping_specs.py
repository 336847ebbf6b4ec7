"""Specs built without YAML, for tests of what expressions and mappings do."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retable.schema.problem import Span
from retable.schema.reasons import Reason
from retable.schema.spec import (
    Export,
    Expression,
    Field,
    Index,
    Indexes,
    KeyAttribute,
    KeySchema,
    KeyType,
    Load,
    Origin,
    Rebuild,
    Source,
    Spec,
    Target,
    Transform,
    Verify,
)
from retable.transforms import compile_mapping
from retable.transforms.item_outcome import Kept, Outcome, Rejected
from retable.transforms.mapping import Mapping as ItemMapping

NOWHERE = Span(1, 1, 1, 1)
ID = KeySchema(partition=KeyAttribute("id", "S"))


EVERYTHING: dict[str, Any] = {
    "id": {"S": "1"},
    "text": {"S": "été"},
    "number": {"N": "99999999999999999999999999999999999999"},
    "binary": {"B": "AAH/"},
    "flag": {"BOOL": True},
    "nothing": {"NULL": True},
    "texts": {"SS": ["b", "a"]},
    "numbers": {"NS": ["10", "9"]},
    "binaries": {"BS": ["/w==", "AA=="]},
    "list": {"L": [{"N": "1"}, {"NULL": True}, {"SS": ["x"]}, {"B": "AA=="}]},
    "map": {
        "M": {"inner": {"NS": ["1"]}, "none": {"NULL": True}, "deep": {"M": {"b": {"B": "AA=="}}}}
    },
}

CANONICAL = EVERYTHING | {
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["9", "10"]},
    "binaries": {"BS": ["AA==", "/w=="]},
}

INDEXES = Indexes(
    global_=(
        Index(name="g", partition=(KeyAttribute("status", "S"),), sort=(KeyAttribute("n", "N"),)),
    ),
    local=(Index(name="l", partition=(KeyAttribute("id", "S"),), sort=(KeyAttribute("at", "B"),)),),
)


def expression(text: str, span: Span = NOWHERE) -> Expression:
    return Expression(text, span)


def field(name: str, text: str, **rest: Any) -> Field:
    return Field(name=name, expression=expression(text), **rest)


def key(
    partition: str, sort: str | None = None, types: tuple[KeyType, KeyType] = ("S", "S")
) -> Any:
    return KeySchema(
        partition=KeyAttribute(partition, types[0]),
        sort=None if sort is None else KeyAttribute(sort, types[1]),
    )


def transform(*, where: str | None = None, **rest: Any) -> Transform:
    return Transform(where=None if where is None else expression(where), **rest)


def spec(
    change: Transform | None = None,
    *,
    schema: KeySchema = ID,
    indexes: Indexes | None = None,
    text: str = "",
) -> Spec:
    return Spec(
        name="t",
        source=Source(table="s", region=None, export=Export(kind="native", location="x")),
        target=Target(table="t", key=schema, indexes="keep" if indexes is None else indexes),
        rebuild=Rebuild(),
        transform=change or Transform(),
        load=Load(),
        verify=Verify(),
        origin=Origin(
            file="t.migrate.yaml", folder=Path(), text=text, sha256="", spans={(): NOWHERE}
        ),
    )


def mapping(
    *fields: Field, schema: KeySchema = ID, indexes: Indexes | None = None, **rest: Any
) -> ItemMapping:
    return compile_mapping(spec(transform(fields=fields, **rest), schema=schema, indexes=indexes))


def line(item: Mapping[str, Any]) -> bytes:
    return json.dumps({"Item": item}).encode()


def made(outcome: Outcome) -> dict[str, Any]:
    """Return the item an outcome keeps."""
    assert isinstance(outcome, Kept), outcome
    (result,) = outcome.results
    item: dict[str, Any] = json.loads(result.item_json)
    return item


def value_of(text: str, item: Mapping[str, Any], **rest: Any) -> Any:
    """Return the typed value a field with the expression ``text`` has; ``None`` where absent."""
    whole = {"id": {"S": "1"}, **item}
    return made(mapping(field("made", text, **rest)).apply(line(whole))).get("made")


def reason(outcome: Outcome) -> Reason:
    assert isinstance(outcome, Rejected), outcome
    return outcome.reason


def refused(*fields: Any, item: Any = None, **rest: Any) -> Reason:
    whole = {"id": {"S": "1"}} if item is None else item
    return reason(mapping(*fields, **rest).apply(line(whole)))
