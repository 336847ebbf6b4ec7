"""What changed between two specs, by weight: changes that re-key every item come first.

It compares what the specs mean, not how they are written, and does not load them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from retable.schema.spec import (
    Expression,
    Field,
    Index,
    Indexes,
    KeyAttribute,
    Percentage,
    Provisioned,
    RowTest,
    Spec,
    Template,
    Winner,
)


class Weight(Enum):
    """How much a change means, the heaviest first."""

    REKEY = "re-keys every item"
    ITEMS = "changes items"
    SAFETY = "changes what protects the data"
    TABLE = "changes the table"
    RUN = "changes how a run goes"
    WORDS = "changes no table"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: ``+`` added, ``-`` removed, ``~`` changed."""

    sign: str
    weight: Weight
    thing: str
    detail: str = ""

    def __str__(self) -> str:
        """Return the change in one line."""
        detail = f" {self.detail}" if self.detail else ""
        return f"{self.sign} {self.thing}{detail}: {self.weight.value}"


def compare(before: Spec, after: Spec) -> tuple[Change, ...]:
    """Return the changes from ``before`` to ``after``, the heaviest first."""
    changes = [
        *_keys(before, after),
        *_parts(Weight.ITEMS, "source", before.source, after.source),
        *_value(Weight.ITEMS, "target.table", before.target.table, after.target.table),
        *_transform(before, after),
        *_parts(Weight.SAFETY, "rebuild", before.rebuild, after.rebuild),
        *_target(before, after),
        *_parts(Weight.RUN, "load", before.load, after.load),
        *_verify(before, after),
        *_words(before, after),
    ]
    order = list(Weight)
    return tuple(sorted(changes, key=lambda change: order.index(change.weight)))


def _keys(before: Spec, after: Spec) -> Iterator[Change]:
    old, new = before.target.key, after.target.key
    for side, was, now in (
        ("partition key", old.partition, new.partition),
        ("sort key", old.sort, new.sort),
    ):
        if was is not None and now is not None and was.name == now.name and was.type != now.type:
            yield Change("~", Weight.REKEY, f"{side} type", f"{was.type} -> {now.type}")
        else:
            yield from _value(Weight.REKEY, side, was, now)


def _transform(before: Spec, after: Spec) -> Iterator[Change]:
    old, new = before.transform, after.transform
    yield from _value(Weight.ITEMS, "where", old.where, new.where)
    yield from _value(Weight.SAFETY, "max_rejects", old.max_rejects, new.max_rejects)
    yield from _value(Weight.ITEMS, "collisions", old.collisions, new.collisions)
    own = (part.file if part else None for part in (old.functions, new.functions))
    yield from _value(Weight.ITEMS, "functions", *own)
    keys = {attribute.name for attribute in after.target.key.attributes}
    several = len(old.templates) > 1 or len(new.templates) > 1
    pairs = zip(old.templates, new.templates, strict=False)
    for number, (was, now) in enumerate(pairs, 1):
        yield from _template(f"items[{number}]." if several else "", was, now, keys)
    for sign, longer, shorter in (("-", old, new), ("+", new, old)):
        for number in range(len(shorter.templates) + 1, len(longer.templates) + 1):
            yield Change(sign, Weight.ITEMS, f"items[{number}]", "one target item")


def _template(prefix: str, old: Template, new: Template, keys: set[str]) -> Iterator[Change]:
    for name in ("where", "each", "bind", "copy"):
        was, now = getattr(old, name), getattr(new, name)
        yield from _value(Weight.ITEMS, f"{prefix}{name}", was, now)
    yield from _names(f"{prefix}drop", old.drop, new.drop)
    was, now = ({field.name: field for field in one.fields} for one in (old, new))
    for name in dict.fromkeys((*was, *now)):
        weight = Weight.REKEY if name in keys else Weight.ITEMS
        yield from _value(weight, f"{prefix}field {name}", was.get(name), now.get(name))


def _target(before: Spec, after: Spec) -> Iterator[Change]:
    old, new = before.target, after.target
    yield from _value(Weight.TABLE, "billing", old.billing, new.billing)
    was, now = _indexes(old.indexes), _indexes(new.indexes)
    if (old.indexes == "keep") != (new.indexes == "keep"):
        both = ("keep" if each == "keep" else "declared" for each in (old.indexes, new.indexes))
        yield Change("~", Weight.TABLE, "indexes", " -> ".join(both))
    for name in dict.fromkeys((*was, *now)):
        yield from _value(Weight.TABLE, f"index {name}", was.get(name), now.get(name))
    yield from _mapping("settings", _settings(old.settings), _settings(new.settings))


