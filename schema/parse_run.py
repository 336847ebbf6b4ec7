"""``rebuild``, ``load`` and ``verify`` of a spec: how the table is rebuilt, loaded and verified."""

import re
from typing import Literal

from retable.schema.cursor import Cursor
from retable.schema.parse_cdk import parse_provision
from retable.schema.parse_source import parse_seconds
from retable.schema.parse_table import check_names
from retable.schema.parse_transform import parse_share
from retable.schema.rules import Rule
from retable.schema.spec import (
    AwsBackup,
    Load,
    Query,
    Rebuild,
    Verify,
)
from retable.schema.wording import shown

MIN_SETTLE = 300
"""Resource policies are eventually consistent and an export's time is only accurate to a minute,
so a write that a frozen table still accepted is in the export only after this many seconds."""
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+", re.ASCII)


def parse_rebuild(cursor: Cursor) -> Rebuild:
    """Return ``rebuild``; errors in it go to the findings."""
    strategy = cursor.get("strategy", "side-by-side")
    freeze = cursor.get("freeze", "resource-policy" if strategy == "replace" else "none")
    _check_replace(cursor, strategy, freeze)
    return Rebuild(
        strategy=strategy,
        freeze=freeze,
        settle_seconds=_settle(cursor, frozen=freeze != "none" or strategy == "recover"),
        backup=_backup(cursor),
        provision=parse_provision(cursor),
        accept=tuple(cursor.get("accept", ())),
    )


def parse_load(cursor: Cursor) -> Load:
    """Return ``load``; errors in it go to the findings."""
    rate = parse_share(cursor["rate"]) if "rate" in cursor else None
    if rate is not None and not isinstance(rate, int) and not rate.percent:
        cursor["rate"].error(Rule.BAD_PERCENTAGE, "a rate of 0% would never finish")
    return Load(
        with_=cursor.get("with", "batch-write"),
        rate=rate,
        on_conflict=cursor.get("on_conflict", "overwrite"),
    )


def parse_verify(cursor: Cursor) -> Verify:
    """Return ``verify``; errors in it go to the findings."""
    checksum = cursor.get("checksum", "all")
    return Verify(
        count=cursor.get("count", "exact"),
        checksum=check_names(cursor.entries("checksum")) if checksum != "all" else "all",
        read=cursor.get("read", "scan"),
        queries=_queries(cursor),
    )


def _check_replace(cursor: Cursor, strategy: str, freeze: str) -> None:
    if strategy != "replace":
        return
    if freeze == "none":
        message = "writes to the table after the final export are lost"
        hint = "remove freeze, unless nothing writes to the table"
        cursor["freeze"].warn(Rule.NOT_FROZEN, message, hint=hint)
    if cursor.get("backup") == "none":
        message = "replace deletes the table, so it needs a backup; found none"
        hint = "remove backup, or write on-demand"
        cursor["backup"].error(Rule.NO_BACKUP, message, hint=hint)


def _settle(cursor: Cursor, *, frozen: bool) -> int:
    if "settle" not in cursor:
        return MIN_SETTLE
    settle = cursor["settle"]
    seconds = parse_seconds(settle)
    if not settle.sound():
        return MIN_SETTLE
    if seconds < MIN_SETTLE:
        message = f"settle must be at least 5m; found {shown(settle.value)}"
        hint = "the sandbox does not wait, whatever settle says"
        settle.error(Rule.SETTLE_TOO_SHORT, message, hint=hint)
    elif not frozen:
        settle.warn(Rule.NO_EFFECT, "settle has no effect without freeze", hint="remove it")
    return seconds


def _backup(cursor: Cursor) -> Literal["on-demand", "none"] | AwsBackup:
    value = cursor.get("backup", "on-demand")
    if not isinstance(value, dict):
        kind: Literal["on-demand", "none"] = value
        return kind
    role = cursor["backup"]["role"]
    if _ROLE.fullmatch(role.value) is None:
        message = f"expected the ARN of a role; found {shown(role.value)}"
        role.error(Rule.BAD_ARN, message, hint="arn:aws:iam::ACCOUNT:role/NAME")
    return AwsBackup(vault=value["vault"], role=value["role"])


def _queries(cursor: Cursor) -> tuple[Query, ...]:
    queries = []
    first: dict[str, Cursor] = {}
    for entry in cursor.entries("queries"):
        name = entry["name"]
        earlier = first.setdefault(name.value, name)
        if earlier is not name:
            message = f"two queries are called {shown(name.value)}"
            others = (earlier.label("first used here"),)
            name.error(Rule.DUPLICATE_NAME, message, others=others)
        queries.append(
            Query(
                name=name.value, sql=entry.get("sql"), expect=entry.get("expect"), span=entry.span()
            )
        )
    return tuple(queries)
