"""Proves that a template's table is the one that the spec declares."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from retable.runner.cdk.cdk_finding import Code, Finding, Weight
from retable.runner.cdk.intrinsics import Unknown
from retable.runner.cdk.table_in_template import RETAINED, TableResource
from retable.runner.table.settings import TableSettings
from retable.schema.spec import Index, Indexes, KeyAttribute, KeySchema, Provisioned, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTable:
    """The table that the spec declares; ``None`` where it is the source's value and unknown."""

    name: str
    key: KeySchema
    indexes: Indexes | None
    billing: Literal["on-demand"] | Provisioned | None
    ttl: str | Literal[False] | None
    """``False`` for none, ``None`` if unknown."""


def declared_table(target: Target, source: TableSettings | None) -> DeclaredTable:
    """Return the table that ``target`` declares, with the source's values where it keeps them."""
    own = {} if target.settings == "keep" else target.settings
    ttl = own.get("ttl", "keep")
    if ttl == "keep":
        ttl = None if source is None else source.ttl or False
    kept = None if source is None else source.description
    indexes = None if kept is None else kept.indexes
    if target.indexes != "keep":
        indexes = target.indexes
    billing = None if kept is None else kept.billing
    if target.billing != "keep":
        billing = target.billing
    return DeclaredTable(
        name=target.table,
        key=target.key,
        indexes=None if indexes is None else _sorted(indexes),
        billing=billing,
        ttl=ttl,
    )


def prove_shape(table: TableResource, declared: DeclaredTable) -> Iterator[Finding]:
    """Yield where the present template's table differs from the spec; TTL is checked later."""
    yield from _name(table, declared)
    yield from _compared(
        table, "key-differs", "key", _key_words(table.key), _key_words(declared.key)
    )
    if declared.indexes is not None:
        yield from _indexes(table, declared.indexes)
    if declared.billing is not None:
        found = table.billing
        yield from _compared(
            table, "billing-differs", "billing", _units(found), _units(declared.billing)
        )
    if len(table.regions) > 1:
        message = f"the present template gives {table.address} {len(table.regions)} replicas"
        hint = "a table with replicas cannot be rebuilt"
        yield _finding("replicas", table, message, hint)


def prove_ttl(table: TableResource, declared: DeclaredTable, variant: str) -> Iterator[Finding]:
    """Yield where the TTL of the last template's table differs from the spec."""
    if declared.ttl is None:
        return
    found = table.ttl
    if isinstance(found, Unknown):
        yield _unknown(table, "TTL", found, "note")
    elif (found or False) != declared.ttl:
        message = f"the {variant} template lets items of {table.address} expire by "
        message += f"{found or 'nothing'}, the spec by {declared.ttl or 'nothing'}"
        yield _finding("ttl-differs", table, message, "change one of the two")


def prove_lasting_items(table: TableResource) -> Iterator[Finding]:
    """Yield whether items may expire while they are loaded and compared."""
    if table.ttl is not None:
        message = f"the present template lets items of {table.address} expire while they are loaded"
        yield Finding(
            code="ttl-early",
            subject=table.address,
            message=message,
            hint="enable TTL in provision.final",
            weight="acceptable",
        )


def prove_quiet(table: TableResource, consumers: tuple[str, ...]) -> Iterator[Finding]:
    """Yield whether consumers would receive the load: an INSERT for each item."""
    channels = [
        name for name, on in (("a stream", table.stream), ("a Kinesis stream", table.kinesis)) if on
    ]
    if not channels:
        return
    message = f"the present template gives {table.address} {' and '.join(channels)}: "
    message += "the load would send every item there as an INSERT"
    if consumers:
        message += f", read by {', '.join(consumers)}"
    yield Finding(
        code="stream-replay",
        subject="stream-replay",
        message=message,
        hint="add it in provision.final",
        weight="acceptable",
    )


def prove_removal_policy(table: TableResource) -> Iterator[Finding]:
    """Yield what happens to the deployed table once it leaves its template."""
    policy = table.deletion_policy
    if policy in RETAINED:
        message = f"the deployed template has DeletionPolicy {policy}: CloudFormation drops "
        message += f"{table.address} from the stack and keeps it, and the run deletes it by API"
        weight: Weight = "note"
    elif policy == "Delete":
        message = "the deployed template has DeletionPolicy Delete: CloudFormation deletes "
        message += f"the table {table.address}"
        weight = "note"
    else:
        message = f"the deployed template has DeletionPolicy {policy} for {table.address}"
        weight = "refused"
    yield Finding(code="removal-policy", subject=table.address, message=message, weight=weight)
    if isinstance(table.name, str):
        message = f"{table.address} has the custom name {table.name}, which CloudFormation cannot "
        message += "replace: one deployment removes it and another one adds it"
        yield Finding(code="two-deployments", subject=table.address, message=message, weight="note")
    if table.deletion_protection is not False:
        message = f"the deployed template enables deletion protection for {table.address}"
        yield Finding(
            code="deletion-protection", subject=table.address, message=message, weight="note"
        )
    if len(table.regions) > 1:
        message = f"the deployed table {table.address} has {len(table.regions)} replicas"
        yield _finding("replicas", table, message, "a table with replicas cannot be rebuilt")


