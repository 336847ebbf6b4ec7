"""The table that a template declares, in our own types.

A value that only a deployment can resolve is ``Unknown``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from retable.runner.cdk.intrinsics import DeployTarget, Unknown, resolved
from retable.runner.cdk.json_file import mapping
from retable.runner.cdk.template import GLOBAL_TABLE, Part, Template, parts, template_at
from retable.schema.spec import Index, Indexes, KeyAttribute, KeySchema, KeyType, Provisioned

PROJECTIONS: Mapping[str, Literal["all", "keys"]] = {"ALL": "all", "KEYS_ONLY": "keys"}
DEFAULT_POLICY = "Delete"
"""The policy of a table whose template has no DeletionPolicy."""
RETAINED = frozenset(["Retain", "RetainExceptOnCreate"])
"""The policies with which CloudFormation removes a resource from a stack and keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableResource:
    """A table of a template."""

    address: str
    type: str
    name: str | Unknown | None
    """``None`` if CloudFormation generates the name."""
    key: KeySchema | Unknown
    indexes: Indexes | Unknown
    billing: Literal["on-demand"] | Provisioned | Unknown
    ttl: str | Unknown | None
    """The TTL attribute."""
    stream: str | Unknown | None
    """The view type of its stream."""
    kinesis: bool
    pitr: bool | Unknown
    deletion_protection: bool | Unknown
    tags: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] | None
    """Its resource policy; values in it may be ``Unknown``."""
    regions: tuple[str | Unknown, ...]
    """The regions of its replicas; its own region, or none, for a table in one region."""
    deletion_policy: str
    """The DeletionPolicy: what happens when it leaves the template."""
    replace_policy: str
    """The UpdateReplacePolicy: what happens when it is replaced."""


def read_table(template: Template, address: str, at: DeployTarget) -> TableResource:
    """Return the table at ``address`` of ``template``, deployed to ``at``."""
    part = parts(template)[address]
    body = template_at(template, part.scope).body
    found = mapping(resolved(dict(part.properties), body, at))
    own = _replica(found, at) if part.type == GLOBAL_TABLE else found
    return TableResource(
        address=address,
        type=str(part.type),
        name=_text(found.get("TableName")),
        key=_key(found),
        indexes=_indexes(found),
        billing=_billing(found, own),
        ttl=_switched(found.get("TimeToLiveSpecification"), "AttributeName"),
        stream=_switched(found.get("StreamSpecification"), "StreamViewType"),
        kinesis=bool(own.get("KinesisStreamSpecification")),
        pitr=_pitr(own.get("PointInTimeRecoverySpecification")),
        deletion_protection=_flag(own.get("DeletionProtectionEnabled")),
        tags=_tags(own.get("Tags")),
        policy=_policy(own),
        regions=_regions(found),
        deletion_policy=_removal(part, "DeletionPolicy"),
        replace_policy=_removal(part, "UpdateReplacePolicy"),
    )


def _removal(part: Part, name: str) -> str:
    return str(part.body.get(name) or DEFAULT_POLICY)


def _replica(found: Mapping[str, Any], at: DeployTarget) -> Mapping[str, Any]:
    """Return the replica in the table's own region: the one that is named, or the only one."""
    replicas = _objects(found.get("Replicas"))
    here = [replica for replica in replicas if replica.get("Region") == at.region]
    return (here or replicas or [{}])[0]


def _regions(found: Mapping[str, Any]) -> tuple[str | Unknown, ...]:
    return tuple(_text(one.get("Region")) or "" for one in _objects(found.get("Replicas")))


def _types(found: Mapping[str, Any]) -> dict[str, KeyType] | Unknown:
    """Return the types of the attributes that keys use."""
    entries = found.get("AttributeDefinitions")
    if isinstance(entries, Unknown):
        return entries
    pairs = {}
    for entry in _objects(entries):
        name, kind = entry.get("AttributeName"), entry.get("AttributeType")
        if not isinstance(name, str) or kind not in {"S", "N", "B"}:
            return Unknown("AttributeDefinitions")
        pairs[name] = cast("KeyType", kind)
    return pairs


