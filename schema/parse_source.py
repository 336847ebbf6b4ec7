"""``source`` of a spec, and the paths and durations that other sections use too."""

import re
from datetime import UTC, datetime
from typing import Literal

from retable.schema.cursor import Cursor
from retable.schema.durations import parse_duration
from retable.schema.limits import is_bucket_name, is_table_name
from retable.schema.rules import Rule
from retable.schema.spec import Export, Source
from retable.schema.wording import shown

NAME_RULE = "3 to 255 of a-z, A-Z, 0-9, _, . and -"
# Partitions such as aws-cn and aws-us-gov included.
_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:([a-z0-9-]+):[0-9]{12}:table/([^/]+)", re.ASCII)
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]{1,2}", re.ASCII)
_ONLY_NATIVE = ("at", "incrementals", "kms_key")
_NOT_FOR_FILES = ("id", "max_age")
_NOT_FOR_SCAN = ("format",)
_ONLY_FILES = ("columns", "accept", "count", "checksums")
_FILE_FORMATS = {"parquet", "json-lines", "csv", "data-pipeline"}
_ONLY_SCAN = ("segments", "rate", "consistent")
_NATIVE_FORMATS = {"dynamodb-json", "ion"}


def parse_source(cursor: Cursor) -> Source:
    """Return ``source``; errors in it go to the findings."""
    region = _region(cursor)
    return Source(table=cursor.get("table"), region=region, export=_export(cursor["export"]))


def parse_seconds(cursor: Cursor) -> int:
    """Return the seconds of a duration."""
    try:
        return parse_duration(cursor.value)
    except ValueError as error:
        cursor.error(Rule.BAD_DURATION, f"{error}; found {shown(cursor.value)}")
        return 0


def check_inside(cursor: Cursor) -> str:
    """Return a path, which must point to something under the spec's folder."""
    text: str = cursor.value
    parts = re.split(r"[/\\]", text)
    if text.startswith(("/", "\\", "~")) or re.match(r"[A-Za-z]:", text) or ".." in parts:
        message = f"expected a file under the spec's folder; found {shown(text)}"
        cursor.error(Rule.PATH_OUTSIDE, message, hint="give the path relative to the spec")
    elif "\0" in text or not any(part not in {"", "."} for part in parts):
        cursor.error(
            Rule.PATH_OUTSIDE, f"expected a file under the spec's folder; found {shown(text)}"
        )
    return text


def check_table_name(cursor: Cursor, what: str) -> str:
    """Return the name of a table or an index."""
    name: str = cursor.value
    if not is_table_name(name):
        cursor.error(Rule.BAD_NAME, f"{what} must be {NAME_RULE}; found {shown(name)}")
    return name


def _region(cursor: Cursor) -> str | None:
    """Return the region, taken from the ARN if only that has one; check both."""
    region: str | None = cursor.get("region")
    if region is not None and _REGION.fullmatch(region) is None:
        message = f"expected a region such as eu-west-1; found {shown(region)}"
        cursor["region"].error(Rule.BAD_REGION, message)
        return region
    table = cursor["table"]
    if not table.value.startswith("arn:"):
        check_table_name(table, "a table's name")
        return region
    match = _ARN.fullmatch(table.value)
    if match is None or not is_table_name(match[2]):
        message = f"expected the ARN of a table; found {shown(table.value)}"
        hint = "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME"
        table.error(Rule.BAD_ARN, message, hint=hint)
        return region
    if region not in {None, match[1]}:
        message = f"the table's ARN is in {match[1]}; found region {region}"
        cursor["region"].error(Rule.BAD_REGION, message)
    return match[1]


def _export(cursor: Cursor) -> Export:
    kind = cursor.get("kind")
    _check_kind(cursor, kind)
    if "location" in cursor:
        _check_location(cursor["location"])
    return Export(
        kind=kind,
        location=cursor.get("location"),
        id=cursor.get("id"),
        format=cursor.get("format", "dynamodb-json"),
        at=_at(cursor["at"]) if "at" in cursor else None,
        max_age_seconds=parse_seconds(cursor["max_age"]) if "max_age" in cursor else None,
        incrementals=_incrementals(cursor),
        bucket_owner=cursor.get("bucket_owner"),
        kms_key=cursor.get("kms_key"),
        segments=cursor.get("segments", 4),
        rate=cursor.get("rate"),
        consistent=cursor.get("consistent", True),
        columns=cursor.get("columns", {}),
        accept=tuple(cursor.get("accept", ())),
        count=cursor.get("count"),
        checksums=cursor.get("checksums"),
    )


def _at(cursor: Cursor) -> datetime | None:
    """Return a date and time; the schema checks its form, not that the day exists."""
    try:
        return datetime.fromisoformat(cursor.value).astimezone(UTC)
    except ValueError:
        message = f"no such date and time; found {shown(cursor.value)}"
        cursor.error(Rule.BAD_FORM, message)
        return None


def _incrementals(cursor: Cursor) -> Literal["all"] | tuple[str, ...]:
    found: Literal["all"] | list[str] = cursor.get("incrementals", [])
    return tuple(found) if isinstance(found, list) else found


def _check_kind(cursor: Cursor, kind: str) -> None:
    """Refuse keys that do not apply to the kind of export, rather than ignore them."""
    unused = [key for key in _ONLY_NATIVE if kind != "native" and key in cursor]
    unused += [key for key in _NOT_FOR_SCAN if kind == "scan" and key in cursor]
    unused += [key for key in _NOT_FOR_FILES if kind == "files" and key in cursor]
    unused += [key for key in _ONLY_FILES if kind != "files" and key in cursor]
    unused += [key for key in _ONLY_SCAN if kind != "scan" and key in cursor]
    for key in unused:
        message = f"{key} cannot be combined with kind: {kind}"
        cursor[key].error(Rule.NOT_TOGETHER, message, hint=f"remove {key}", at="key")
    form = cursor.get("format", "dynamodb-json")
    if kind == "files" and form not in _FILE_FORMATS:
        message = (
            f"kind: files needs a format of parquet, json-lines, csv or data-pipeline; found {form}"
        )
        at = cursor["format"] if "format" in cursor else cursor["kind"]
        at.error(Rule.NOT_TOGETHER, message, hint="for DynamoDB's own export, write kind: native")
    if kind == "native" and form not in _NATIVE_FORMATS:
        message = f"a native export is dynamodb-json or ion; found {form}"
        cursor["format"].error(Rule.NOT_TOGETHER, message, hint="kind: files reads other formats")


def _check_location(cursor: Cursor) -> None:
    text: str = cursor.value
    if text.startswith("s3://"):
        bucket = text.removeprefix("s3://").partition("/")[0]
        if not is_bucket_name(bucket):
            message = f"a location names its bucket as s3://bucket/prefix; found {shown(text)}"
            hint = "a bucket's name is 3 to 63 of a-z, 0-9, . and -"
            cursor.error(Rule.BAD_LOCATION, message, hint=hint)
    elif re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", text) or "\0" in text or not text.strip():
        message = f"a location is s3://bucket/prefix or a folder; found {shown(text)}"
        cursor.error(Rule.BAD_LOCATION, message)
