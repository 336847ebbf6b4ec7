"""The manifests of a native export, parsed and held to account. Fetching them is not done here.

The layout and every field are AWS's: ``manifest-summary.json`` and ``manifest-files.json`` with
their ``.md5`` files, docs.aws.amazon.com
``amazondynamodb/latest/developerguide/S3DataExport.Output.html``. Unknown fields are passed over.
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

SUMMARY = "manifest-summary"
FILES = "manifest-files"
FULL_VERSION = "2020-06-30"
"""The version of a full export's summary; an incremental one says 2023-08-01."""
DATA_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
"""A data file's bare name; anything else could lead out of the export's own folder."""
MD5_BYTES = 16
ALTERED = "the export was altered; make a new one"
DAMAGED = "the export is damaged; make a new one"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of items, as the files manifest names it."""

    key: str
    """Where it was written; the folder may be another one now, the last part is its name."""
    item_count: int
    md5: str
    """Base64 of the MD5 of the bytes as stored, compressed."""
    etag: str
    """The ETag as it was exported; a copy of the object has another."""

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
    billed_bytes: int = 0
    """The table's size as billed: uncompressed, and 0 for a small one."""


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
    folder = export_folder(export_id)
    _require_md5(f"{folder}/{SUMMARY}", *summary)
    _require_md5(f"{folder}/{FILES}", *files)
    fields = _Fields.of(f"{folder}/{SUMMARY}.json", summary[0])
    _require_full(export_id, fields)
    export = Export(
        id=export_id,
        arn=fields.text("exportArn"),
        table_arn=fields.text("tableArn"),
        table_id=fields.text("tableId"),
        export_time=fields.time("exportTime"),
        item_count=fields.count("itemCount"),
        output_format=fields.text("outputFormat"),
        files=tuple(sorted(_data_files(export_id, files[0]), key=lambda file: file.key)),
        billed_bytes=fields.count("billedSizeBytes", absent=0),
    )
    _require_own_summary(export, fields)
    _require_consistent(export)
    return export


def export_folder(export_id: str) -> str:
    """Return the folder of an export, below its prefix."""
    return f"AWSDynamoDB/{export_id}"


@dataclass(frozen=True, slots=True)
class _Fields:
    """One JSON object of a manifest, and what to call it in a message."""

    where: str
    values: Mapping[str, Any]

    @classmethod
    def of(cls, where: str, content: bytes) -> "_Fields":
        """Return the JSON object in ``content``."""
        try:
            values = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            message = f"{where} is not JSON: {error.msg} at byte {error.pos}"
            raise CheckFailed(message, DAMAGED) from error
        if not isinstance(values, dict):
            message = f"{where} is not a JSON object"
            raise CheckFailed(message, DAMAGED)
        return cls(where, values)

    def text(self, name: str) -> str:
        """Return a text that must be there and not be empty."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise self.wrong(name, "a text")
        return value

    def count(self, name: str, absent: int | None = None) -> int:
        """Return a number from 0 on; where it may be missing, ``absent`` stands for it."""
        value = self.values.get(name, absent)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.wrong(name, "a number from 0 on")
        return value

    def time(self, name: str) -> datetime:
        """Return a moment of the service's clock."""
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError as error:
            raise self.wrong(name, "a time") from error
        # Without an offset it would be read by this machine's time zone.
        if moment.tzinfo is None:
            raise self.wrong(name, "a time with its offset")
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:
            raise self.wrong(name, "a time") from error

    def wrong(self, name: str, expected: str) -> CheckFailed:
        """Return the failure of a field that is missing or holds something else."""
        found = "is another thing" if name in self.values else "is missing"
        return CheckFailed(f"{self.where}: {name} {found}; expected {expected}", DAMAGED)