def _sides(
    schema: Any, types: Mapping[str, KeyType]
) -> tuple[tuple[KeyAttribute, ...], tuple[KeyAttribute, ...]] | None:
    """Return the partition and sort key attributes of a KeySchema; ``None`` if it is malformed."""
    sides: dict[Any, list[KeyAttribute]] = {"HASH": [], "RANGE": []}
    for entry in _objects(schema):
        name, side = entry.get("AttributeName"), entry.get("KeyType")
        if not isinstance(name, str) or name not in types or side not in {"HASH", "RANGE"}:
            return None
        sides[side].append(KeyAttribute(name, types[name]))
    return (tuple(sides["HASH"]), tuple(sides["RANGE"])) if sides["HASH"] else None


def _key(found: Mapping[str, Any]) -> KeySchema | Unknown:
    """Return the table's key."""
    types = _types(found)
    if isinstance(types, Unknown):
        return types
    sides = _sides(found.get("KeySchema"), types)
    if sides is None:
        return Unknown("KeySchema")
    partition, sort = sides
    return KeySchema(partition=partition[0], sort=sort[0] if sort else None)


def _indexes(found: Mapping[str, Any]) -> Indexes | Unknown:
    """Return the table's indexes, sorted by name, like those of a live table."""
    types = _types(found)
    if isinstance(types, Unknown):
        return types
    lists = []
    for name in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        indexes = [_index(entry, types) for entry in _objects(found.get(name))]
        known = [index for index in indexes if index is not None]
        if len(known) < len(indexes) or isinstance(found.get(name), Unknown):
            return Unknown(name)
        lists.append(tuple(sorted(known, key=lambda index: index.name)))
    return Indexes(global_=lists[0], local=lists[1])


def _index(entry: Mapping[str, Any], types: Mapping[str, KeyType]) -> Index | None:
    """Return one index; ``None`` if a part of it is unknown."""
    name, sides = entry.get("IndexName"), _sides(entry.get("KeySchema"), types)
    projection = mapping(entry.get("Projection"))
    kind = projection.get("ProjectionType")
    others = projection.get("NonKeyAttributes") or []
    if not isinstance(name, str) or sides is None or not all(isinstance(o, str) for o in others):
        return None
    shown = PROJECTIONS.get(kind) if isinstance(kind, str) else None
    return Index(
        name=name,
        partition=sides[0],
        sort=sides[1],
        projection=shown or tuple(sorted(others)),
    )


def _billing(
    found: Mapping[str, Any], own: Mapping[str, Any]
) -> Literal["on-demand"] | Provisioned | Unknown:
    """Return the billing mode of the table."""
    mode = found.get("BillingMode", "PROVISIONED")
    if mode == "PAY_PER_REQUEST":
        return "on-demand"
    if mode != "PROVISIONED":
        return mode if isinstance(mode, Unknown) else Unknown("BillingMode")
    if "ProvisionedThroughput" in found:
        units = mapping(found["ProvisionedThroughput"])
        read, write = units.get("ReadCapacityUnits"), units.get("WriteCapacityUnits")
    else:
        read = mapping(own.get("ReadProvisionedThroughputSettings")).get("ReadCapacityUnits")
        write = mapping(found.get("WriteProvisionedThroughputSettings")).get("WriteCapacityUnits")
    if _is_count(read) and _is_count(write):
        return Provisioned(read=int(str(read)), write=int(str(write)))
    # A global table's write capacity is always autoscaled.
    return Unknown("scaled capacity")


def _is_count(value: Any) -> bool:
    return not isinstance(value, bool) and str(value).isdecimal()


def _switched(found: Any, name: str) -> str | Unknown | None:
    """Return the entry ``name`` of a setting, or ``None`` if it is disabled."""
    if isinstance(found, Unknown):
        return found
    setting = mapping(found)
    if _flag(setting.get("Enabled", True)) is False:
        return None
    return _text(setting.get(name))


def _pitr(found: Any) -> bool | Unknown:
    if isinstance(found, Unknown):
        return found
    return _flag(mapping(found).get("PointInTimeRecoveryEnabled"))


def _flag(value: Any) -> bool | Unknown:
    """Return a boolean, which a template may also write as a string; absent is false."""
    if isinstance(value, Unknown):
        return value
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _tags(found: Any) -> dict[str, Any]:
    return {str(tag.get("Key")): tag.get("Value") for tag in _objects(found)}


def _policy(own: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the resource policy that is attached, if one is."""
    document = mapping(own.get("ResourcePolicy")).get("PolicyDocument")
    return document if isinstance(document, Mapping) else None


def _text(value: Any) -> str | Unknown | None:
    return value if isinstance(value, str | Unknown) else None


def _objects(found: Any) -> list[Mapping[str, Any]]:
    """Return the objects of an array; any other value has none."""
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
