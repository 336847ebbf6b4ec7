"""Tables as a spec declares them: keys, indexes, billing and settings of target and sandbox."""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any, Literal

from retable.schema.cursor import Cursor
from retable.schema.limits import (
    MAX_GLOBAL_INDEXES,
    MAX_LOCAL_INDEXES,
    MAX_PROJECTED_ATTRIBUTES,
    MAX_PROJECTED_IN_TABLE,
    MAX_TAG_KEY,
    is_attribute_name,
    is_key_name,
    is_tag_key,
)
from retable.schema.parse_cdk import parse_variant
from retable.schema.parse_source import check_inside, check_table_name
from retable.schema.policy import policy_faults, policy_text, size_faults
from retable.schema.rules import Rule
from retable.schema.spec import (
    Index,
    Indexes,
    KeyAttribute,
    KeySchema,
    Provisioned,
    Sandbox,
    Setting,
    Target,
)
from retable.schema.wording import shown


def parse_target(cursor: Cursor) -> Target:
    """Return ``target``; errors in it go to the findings."""
    key = _key(cursor["key"])
    indexes = _indexes(cursor, key)
    settings: Mapping[Setting, Any] | Literal["keep"] = "keep"
    if isinstance(cursor.get("settings"), dict):
        settings = _settings(cursor["settings"])
        _check_scaling(cursor["settings"], cursor.get("billing", "keep"))
    return Target(
        table=check_table_name(cursor["table"], "a table's name"),
        key=key,
        indexes="keep" if indexes is None else indexes,
        billing=_billing(cursor.get("billing", "keep")),
        nonempty=cursor.get("nonempty", "refuse"),
        settings=settings,
    )


def parse_sandbox(cursor: Cursor) -> Sandbox:
    """Return ``sandbox``; errors in it go to the findings."""
    key = _key(cursor["key"])
    if "seed" in cursor and "items" in cursor:
        message = "items sets how many items to generate, but seed names real ones"
        cursor["items"].error(Rule.NOT_TOGETHER, message, hint="remove one of them", at="key")
    return Sandbox(
        key=key,
        indexes=_indexes(cursor, key) or Indexes(),
        billing=_billing(cursor.get("billing", "on-demand")),
        settings=_settings(cursor["settings"]) if "settings" in cursor else {},
        seed=check_inside(cursor["seed"]) if "seed" in cursor else None,
        items=cursor.get("items", 1000),
        stack=parse_variant(cursor.get("stack")) if "stack" in cursor else None,
        lost=cursor.get("lost", False),
        damage=check_inside(cursor["damage"]) if "damage" in cursor else None,
    )


def check_names(names: Iterable[Cursor]) -> tuple[str, ...]:
    """Return attribute names, each checked against DynamoDB's naming rules."""
    found = []
    for name in names:
        if not is_attribute_name(name.value):
            name.error(Rule.BAD_NAME, "an attribute's name is 1 to 65,535 bytes of UTF-8")
        found.append(name.value)
    return tuple(found)


def _key(cursor: Cursor) -> KeySchema:
    partition = _attribute(cursor["partition"])
    sort = _attribute(cursor["sort"]) if "sort" in cursor else None
    if sort is not None and sort.name == partition.name:
        message = f"the key names {shown(sort.name)} twice"
        others = (cursor["partition"]["name"].label("first named here"),)
        cursor["sort"]["name"].error(Rule.REPEATED_KEY_ATTRIBUTE, message, others=others)
    if sort is not None and (sort.name, sort.type) == (partition.name, partition.type):
        sort = None
    return KeySchema(partition=partition, sort=sort)


def _attribute(cursor: Cursor) -> KeyAttribute:
    if not is_key_name(cursor.get("name")):
        message = "the name of a key attribute is 1 to 255 bytes of UTF-8"
        cursor["name"].error(Rule.BAD_NAME, message)
    return KeyAttribute(cursor.get("name"), cursor.get("type"))


def _indexes(cursor: Cursor, key: KeySchema) -> Indexes | None:
    """Return the indexes; ``None`` if the spec declares none, or says ``keep``."""
    if not isinstance(cursor.get("indexes"), dict):
        return None
    part = cursor["indexes"]
    indexes = Indexes(
        global_=tuple(_global_index(entry) for entry in part.entries("global")),
        local=tuple(_local_index(entry, key) for entry in part.entries("local")),
    )
    _check_counts(part, indexes)
    _check_index_names(part)
    return indexes


def _global_index(cursor: Cursor) -> Index:
    partition = [_attribute(entry) for entry in _listed(cursor, "partition")]
    sort = [_attribute(entry) for entry in _listed(cursor, "sort")]
    seen: set[str] = set()
    for entry in (*_listed(cursor, "partition"), *_listed(cursor, "sort")):
        if entry.get("name") in seen:
            message = f"the index names {shown(entry.get('name'))} twice"
            entry["name"].error(Rule.REPEATED_KEY_ATTRIBUTE, message)
        seen.add(entry.get("name"))
    return Index(
        name=check_table_name(cursor["name"], "an index's name"),
        partition=tuple(partition),
        sort=tuple(sort),
        projection=_projection(cursor),
    )


