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
class Wanted:
    """What the spec asks of the table; ``None`` where that was the source's and is not known."""

    name: str
    key: KeySchema
    indexes: Indexes | None
    billing: Literal["on-demand"] | Provisioned | None
    ttl: str | Literal[False] | None
    """``False`` for none, ``None`` where it is not known."""


def wanted(target: Target, source: TableSettings | None) -> Wanted:
    """Return what ``target`` asks for, with the source's own values where it keeps them."""
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
    return Wanted(
        name=target.table,
        key=target.key,
        indexes=None if indexes is None else _sorted(indexes),
        billing=billing,
        ttl=ttl,
    )


def prove_shape(table: TableResource, want: Wanted) -> Iterator[Finding]:
    """Yield where the present template's table differs from what is wanted; TTL comes last."""
    yield from _name(table, want)
    yield from _compared(table, "key-differs", "key", _key_words(table.key), _key_words(want.key))
    if want.indexes is not None:
        yield from _indexes(table, want.indexes)
    if want.billing is not None:
        found = table.billing
        yield from _compared(
            table, "billing-differs", "billing", _units(found), _units(want.billing)
        )
    if len(table.regions) > 1:
        message = f"the present template gives {table.address} {len(table.regions)} replicas"
        hint = "a table with replicas cannot be rebuilt"
        yield _finding("replicas", table, message, hint)


def prove_ttl(table: TableResource, want: Wanted, variant: str) -> Iterator[Finding]:
    """Yield where the TTL of the last template's table differs from what is wanted."""
    if want.ttl is None:
        return
    found = table.ttl
    if isinstance(found, Unknown):
        yield _unknown(table, "TTL", found, "note")
    elif (found or False) != want.ttl:
        message = f"the {variant} template lets items of {table.address} expire by "
        message += f"{found or 'nothing'}, the spec by {want.ttl or 'nothing'}"
        yield _finding("ttl-differs", table, message, "change one of the two")


def prove_lasting_items(table: TableResource) -> Iterator[Finding]:
    """Yield whether items may expire while they are loaded and compared."""
    if table.ttl is not None:
        message = f"the present template lets items of {table.address} expire while they are loaded"
        yield Finding(
            code="ttl-early",
            subject=table.address,
            message=message,
            hint="leave TTL to provision.final",
            weight="acceptable",
        )


def prove_quiet(table: TableResource, consumers: tuple[str, ...]) -> Iterator[Finding]:
    """Yield whether the load would be replayed to consumers: an INSERT for each item."""
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
        hint="leave it to provision.final",
        weight="acceptable",
    )


def prove_removal_policy(table: TableResource) -> Iterator[Finding]:
    """Yield what becomes of the deployed table once it leaves its template."""
    policy = table.deletion_policy
    if policy in RETAINED:
        message = f"the deployed template says DeletionPolicy {policy}: CloudFormation lets go of "
        message += f"{table.address} and leaves the table, which is then deleted by API"
        weight: Weight = "note"
    elif policy == "Delete":
        message = "the deployed template says DeletionPolicy Delete: CloudFormation deletes "
        message += f"the table {table.address}"
        weight = "note"
    else:
        message = f"the deployed template says DeletionPolicy {policy} of {table.address}"
        weight = "refused"
    yield Finding(code="removal-policy", subject=table.address, message=message, weight=weight)
    if isinstance(table.name, str):
        message = f"{table.address} has the custom name {table.name}, which CloudFormation cannot "
        message += "replace: it goes in one deployment and comes in another"
        yield Finding(code="two-deployments", subject=table.address, message=message, weight="note")
    if table.deletion_protection is not False:
        message = f"the deployed template protects {table.address} against deletion"
        yield Finding(
            code="deletion-protection", subject=table.address, message=message, weight="note"
        )
    if len(table.regions) > 1:
        message = f"the deployed table {table.address} has {len(table.regions)} replicas"
        yield _finding("replicas", table, message, "a table with replicas cannot be rebuilt")


def prove_creation_policy(table: TableResource) -> Iterator[Finding]:
    """Yield what a failed creation of the present template's table would leave."""
    if table.deletion_policy == "Retain":
        message = f"the present template retains {table.address}: were its deployment rolled back, "
        message += "an empty table would stay behind"
        yield Finding(
            code="rolled-back-create", subject=table.address, message=message, weight="note"
        )


def _name(table: TableResource, want: Wanted) -> Iterator[Finding]:
    if table.name is None:
        message = f"the present template leaves the name of {table.address} to CloudFormation; "
        message += f"it will not be {want.name}"
        yield Finding(code="name-generated", subject=table.address, message=message, weight="note")
    elif isinstance(table.name, Unknown):
        yield _unknown(table, "name", table.name, "note")
    elif table.name != want.name:
        message = f"the present template calls {table.address} {table.name}, the spec {want.name}"
        yield _finding("name-differs", table, message, "change one of the two")


def _indexes(table: TableResource, want: Indexes) -> Iterator[Finding]:
    if isinstance(table.indexes, Unknown):
        yield _unknown(table, "indexes", table.indexes, "acceptable")
        return
    for kind, found, expected in (
        ("global", table.indexes.global_, want.global_),
        ("local", table.indexes.local, want.local),
    ):
        there = {index.name: _index_words(index) for index in found}
        meant = {index.name: _index_words(index) for index in expected}
        for name in sorted(there.keys() | meant.keys()):
            what = f"{kind} index {name}"
            yield from _compared(
                table, "index-differs", what, there.get(name, "none"), meant.get(name, "none")
            )


def _compared(
    table: TableResource, code: Code, what: str, found: str | Unknown, expected: str | Unknown
) -> Iterator[Finding]:
    """Yield the finding of one thing, both sides of it in words."""
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
    """Return indexes in the order of their names, their attributes in order as well."""
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
