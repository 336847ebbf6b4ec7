"""The text of a drafted spec, from a sample: it can be linted and tested as it is."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from retable.runner.draft.redact import redact
from retable.runner.draft.sample import Sample
from retable.runner.text.escape import shortened
from retable.schema.scalars import is_date, resolve_plain
from retable.schema.spec import Index, KeyAttribute, KeySchema, TypedItem

ROWS = 3
MAX_ATTRIBUTES = 60
SCHEMA_NAME = "migration-spec.schema.json"
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_NOT_NAME = re.compile(r"[^A-Za-z0-9_.-]", re.ASCII)


def draft(sample: Sample) -> str:
    """Return the text of a spec for ``sample``; it contains no item values."""
    return "\n".join(_lines(sample)) + "\n"


def choose_rows(items: Sequence[TypedItem]) -> list[TypedItem]:
    """Return up to three redacted items that together cover as many attributes as possible."""
    chosen: list[TypedItem] = []
    left, seen = list(items), set[str]()
    while left and len(chosen) < ROWS:
        best = max(left, key=lambda item: len(item.keys() - seen))
        left.remove(best)
        seen |= best.keys()
        row = redact(best)
        if row not in chosen:
            chosen.append(row)
    return chosen


def _lines(sample: Sample) -> Iterator[str]:
    yield f"# yaml-language-server: $schema=./{SCHEMA_NAME}"
    yield "#"
    yield f"# Drafted from {len(sample.items):,} of about {sample.total:,} items."
    yield from _seen(sample)
    yield "spec: 1"
    yield f"name: {_NOT_NAME.sub('-', sample.table)[:100].lstrip('_.-') or 'table'}-rebuilt"
    yield ""
    yield from _source(sample)
    yield ""
    yield from _target(sample)
    yield ""
    yield "transform:"
    yield "  copy: all"
    yield ""
    yield "tests:"
    for number, row in enumerate(choose_rows(sample.items), 1):
        yield from _test(number, row, sample.key)
    yield ""
    yield "# `--sandbox` creates the source from this; a run against AWS ignores it."
    yield "sandbox:"
    yield from _key(sample.key)


def _seen(sample: Sample) -> Iterator[str]:
    """Yield a table of the attributes: their types, and the share of items that have them."""
    there: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    for item in sample.items:
        for name, value in item.items():
            there[name] += 1
            kinds.setdefault(name, Counter()).update(value.keys())
    yield "# Their attributes, with types and the share of items that have them:"
    yield "#"
    width = max(len(shortened(name)) for name in there)
    for name, count in there.most_common(MAX_ATTRIBUTES):
        share = f"{100 * count / len(sample.items):.4g} %"
        yield f"#   {shortened(name):<{width}}  {'/'.join(sorted(kinds[name])):<5}  {share}"
    if len(there) > MAX_ATTRIBUTES:
        yield f"#   and {len(there) - MAX_ATTRIBUTES:,} more"
    yield "#"


def _source(sample: Sample) -> Iterator[str]:
    yield "source:"
    yield f"  table: {_scalar(sample.table)}"
    if sample.region:
        yield f"  region: {sample.region}"
    yield "  export:"
    yield "    kind: native"
    if sample.location is None:
        yield "    location: s3://bucket/prefix/  # where exports of the table go"
    else:
        yield f"    location: {_scalar(sample.location)}"


def _target(sample: Sample) -> Iterator[str]:
    yield "target:"
    yield f"  table: {_scalar(sample.table[:250] + '-v2')}"
    if sample.key_is_known:
        yield "  # The table's current key: replace it with the new one."
    else:
        yield "  # A guess, as an export does not contain the key: replace it with the new one."
    yield from _key(sample.key)
    if sample.settings is None:
        return
    indexes = sample.settings.description.indexes
    if indexes.global_ or indexes.local:
        yield "  indexes:"
    for kind, found in (("global", indexes.global_), ("local", indexes.local)):
        if found:
            yield f"    {kind}:"
            yield from (_index(index, local=kind == "local") for index in found)
    facts = list(_settings(sample))
    if facts:
        yield f"  # The table has: {', '.join(facts)}."
    yield "  settings: keep"


def _key(key: KeySchema) -> Iterator[str]:
    yield "  key:"
    yield f"    partition: {_attribute(key.partition)}"
    if key.sort is not None:
        yield f"    sort: {_attribute(key.sort)}"


def _index(index: Index, *, local: bool) -> str:
    parts = [f"name: {_scalar(index.name)}"]
    if not local:
        parts.append(f"partition: {_side(index.partition)}")
    if index.sort:
        parts.append(f"sort: {_side(index.sort)}")
    named = index.projection
    shown = named if isinstance(named, str) else f"[{', '.join(map(_scalar, named))}]"
    return f"      - {{{', '.join([*parts, f'projection: {shown}'])}}}"


def _side(attributes: Sequence[KeyAttribute]) -> str:
    shown = [_attribute(one) for one in attributes]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


def _attribute(attribute: KeyAttribute) -> str:
    return f"{{name: {_scalar(attribute.name)}, type: {attribute.type}}}"


def _settings(sample: Sample) -> Iterator[str]:
    settings = sample.settings
    if settings is None:
        return
    if settings.ttl:
        yield f"TTL on {shortened(settings.ttl)}"
    if settings.description.stream:
        yield f"a stream of {settings.description.stream}"
    if settings.pitr:
        yield "point-in-time recovery"
    if settings.description.deletion_protection:
        yield "deletion protection"
    if settings.tags:
        yield f"{len(settings.tags)} tags"
    yield from (f"{name}, which this version cannot carry over" for name in settings.unkept)


def _test(number: int, row: TypedItem, key: KeySchema) -> Iterator[str]:
    yield f"  - name: keeps the shape of item {number}"
    yield "    given:"
    yield from (f"      {_scalar(name)}: {_value(value)}" for name, value in row.items())
    kept = (f"{_scalar(one.name)}: {_value(row[one.name])}" for one in key.attributes)
    yield f"    expect_some: {{{', '.join(kept)}}}"


def _value(typed: Mapping[str, Any]) -> str:  # noqa: PLR0911 -- a table
    """Return a typed value as YAML on one line."""
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return _quoted(value)
        case "N":
            return str(value)
        case "B":
            return f"!!binary {json.dumps(value)}"
        case "BOOL":
            return "true"
        case "NULL":
            return "null"
        case "L":
            return f"[{', '.join(map(_value, value))}]"
        case "M":
            inner = (f"{_scalar(name)}: {_value(one)}" for name, one in value.items())
            return f"{{{', '.join(inner)}}}"
        case _:
            return f"!!set {{{', '.join(_value({kind[0]: member}) for member in value)}}}"


def _scalar(text: str) -> str:
    """Return text as a YAML scalar, quoted if it could be read as anything but a string."""
    plain = _WORD.fullmatch(text) and not is_date(text)
    try:
        return text if plain and resolve_plain(text) == text else _quoted(text)
    except ValueError:
        return _quoted(text)


def _quoted(text: str) -> str:
    """Return text in double quotes; characters that YAML does not allow are escaped."""
    dumped = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08X}" for one in dumped)
