"""Compares the settings of a rebuilt table with the plan. Makes no AWS calls.

No value of a tag and nothing of a policy is reported: either may be secret (I6).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retable.runner.plan.finish_steps import RestoreSettings
from retable.runner.table.carried_over import describe_attached
from retable.runner.table.creation import create_request
from retable.runner.table.settings import WHOLE, Attached, TableSettings, is_warm
from retable.schema.spec import Target

INDEXES = {"GlobalSecondaryIndexes": "global", "LocalSecondaryIndexes": "local"}
NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The planned settings of the table."""

    request: Mapping[str, Any]
    """The CreateTable request for such a table."""
    settings: RestoreSettings
    attached: Attached
    policy: str | None
    declared: bool
    """Whether a stack makes the table: the stack decides what a deployment sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting on both sides, in words."""

    name: str
    wanted: str
    found: str
    same: bool
    held: bool
    """Whether the run was responsible for it, so that a difference is a fault of the run."""


def settings_on_both_sides(wanted: Wanted, found: TableSettings) -> Iterator[Setting]:
    """Yield each setting of the table that was ``found``, with its planned value."""
    yield from _set_at_creation(wanted, found)
    yield from _restored(wanted.settings, found, declared=wanted.declared)
    yield _policy(wanted, found)
    yield from _attached(wanted, found)


def _set_at_creation(wanted: Wanted, found: TableSettings) -> Iterator[Setting]:
    """Yield what CreateTable sets, from the request that would recreate the found table."""
    description = found.description
    again = create_request(Target(table=description.name, key=description.key), found)
    requests = (wanted.request, again)
    scaled = {one.index for one in (*wanted.attached.scaling, *found.attached.scaling)}
    paid = set.intersection(*({WHOLE, *_global_indexes(one)} for one in requests))
    sides = (
        ("indexes", *(_indexes(one) for one in requests)),
        ("billing", *(_billing(one, paid, scaled) for one in requests)),
        ("table class", *((one.get("TableClass", "STANDARD")) for one in requests)),
        ("encryption", *(_encryption(one) for one in requests)),
    )
    for name, ours, theirs in sides:
        yield Setting(
            name=name, wanted=ours, found=theirs, same=ours == theirs, held=not wanted.declared
        )


def _restored(
    settings: RestoreSettings, found: TableSettings, *, declared: bool
) -> Iterator[Setting]:
    """Yield what is set after verification; whatever else a stack sets is up to the stack."""
    days = found.pitr_days if settings.pitr_days is not None else None
    sides = (
        ("ttl", settings.ttl, found.ttl),
        ("stream", settings.stream, found.description.stream),
        (
            "point-in-time recovery",
            _recovery(settings.pitr_days, on=settings.pitr),
            _recovery(days, on=found.pitr),
        ),
        (
            "deletion protection",
            "on" if settings.deletion_protection else None,
            "on" if found.description.deletion_protection else None,
        ),
    )
    for name, ours, theirs in sides:
        yield Setting(
            name=name,
            wanted=ours or NONE,
            found=theirs or NONE,
            same=ours == theirs or (declared and ours is None),
            held=ours is not None,
        )
    lacking = sorted(name for name, value in settings.tags.items() if found.tags.get(name) != value)
    yield Setting(
        name="tags",
        wanted=f"{len(settings.tags)} tags",
        found=f"without {', '.join(lacking)}" if lacking else f"{len(settings.tags)} tags",
        same=not lacking,
        held=True,
    )


def _policy(wanted: Wanted, found: TableSettings) -> Setting:
    ours, theirs = (
        None if one is None else json.loads(one) for one in (wanted.policy, found.policy)
    )
    return Setting(
        name="resource policy",
        wanted="as planned" if ours else NONE,
        found="as planned" if ours == theirs and ours else "another one" if theirs else NONE,
        same=ours == theirs,
        held=not wanted.declared,
    )


def _attached(wanted: Wanted, found: TableSettings) -> Iterator[Setting]:
    """Yield each kind of attached service."""
    ours, theirs = wanted.attached, found.attached
    enough = {
        index: warmth if is_warm(warmth, theirs.warm.get(index)) else theirs.warm.get(index)
        for index, warmth in ours.warm.items()
    }
    warm = {index: warmth for index, warmth in enough.items() if warmth is not None}
    pairs = (
        ("autoscaling", Attached(scaling=ours.scaling), Attached(scaling=theirs.scaling)),
        ("warm throughput", Attached(warm=ours.warm), Attached(warm=warm)),
        (
            "contributor insights",
            Attached(insights=ours.insights),
            Attached(insights=theirs.insights),
        ),
        ("kinesis stream", Attached(kinesis=ours.kinesis), Attached(kinesis=theirs.kinesis)),
    )
    nothing = Attached()
    for name, one, other in pairs:
        yield Setting(
            name=name,
            wanted=", ".join(describe_attached(one)) or NONE,
            found=", ".join(describe_attached(other)) or NONE,
            same=one == other or (wanted.declared and one == nothing),
            held=not wanted.declared and one != nothing,
        )


def _indexes(request: Mapping[str, Any]) -> str:
    """Return every index with its keys and projection, in a fixed order."""
    indexes = [_index(index, kind) for kind in INDEXES for index in request.get(kind, ())]
    return ", ".join(sorted(indexes)) or NONE


def _index(index: Mapping[str, Any], kind: str) -> str:
    keys = [f"{key['KeyType']} {key['AttributeName']}" for key in index["KeySchema"]]
    projection = index["Projection"]
    parts = [*keys, projection["ProjectionType"], *sorted(projection.get("NonKeyAttributes", ()))]
    return f"{INDEXES[kind]} {index['IndexName']} {json.dumps(parts)}"


def _global_indexes(request: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {index["IndexName"]: index for index in request.get("GlobalSecondaryIndexes", ())}


def _billing(request: Mapping[str, Any], paid: set[str], scaled: set[str]) -> str:
    """Return the billing of what both sides have, without autoscaled capacity, which changes."""
    parts = {WHOLE: request} | _global_indexes(request)
    words = [request["BillingMode"].lower()]
    for name in sorted(paid):
        units = parts[name].get("ProvisionedThroughput")
        if units and name not in scaled:
            sides = f"{units['ReadCapacityUnits']}/{units['WriteCapacityUnits']}"
            words.append(f"{name} {sides}".strip())
        words += [f"{name} {bound} {most}".strip() for bound, most in _bounds(parts[name])]
    return ", ".join(words)


def _bounds(part: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    yield from sorted((part.get("OnDemandThroughput") or {}).items())


def _encryption(request: Mapping[str, Any]) -> str:
    own = request.get("SSESpecification") or {}
    return f"{own['SSEType']} {own.get('KMSMasterKeyId', '')}".strip() if own else "default"


def _recovery(days: int | None, *, on: bool) -> str | None:
    if not on:
        return None
    return "on" if days is None else f"on, {days} days"