def prove_creation_policy(table: TableResource) -> Iterator[Finding]:
    """Yield what a failed creation of the present template's table would leave behind."""
    if table.deletion_policy == "Retain":
        message = f"the present template retains {table.address}: if a deployment is rolled back, "
        message += "an empty table stays behind"
        yield Finding(
            code="rolled-back-create", subject=table.address, message=message, weight="note"
        )


def _name(table: TableResource, declared: DeclaredTable) -> Iterator[Finding]:
    if table.name is None:
        message = f"the present template leaves the name of {table.address} to CloudFormation; "
        message += f"it will not be {declared.name}"
        yield Finding(code="name-generated", subject=table.address, message=message, weight="note")
    elif isinstance(table.name, Unknown):
        yield _unknown(table, "name", table.name, "note")
    elif table.name != declared.name:
        message = (
            f"the present template names {table.address} {table.name}, the spec {declared.name}"
        )
        yield _finding("name-differs", table, message, "change one of the two")


def _indexes(table: TableResource, declared: Indexes) -> Iterator[Finding]:
    if isinstance(table.indexes, Unknown):
        yield _unknown(table, "indexes", table.indexes, "acceptable")
        return
    for kind, found, expected in (
        ("global", table.indexes.global_, declared.global_),
        ("local", table.indexes.local, declared.local),
    ):
        there = {index.name: _index_words(index) for index in found}
        expected_words = {index.name: _index_words(index) for index in expected}
        for name in sorted(there.keys() | expected_words.keys()):
            what = f"{kind} index {name}"
            yield from _compared(
                table,
                "index-differs",
                what,
                there.get(name, "none"),
                expected_words.get(name, "none"),
            )


def _compared(
    table: TableResource, code: Code, what: str, found: str | Unknown, expected: str | Unknown
) -> Iterator[Finding]:
    """Yield the finding on one property, with a description of both sides."""
    if isinstance(found, Unknown):
        yield _unknown(table, what, found, "acceptable" if what == "key" else "note")
    elif found != expected:
        message = f"the {what} of {table.address} is {found} in the present template, "
        message += f"{expected} in the spec"
        yield _finding(code, table, message, "change one of the two")


def _finding(code: Code, table: TableResource, message: str, hint: str) -> Finding:
    return Finding(code=code, subject=table.address, message=message, hint=hint, weight="refused")


def _unknown(table: TableResource, what: str, found: Unknown, weight: Weight) -> Finding:
    message = f"the {what} of {table.address} in the present template is {found}"
    return Finding(code="unknown-value", subject=table.address, message=message, weight=weight)


def _sorted(indexes: Indexes) -> Indexes:
    """Return indexes sorted by name, with sorted attributes."""
    return Indexes(
        global_=tuple(sorted(map(_tidied, indexes.global_), key=lambda index: index.name)),
        local=tuple(sorted(map(_tidied, indexes.local), key=lambda index: index.name)),
    )


def _tidied(index: Index) -> Index:
    kept = index.projection
    return replace(index, projection=tuple(sorted(kept)) if isinstance(kept, tuple) else kept)


def _key_words(key: KeySchema | Unknown) -> str | Unknown:
    return key if isinstance(key, Unknown) else _attributes(key.attributes)


def _index_words(index: Index) -> str:
    sides = _attributes(index.partition)
    if index.sort:
        sides += f" and {_attributes(index.sort)}"
    kept = index.projection
    return f"({sides}) with {kept if isinstance(kept, str) else ', '.join(kept)}"


def _attributes(attributes: tuple[KeyAttribute, ...]) -> str:
    return ", ".join(f"{one.name} {one.type}" for one in attributes)


def _units(billing: Literal["on-demand"] | Provisioned | Unknown) -> str | Unknown:
    if isinstance(billing, Provisioned):
        return f"{billing.read} read and {billing.write} write units"
    return billing