def _verify(before: Spec, after: Spec) -> Iterator[Change]:
    old, new = before.verify, after.verify
    for name in ("count", "checksum", "read"):
        was, now = getattr(old, name), getattr(new, name)
        yield from _value(Weight.SAFETY, f"verify.{name}", was, now)
    was_queries, now_queries = (
        {query.name: (query.sql, query.expect) for query in one.queries} for one in (old, new)
    )
    yield from _named(Weight.SAFETY, "query", was_queries, now_queries)


def _words(before: Spec, after: Spec) -> Iterator[Change]:
    for name in ("name", "description", "tags"):
        yield from _value(Weight.WORDS, name, getattr(before, name), getattr(after, name))
    was, now = ({row.name: _row(row) for row in one.tests} for one in (before, after))
    yield from _named(Weight.WORDS, "row test", was, now)
    yield from _parts(Weight.WORDS, "sandbox", before.sandbox, after.sandbox)


def _named(
    weight: Weight, kind: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Change]:
    """Yield which of the named things were added, removed or changed; not how."""
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            sign = "+" if name not in before else "-" if name not in after else "~"
            yield Change(sign, weight, f"{kind} {name!r}")


def _parts(weight: Weight, name: str, before: Any, after: Any) -> Iterator[Change]:
    """Yield what changed inside a section, key by key."""
    if type(before) is not type(after) or not is_dataclass(before):
        yield from _value(weight, name, before, after)
        return
    for part in fields(before):
        was, now = getattr(before, part.name), getattr(after, part.name)
        inner = f"{name}.{part.name.rstrip('_').removesuffix('_seconds')}"
        if is_dataclass(was) and type(was) is type(now):
            yield from _parts(weight, inner, was, now)
        else:
            yield from _value(weight, inner, was, now)


def _names(name: str, before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    yield from (Change("-", Weight.ITEMS, name, one) for one in before if one not in after)
    yield from (Change("+", Weight.ITEMS, name, one) for one in after if one not in before)


def _mapping(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in dict.fromkeys((*before, *after)):
        yield from _value(Weight.TABLE, f"{name}.{key}", before.get(key), after.get(key))


def _value(weight: Weight, thing: str, before: Any, after: Any) -> Iterator[Change]:
    was, now = _shown(before), _shown(after)
    if was == now:
        return
    if before is None:
        yield Change("+", weight, thing, now)
    elif after is None:
        yield Change("-", weight, thing, was)
    else:
        yield Change("~", weight, thing, f"{was} -> {now}")


def _indexes(declared: Any) -> dict[str, Index]:
    if not isinstance(declared, Indexes):
        return {}
    return {index.name: index for index in (*declared.global_, *declared.local)}


def _settings(declared: Any) -> Mapping[str, Any]:
    return {} if declared == "keep" else declared


def _row(row: RowTest) -> tuple[Any, ...]:
    return row.given, row.expect, row.files


def _shown(value: Any) -> str:  # noqa: C901, PLR0911, PLR0912 -- a table
    """Return any value of a spec in readable form, without positions."""
    match value:
        case None:
            return "none"
        case Expression():
            return " ".join(value.text.split())
        case Field():
            more = (("type", value.type), ("required", value.required), ("default", value.default))
            options = "".join(f", {name} {_shown(part)}" for name, part in more if part)
            return _shown(value.expression) + options
        case KeyAttribute():
            return f"{value.name} {value.type}"
        case Index():
            keys = ", ".join(_shown(key) for key in (*value.partition, *value.sort))
            return f"({keys}) projecting {_shown(value.projection)}"
        case Percentage():
            return f"{value.percent}%"
        case Provisioned():
            return f"{value.read} read, {value.write} write"
        case Winner():
            return f"{value.take} by {_shown(value.by)}"
        case tuple() | list():
            return ", ".join(map(_shown, value)) or "nothing"
        case Mapping():
            return ", ".join(f"{name} {_shown(part)}" for name, part in value.items()) or "nothing"
        case bool():
            return "true" if value else "false"
        case _ if is_dataclass(value):
            return ", ".join(
                f"{part.name.rstrip('_')} {_shown(getattr(value, part.name))}"
                for part in fields(value)
            )
        case _:
            return str(value)
