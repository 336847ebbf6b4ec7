"""Checks the sections of a spec against each other: tables, keys, attributes of the items.

Mistakes within one section are reported by its parser. A section that could not be parsed is
``None`` here, and checks that need it are skipped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from retable.schema.cursor import Cursor
from retable.schema.rules import Rule
from retable.schema.spec import (
    Load,
    Rebuild,
    RowTest,
    Sandbox,
    Source,
    Target,
    Template,
    Transform,
    Verify,
)
from retable.schema.tags import RESERVED_TAGS
from retable.schema.wording import choices, shown

_SHOWN_FIELDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """The sections of a spec that could be parsed."""

    source: Source | None
    target: Target | None
    rebuild: Rebuild | None
    transform: Transform | None
    load: Load | None
    verify: Verify | None
    tests: tuple[RowTest, ...]
    sandbox: Sandbox | None


def check_meaning(root: Cursor, sections: Sections) -> None:
    """Add a finding for each contradiction between sections."""
    _check_tags(root)
    _check_names(root, sections)
    _check_conflicts(root, sections)
    if sections.target is not None:
        _check_types(root["target"], _typed_fields(root))
    if sections.sandbox is not None:
        _check_types(root["sandbox"], {})
    if sections.transform is not None:
        _check_attributes(root, sections, sections.transform)


def _check_tags(root: Cursor) -> None:
    if root.findings.blamed(("tags",)):
        return
    for tag in root.entries("tags"):
        if tag.sound() and tag.value in RESERVED_TAGS:
            message = f"tags become pytest marks, and pytest reserves {tag.value}"
            tag.error(Rule.RESERVED_TAG, message)


def _check_conflicts(root: Cursor, sections: Sections) -> None:
    """Check that the options for existing items fit the strategy."""
    target, rebuild, load = sections.target, sections.rebuild, sections.load
    if target is None or rebuild is None or load is None:
        return
    if target.nonempty == "accept" and rebuild.strategy != "side-by-side":
        message = f"nonempty: accept cannot be combined with strategy: {rebuild.strategy}"
        hint = "a rebuilt table starts empty"
        root["target"]["nonempty"].error(Rule.NOT_TOGETHER, message, hint=hint, at="key")
    if load.on_conflict != "overwrite" and target.nonempty != "accept":
        message = f"on_conflict: {load.on_conflict} needs target.nonempty: accept"
        hint = "a new table has no items to conflict with"
        root["load"]["on_conflict"].error(Rule.NOT_TOGETHER, message, hint=hint, at="key")


def _check_names(root: Cursor, sections: Sections) -> None:
    """Check that the target's name fits the strategy."""
    source, target, rebuild = sections.source, sections.target, sections.rebuild
    if source is None or target is None or rebuild is None:
        return
    same = source.table_name == target.table
    if rebuild.strategy == "side-by-side" and same:
        message = f"side by side needs a table other than the source, {shown(target.table)}"
        hint = "name another table, or write strategy: replace under rebuild"
        others = (root["source"]["table"].label("the source"),)
        root["target"]["table"].error(Rule.SAME_TABLE, message, hint=hint, others=others)
    elif rebuild.strategy == "replace" and not same:
        message = (
            f"replace needs the source's own name, {shown(source.table_name)}; "
            f"found {shown(target.table)}"
        )
        hint = "remove strategy to create a second table side by side"
        others = (root["source"]["table"].label("the source"),)
        root["target"]["table"].error(Rule.OTHER_TABLE, message, hint=hint, others=others)


def _typed_fields(root: Cursor) -> dict[str, Cursor]:
    """Return the types that fields declare, by the attribute they produce."""
    if "transform" not in root or not root.findings.sound("transform"):
        return {}
    part = root["transform"]
    return {
        name: field["type"]
        for template in (part, *part.entries("items"))
        if "fields" in template
        for name, field in template["fields"].items()
        if isinstance(field.value, dict) and "type" in field
    }


def _check_types(table: Cursor, fields: dict[str, Cursor]) -> None:
    """Check that keys and indexes, and the fields behind them, agree on each attribute's type."""
    types: dict[str, Cursor] = {}
    for attribute in _key_attributes(table):
        if not attribute.sound():
            continue
        name, found = attribute.get("name"), attribute["type"]
        first = types.setdefault(name, found)
        if found.value != first.value:
            message = f"{shown(name)} is of type {first.value} in another key; found {found.value}"
            others = (first.label(f"of type {first.value} here"),)
            found.error(Rule.TYPE_CONFLICT, message, others=others)
    for name, field in fields.items():
        if name in types and field.value != types[name].value:
            expected = types[name]
            message = (
                f"{shown(name)} is a key of type {expected.value}; "
                f"this field produces {field.value}"
            )
            others = (expected.label("the key's type"),)
            field.error(Rule.TYPE_CONFLICT, message, others=others)