def _require_md5(stem: str, content: bytes, digest: bytes) -> None:
    """Hold a manifest against its own checksum file (24 bytes of base64)."""
    found = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest())
    if digest.strip() != found:
        expected = digest[:40].decode("ascii", "backslashreplace").strip() or "nothing"
        message = f"{stem}.json: MD5 is {found.decode()}; {stem}.md5 says {expected}"
        raise CheckFailed(message, ALTERED)


def _require_full(export_id: str, fields: _Fields) -> None:
    """Turn down what this version does not read."""
    expected = (
        ("exportType", "FULL_EXPORT", "incremental exports come later"),
        ("version", FULL_VERSION, "other versions of the manifest come later"),
        ("outputFormat", "DYNAMODB_JSON", "the format ION comes later"),
    )
    for name, readable, later in expected:
        # A full export's summary has no exportType at all.
        found = fields.values.get(name, "FULL_EXPORT" if name == "exportType" else None)
        if found != readable:
            message = f"export {export_id} has {name} {found}; only {readable} can be read"
            raise Refused(message, f"{later}; name another export by source.export.id")


def _require_own_summary(export: Export, fields: _Fields) -> None:
    """Refuse a summary that was put into the folder of another export."""
    arn = f"{export.table_arn}/export/{export.id}"
    if export.arn != arn:
        message = f"{fields.where}: exportArn is {export.arn}, expected {arn}"
        raise CheckFailed(message, "the manifest is that of another export")
    listed = fields.text("manifestFilesS3Key")
    wanted = f"{export_folder(export.id)}/{FILES}.json"
    if not f"/{listed}".endswith(f"/{wanted}"):
        message = f"{fields.where}: manifestFilesS3Key is {listed}, expected …/{wanted}"
        raise CheckFailed(message, "the manifest is that of another export")


def _data_files(export_id: str, content: bytes) -> Iterator[DataFile]:
    """Yield the data files that the files manifest names, one JSON object a line."""
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        where = f"{export_folder(export_id)}/{FILES}.json line {number}"
        if not line.strip():
            message = f"{where} is blank; expected a data file"
            raise CheckFailed(message, DAMAGED)
        fields = _Fields.of(where, line)
        file = DataFile(
            key=fields.text("dataFileS3Key"),
            item_count=fields.count("itemCount"),
            md5=fields.text("md5Checksum"),
            etag=fields.text("etag"),
        )
        _require_own_file(export_id, file, where)
        yield file


def _require_own_file(export_id: str, file: DataFile, where: str) -> None:
    """Refuse a data file outside of the export's own ``data`` folder, whoever wrote the manifest.

    The prefix before it may be any: a copied export keeps the keys that it was written under.
    """
    folder = f"{export_folder(export_id)}/data"
    *above, name = file.key.split("/")
    inside = f"/{'/'.join(above)}".endswith(f"/{folder}")
    plain = not {"", ".", ".."}.intersection(above) and DATA_FILE.fullmatch(name)
    if not inside or not plain:
        message = f"{where}: the data file is {file.key}; expected one in {folder}"
        raise CheckFailed(message, ALTERED)
    try:
        size = len(base64.b64decode(file.md5, validate=True))
    except ValueError:
        size = 0
    if size != MD5_BYTES:
        message = f"{where}: md5Checksum is {file.md5}; expected base64 of {MD5_BYTES} bytes"
        raise CheckFailed(message, DAMAGED)


def _require_consistent(export: Export) -> None:
    """Hold the files' counts against the summary's, and look for a file named twice."""
    folder = export_folder(export.id)
    total = sum(file.item_count for file in export.files)
    if total != export.item_count:
        message = (
            f"{folder}/{FILES}.json: the data files have {total:,} items; "
            f"{SUMMARY}.json says {export.item_count:,}"
        )
        raise CheckFailed(message, ALTERED)
    seen: set[str] = set()
    for file in export.files:
        # Two prefixes before one name would be one file as well.
        if file.name in seen:
            message = f"{folder}/{FILES}.json: it names the data file {file.name} twice"
            raise CheckFailed(message, ALTERED)
        seen.add(file.name)