def _local_index(cursor: Cursor, key: KeySchema) -> Index:
    partition, sort = key.partition, _attribute(cursor["sort"])
    if "partition" in cursor:
        partition = _attribute(cursor["partition"])
        if partition.name != key.partition.name:
            message = (
                "a local index has the table's own partition key, "
                f"{shown(key.partition.name)}; found {shown(partition.name)}"
            )
            cursor["partition"]["name"].error(Rule.LOCAL_INDEX, message)
    if key.sort is None:
        message = "a local index needs a table with a sort key"
        cursor["name"].error(Rule.LOCAL_INDEX, message, hint="use a global index")
    if sort.name == key.partition.name:
        message = f"the index names {shown(sort.name)} twice"
        cursor["sort"]["name"].error(Rule.REPEATED_KEY_ATTRIBUTE, message)
    return Index(
        name=check_table_name(cursor["name"], "an index's name"),
        partition=(partition,),
        sort=(sort,),
        projection=_projection(cursor),
    )


def _listed(cursor: Cursor, side: str) -> Iterator[Cursor]:
    """Yield the attributes of one side of an index's key, given as one or as a list."""
    if isinstance(cursor.get(side), dict):
        yield cursor[side]
    else:
        yield from cursor.entries(side)


def _projection(cursor: Cursor) -> Literal["all", "keys"] | tuple[str, ...]:
    value: Literal["all", "keys"] | list[str] = cursor.get("projection", "all")
    if not isinstance(value, list):
        return value
    if len(value) > MAX_PROJECTED_ATTRIBUTES:
        message = f"an index projects {MAX_PROJECTED_ATTRIBUTES} named attributes at most"
        cursor["projection"].error(Rule.TOO_MANY_INDEXES, f"{message}; found {len(value)}")
    return check_names(cursor.entries("projection"))


def _check_counts(cursor: Cursor, indexes: Indexes) -> None:
    for key, found, limit in (
        ("global", len(indexes.global_), MAX_GLOBAL_INDEXES),
        ("local", len(indexes.local), MAX_LOCAL_INDEXES),
    ):
        if found > limit:
            message = f"a table has {limit} {key} indexes at most; found {found}"
            cursor[key].error(Rule.TOO_MANY_INDEXES, message, at="key")
    projections = (index.projection for index in (*indexes.global_, *indexes.local))
    projected = sum(len(names) for names in projections if isinstance(names, tuple))
    if projected > MAX_PROJECTED_IN_TABLE:
        message = (
            f"the indexes of a table project {MAX_PROJECTED_IN_TABLE} named attributes "
            f"at most together; found {projected}"
        )
        cursor.error(Rule.TOO_MANY_INDEXES, message, at="key")


def _check_index_names(cursor: Cursor) -> None:
    first: dict[str, Cursor] = {}
    for entry in (*cursor.entries("global"), *cursor.entries("local")):
        name = entry["name"]
        earlier = first.setdefault(name.value, name)
        if earlier is not name:
            message = f"two indexes are called {shown(name.value)}"
            others = (earlier.label("first used here"),)
            name.error(Rule.DUPLICATE_NAME, message, others=others)


def _billing(value: Any) -> Any:
    if isinstance(value, dict):
        return Provisioned(read=value["read"], write=value["write"])
    return value


def _settings(cursor: Cursor) -> Mapping[Setting, Any]:
    if isinstance(cursor.get("tags"), dict):
        for name, tag in cursor["tags"].items():
            if not is_tag_key(name):
                message = f"a tag key is 1 to {MAX_TAG_KEY} characters and does not start with aws:"
                tag.error(Rule.BAD_NAME, f"{message}; found {shown(name)}", at="key")
    if isinstance(cursor.get("policy"), dict):
        _check_policy(cursor["policy"])
    ttl = cursor.get("ttl")
    if isinstance(ttl, str) and not is_key_name(ttl):
        cursor["ttl"].error(Rule.BAD_NAME, "the name of the ttl attribute is 1 to 255 bytes")
    settings: Mapping[Setting, Any] = dict(cursor.value)
    return settings


def _check_scaling(settings: Cursor, billing: Any) -> None:
    """Refuse a minimum above the maximum, and scaling of on-demand capacity."""
    if not isinstance(settings.get("autoscaling"), dict):
        return
    scaling = settings["autoscaling"]
    if billing == "on-demand":
        message = "autoscaling needs provisioned capacity; billing is on-demand"
        scaling.error(Rule.NOT_TOGETHER, message, hint="remove one of them", at="key")
    for side in scaling.value:
        least, most = scaling[side]["min"], scaling[side]["max"]
        if least.value > most.value:
            message = f"min must be at most max, {most.value:,}; found {least.value:,}"
            least.error(Rule.OUT_OF_RANGE, message)


def _check_policy(cursor: Cursor) -> None:
    """Refuse what DynamoDB does not accept as a resource policy; an empty mapping means none."""
    _check_json(cursor)
    if not cursor.value or not cursor.sound():
        return
    text = policy_text(cursor.value)
    for path, message in (*size_faults(text), *policy_faults(cursor.value)):
        reduce(Cursor.__getitem__, path, cursor).error(Rule.BAD_POLICY, message)


def _check_json(cursor: Cursor) -> None:
    """Refuse binary values and sets, which JSON does not have."""
    value = cursor.value
    if isinstance(value, bytes | set):
        cursor.error(
            Rule.BAD_VALUE, f"{cursor.path[2]} is JSON, which has no binary values and no sets"
        )
    elif isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            _check_json(cursor[key])
