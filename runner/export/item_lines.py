"""Converts a stored line to the item on it: the ``{"Item": …}`` bytes that every reader yields.

The mapping decides whether the item becomes a target item.
"""

from collections.abc import Callable

import orjson

from retable.runner.export.changes import NotAChangeError, read_change
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.ion import NotDynamoDBError, read_ion, typed_fields
from retable.runner.export.manifest import View
from retable.runner.table.export_request import Format

NO_ITEM = b""
"""What a line without an item yields: not JSON, so the mapping rejects it as a malformed line."""

ItemReader = Callable[[bytes], bytes]


def item_reader(file: CheckedFile) -> ItemReader:
    """Return the function that converts a line of ``file`` to ``{"Item": …}``; it never raises."""
    form, view = file.format, file.view
    if view is not None:
        return lambda line: _changed(line, form, view)
    return _READERS[form]


def _json(line: bytes) -> bytes:
    return line


def _ion(line: bytes) -> bytes:
    try:
        struct = read_ion(line)
        if list(struct) != ["Item"]:
            return NO_ITEM
        return orjson.dumps({"Item": typed_fields(struct["Item"])})
    except NotDynamoDBError:
        return NO_ITEM


def _changed(line: bytes, form: Format, view: View) -> bytes:
    """Return the item as it is after a change."""
    try:
        image = read_change(line, form, view).image
    except NotAChangeError:
        return NO_ITEM
    return NO_ITEM if image is None else orjson.dumps({"Item": image})


_READERS: dict[Format, ItemReader] = {"DYNAMODB_JSON": _json, "ION": _ion}
