"""The manifests of a native export, parsed and held to account. Fetching them is not done here.

The layout and every field are AWS's (``manifest-summary.json`` of version 2020-06-30 and
``manifest-files.json``); keys that are not known are passed over.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from retable.runner.failure import CheckFailed, Refused

DATA_FILE = re.compile(r"[A-Za-z0-9._-]+")
"""A data file's bare name; anything else could lead out of the export's own folder."""
MD5_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of items, as the files manifest names it."""

    key: str
    """Where it was written; the folder may be another one now, the last part is its name."""
    item_count: int
    md5: str
    """Base64 of the MD5 of the bytes as stored, compressed."""
    etag: str

    @property
    def name(self) -> str:
        """Return the file's bare name."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A finished full export."""

    id: str
    arn: str
    table_arn: str
    table_id: str
    export_time: datetime
    item_count: int
    output_format: str
    files: tuple[DataFile, ...]
    """Sorted by key, so that nothing depends on the manifest's order (I7)."""


def parse_export(
    export_id: str,
    summary: tuple[bytes, bytes],
    files: tuple[bytes, bytes],
) -> Export:
    """Return the export that the manifests describe; each comes with its ``.md5`` file.

    Raises:
        CheckFailed: a digest, a count or a field is wrong.
        Refused: it is an export of another kind than a full one in DynamoDB JSON.
    """
    _require_md5("manifest-summary", *summary)
    _require_md5("manifest-files", *files)
    fields = _object("manifest-summary.json", summary[0])
    _require_full(export_id, fields)
    data_files = tuple(sorted(_data_files(export_id, files[0]), key=lambda file: file.key))
    export = Export(
        id=export_id,
        arn=_text(fields, "exportArn"),
        table_arn=_text(fields, "tableArn"),
        table_id=_text(fields, "tableId"),
        export_time=_time(fields, "exportTime"),
        item_count=_count("manifest-summary.json", fields),
        output_format=_text(fields, "outputFormat"),
        files=data_files,
    )
    _require_consistent(export)
    return export


def _require_md5(name: str, content: bytes, digest: bytes) -> None:
    """Hold a manifest against its own checksum file (24 bytes of base64)."""
    found = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest())
    if digest.strip() != found:
        expected = digest[:40].decode("ascii", "replace").strip()
        message = f"{name}.json: MD5 is {found.decode()}; {name}.md5 says {expected}"
        raise CheckFailed(message, "the export was altered; make a new one")


def _require_full(export_id: str, fields: Mapping[str, Any]) -> None:
    """Turn down what this version does not read."""
    kind = fields.get("exportType", "FULL_EXPORT")
    if kind != "FULL_EXPORT":
        message = f"export {export_id} is of type {kind}; only FULL_EXPORT can be read"
        raise Refused(message, "name a full export by source.export.id")
    output = fields.get("outputFormat")
    if output != "DYNAMODB_JSON":
        message = f"export {export_id} is in the format {output}; only DYNAMODB_JSON can be read"
        raise Refused(message, "name an export in DynamoDB JSON by source.export.id")


def _data_files(export_id: str, content: bytes) -> Iterator[DataFile]:
    """Yield the data files that the files manifest names, one JSON object a line."""
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        where = f"manifest-files.json line {number}"
        fields = _object(where, line)
        file = DataFile(
            key=_text(fields, "dataFileS3Key", where),
            item_count=_count(where, fields),
            md5=_text(fields, "md5Checksum", where),
            etag=_text(fields, "etag", where),
        )
        _require_own_file(export_id, file, where)
        yield file


def _require_own_file(export_id: str, file: DataFile, where: str) -> None:
    """Refuse a data file outside of the export's own ``data`` folder, whoever wrote the manifest."""
    folder = f"AWSDynamoDB/{export_id}/data/"
    head, _, name = file.key.rpartition("/")
    fits = f"{head}/".endswith(folder) and (head + "/" == folder or f"/{folder}" in f"{head}/")
    if not fits or not DATA_FILE.fullmatch(name) or ".." in file.key.split("/"):
        message = f"{where}: the data file lies outside of {folder}"
        raise CheckFailed(message, "the manifest was altered; make a new export")
    try:
        size = len(base64.b64decode(file.md5, validate=True))
    except ValueError:
        size = 0
    if size != MD5_BYTES:
        message = f"{where}: md5Checksum is no MD5"
        raise CheckFailed(message, "the manifest was altered; make a new export")


def _require_consistent(export: Export) -> None:
    """Hold the files' counts against the summary's, and look for a file named twice."""
    total = sum(file.item_count for file in export.files)
    if total != export.item_count:
        message = (
            f"export {export.id}: the data files have {total:,} items, "
            f"manifest-summary.json says {export.item_count:,}"
        )
        raise CheckFailed(message, "the manifest was altered; make a new export")
    if len({file.key for file in export.files}) != len(export.files):
        message = f"export {export.id}: manifest-files.json names a data file twice"
        raise CheckFailed(message, "the manifest was altered; make a new export")


def _object(where: str, content: bytes) -> Mapping[str, Any]:
    """Return the JSON object in ``content``."""
    try:
        fields = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        message = f"{where} is not JSON"
        raise CheckFailed(message, "the export is damaged; make a new one") from error
    if not isinstance(fields, dict):
        message = f"{where} is not a JSON object"
        raise CheckFailed(message, "the export is damaged; make a new one")
    return fields


def _text(fields: Mapping[str, Any], name: str, where: str = "manifest-summary.json") -> str:
    """Return a text that must be there."""
    value = fields.get(name)
    if not isinstance(value, str):
        message = f"{where} has no {name}"
        raise CheckFailed(message, "the export is damaged; make a new one")
    return value


def _count(where: str, fields: Mapping[str, Any]) -> int:
    """Return ``itemCount``."""
    value = fields.get("itemCount")
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        message = f"{where} has no itemCount"
        raise CheckFailed(message, "the export is damaged; make a new one")
    return value


def _time(fields: Mapping[str, Any], name: str) -> datetime:
    """Return a time of the service's clock."""
    text = _text(fields, name)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        message = f"manifest-summary.json: {name} is no time"
        raise CheckFailed(message, "the export is damaged; make a new one") from error