def _key_attributes(table: Cursor) -> Iterator[Cursor]:
    """Yield every ``{name, type}`` of the table's key, then those of its indexes."""
    yield from _sides(table["key"])
    yield from _index_attributes(table)


def _index_attributes(table: Cursor) -> Iterator[Cursor]:
    for index in _indexes(table):
        yield from _sides(index)


def _indexes(table: Cursor) -> Iterator[Cursor]:
    if isinstance(table.get("indexes"), dict):
        for kind in ("global", "local"):
            yield from table["indexes"].entries(kind)


def _sides(key: Cursor) -> Iterator[Cursor]:
    for side in ("partition", "sort"):
        if isinstance(key.get(side), list):
            yield from key.entries(side)
        elif side in key:
            yield key[side]


class _Attributes:
    """Which attributes an item of a template may have."""

    def __init__(self, template: Template, made: frozenset[str]) -> None:
        self.made = made
        self._copy = template.copy
        self._drop = template.drop

    def copied(self, name: str) -> bool:
        """Return whether ``copy`` includes the attribute, regardless of ``drop``."""
        return self._copy == "all" or (self._copy != "none" and name in self._copy)

    def makes(self, name: str) -> bool:
        """Return whether a field produces the attribute, or ``copy`` includes it."""
        return name in self.made or self.copied(name)

    def can_exist(self, name: str) -> bool:
        """Return whether an item may have the attribute."""
        return name in self.made or (self.copied(name) and name not in self._drop)


def _check_attributes(root: Cursor, sections: Sections, transform: Transform) -> None:
    """Check that every attribute that keys, indexes and checksum name can exist."""
    part = root["transform"] if "transform" in root else Cursor({}, (), root.findings)
    parts = list(part.entries("items")) if "items" in part else [part]
    if len(parts) != len(transform.templates):
        return
    if not all(isinstance(each.get("fields", {}), dict) for each in parts):
        return
    made = [
        _Attributes(template, frozenset(each.get("fields", {})))
        for each, template in zip(parts, transform.templates, strict=True)
    ]
    keys: dict[str, Cursor] = {}
    if sections.target is not None:
        keys = {side.get("name"): side["name"] for side in _sides(root["target"]["key"])}
        _check_keys(root["target"], made, keys)
    for each, attributes in zip(parts, made, strict=True):
        if root.findings.sound(*each.path, "drop"):
            for name in each.entries("drop"):
                _check_drop(name, attributes, keys)
    if sections.verify is not None and sections.verify.checksum != "all":
        for name in root["verify"].entries("checksum"):
            _warn_if_never_there(name, made, keys, "comparing it proves nothing")


def _check_keys(target: Cursor, made: Sequence[_Attributes], keys: Mapping[str, Cursor]) -> None:
    for attribute in _sides(target["key"]):
        name = attribute["name"]
        without = (each for each in made if not each.makes(name.value))
        if (attributes := next(without, None)) is not None:
            _refuse_key(name, attributes)
    for attribute in _index_attributes(target):
        _warn_if_never_there(attribute["name"], made, keys, "the index stays empty")
    for index in _indexes(target):
        if isinstance(index.get("projection"), list):
            for name in index.entries("projection"):
                _warn_if_never_there(name, made, keys, "the index projects nothing")


def _refuse_key(name: Cursor, attributes: _Attributes) -> None:
    message = (
        f"no field produces the key attribute {shown(name.value)}, and copy does not include it"
    )
    fields = sorted(attributes.made)
    few = 0 < len(fields) <= _SHOWN_FIELDS
    hint = f"the fields are {choices(map(shown, fields), 'and')}" if few else "add it to fields"
    name.error(Rule.KEY_NOT_MADE, message, hint=hint)


def _check_drop(name: Cursor, attributes: _Attributes, keys: Mapping[str, Cursor]) -> None:
    if name.value in attributes.made:
        message = f"drop has no effect on {shown(name.value)}, which a field produces"
        name.warn(Rule.NO_EFFECT, message, hint="remove it from drop")
    elif not attributes.copied(name.value):
        message = f"drop has no effect on {shown(name.value)}, which copy does not include"
        name.warn(Rule.NO_EFFECT, message, hint="remove it from drop")
    elif name.value in keys:
        message = f"{shown(name.value)} is a key of the target, and no field produces it"
        others = (keys[name.value].label("a key of the target"),)
        name.error(Rule.KEY_DROPPED, message, hint="remove it from drop", others=others)


def _warn_if_never_there(
    name: Cursor, made: Sequence[_Attributes], keys: Mapping[str, Cursor], outcome: str
) -> None:
    # A key attribute that nothing produces is already an error.
    if name.value not in keys and not any(attributes.can_exist(name.value) for attributes in made):
        message = f"no item will have {shown(name.value)}; {outcome}"
        name.warn(Rule.NEVER_THERE, message, hint="produce it with a field, or include it in copy")
