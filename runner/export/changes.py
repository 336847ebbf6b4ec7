"""One line of an incremental export: a changed item, as it was left at the window's end.

``merge_incrementals`` decides which of several changes counts. The format is AWS's: ``Metadata``,
``Keys`` and, depending on the export's view, ``OldImage`` and ``NewImage``; a missing ``NewImage``
means that the item was deleted ("DynamoDB table export output format", Incremental export output).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from retable.runner.export.ion import NotDynamoDBError, read_fields, read_ion, typed_fields
from retable.runner.export.manifest import View
from retable.runner.table.export_request import Format

WRAPPER = "Record"
"""The one field that wraps a change in Ion, by the documentation; read with and without it."""
ATTRIBUTES = ("Keys", "NewImage")
"""What is converted from a change in Ion. An old image may be large; only its presence matters."""

Typed = Mapping[str, Any]


class NotAChangeError(ValueError):
    """A line that records neither a put nor a delete of an item; the text says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one item."""

    keys: Typed
    """Its key attributes, as DynamoDB JSON."""
    image: Typed | None
    """All its attributes; ``None`` where it was deleted."""
    old: Typed | None = None
    """The item before the change, if the export has it and is in DynamoDB JSON."""


def read_change(line: bytes, form: Format, view: View) -> Change:
    """Return the change that a line of an export with this ``view`` records.

    Raises:
        NotAChangeError: it records none.
    """
    fields = _json(line) if form == "DYNAMODB_JSON" else _ion(line)
    if not isinstance(fields.get("Metadata"), Mapping):
        _refuse("Metadata is missing")
    keys = fields.get("Keys")
    if not isinstance(keys, Mapping) or not keys:
        _refuse("Keys is missing")
    # Presence counts, even of an empty value.
    has_old, has_new = "OldImage" in fields, "NewImage" in fields
    if view == "NEW_IMAGE" and has_old:
        _refuse("it has an OldImage, which the view NEW_IMAGE does not have")
    if view == "NEW_AND_OLD_IMAGES" and not has_old and not has_new:
        _refuse("it has neither OldImage nor NewImage")
    old = fields["OldImage"] if has_old and form == "DYNAMODB_JSON" else None
    if not isinstance(old, Mapping | None):
        _refuse("OldImage is not an object")
    if not has_new:
        return Change(keys, None, old)
    image = fields["NewImage"]
    if not isinstance(image, Mapping):
        _refuse("NewImage is not an object")
    if any(image.get(name) != typed for name, typed in keys.items()):
        _refuse("NewImage has another key than Keys")
    return Change(keys, image, old)


def _json(line: bytes) -> Typed:
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        fields = None
    if not isinstance(fields, Mapping):
        _refuse("it is not a JSON object")
    return fields


def _ion(line: bytes) -> Typed:
    try:
        fields = read_ion(line)
        if list(fields) == [WRAPPER]:
            fields = read_fields(fields[WRAPPER])
        read = {name: typed_fields(fields[name]) for name in ATTRIBUTES if name in fields}
    except NotDynamoDBError:
        _refuse("it is not an Ion struct of attributes")
    return {**fields, **read}


def _refuse(why: str) -> NoReturn:
    raise NotAChangeError(why)
