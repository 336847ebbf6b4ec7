"""Parses and checks the manifests of a native export. It does not fetch them.

The layout and every field are AWS's: ``manifest-summary.json`` and ``manifest-files.json`` with
their ``.md5`` files, docs.aws.amazon.com
``amazondynamodb/latest/developerguide/S3DataExport.Output.html``. Unknown fields are ignored.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import orjson

from retable.runner.failure import CheckFailed, Refused
from retable.runner.table.export_request import Format

TOP = "AWSDynamoDB"
SUMMARY = "manifest-summary"
FILES = "manifest-files"
VERSIONS = ("2020-06-30", "2023-08-01")
"""The summary's known versions: the first is a full export's, the second an incremental one's."""
DATA_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
"""A data file's bare name; anything else could escape the export's own folder."""
MD5_BYTES = 16
View = Literal["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]
SPELLINGS = {"NEW_IMAGES": "NEW_IMAGE"}
"""The API's documentation spells one of the views differently from the API itself."""
ALTERED = "the export was altered; make a new one"
DAMAGED = "the export is damaged; make a new one"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of items, as the files manifest names it."""

    key: str
    """Where it was written; it may have been copied since, but the last part is its name."""
    item_count: int
    md5: str
    """Base64 of the MD5 of the bytes as stored, compressed."""
    etag: str
    """The ETag when it was exported; a copy of the object has another."""

    @property
    def name(self) -> str:
        """Return the file's bare name."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What an incremental export covers: every change from ``start`` (inclusive) to ``end``."""

    start: datetime
    end: datetime
    view: View
    """Which images of a changed item its lines have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A finished export: the whole table, or what changed in a window."""

    id: str
    arn: str
    table_arn: str
    table_id: str
    export_time: datetime
    """The time whose state it shows; for an incremental export, the end of its window."""
    item_count: int
    """Lines in all its files: items, or changed items."""
    output_format: Format
    window: Window | None = None
    """What it covers; ``None`` for the whole table."""
    files: tuple[DataFile, ...] = ()
    """Sorted by key, so that nothing depends on the manifest's order (I7)."""
    billed_bytes: int = 0
    """The table's size as billed: uncompressed, and 0 for a small one."""

    @property
    def data_folder(self) -> str:
        """Return the folder of its data files, below its prefix.

        All incremental exports of a prefix share one.
        """
        return f"{TOP}/data" if self.window else f"{export_folder(self.id)}/data"


def parse_summary(export_id: str, content: bytes, digest: bytes) -> Export:
    """Return the export that its summary describes, without its files.

    ``digest`` is the content of the summary's ``.md5`` file.

    Raises:
        CheckFailed: the digest or a field is wrong.
        Refused: its version, kind or format is not supported.
    """
    stem = f"{export_folder(export_id)}/{SUMMARY}"
    _require_md5(stem, content, digest)
    fields = _Fields.of(f"{stem}.json", content)
    _require_readable(export_id, fields)
    window = _window(fields)
    export = Export(
        id=export_id,
        arn=fields.text("exportArn"),
        table_arn=fields.text("tableArn"),
        table_id=fields.text("tableId"),
        export_time=window.end if window else fields.time("exportTime"),
        item_count=fields.count("itemCount"),
        output_format=fields.values["outputFormat"],
        window=window,
        billed_bytes=fields.count("billedSizeBytes", absent=0),
    )
    _require_own_summary(export, fields)
    return export


def with_files(export: Export, content: bytes, digest: bytes) -> Export:
    """Return ``export`` with the data files that its files manifest names.

    ``digest`` is the content of the manifest's ``.md5`` file.

    Raises:
        CheckFailed: the digest, a field or the sum of the counts is wrong.
    """
    _require_md5(f"{export_folder(export.id)}/{FILES}", content, digest)
    found = sorted(_data_files(export, content), key=lambda file: file.key)
    whole = replace(export, files=tuple(found))
    _require_consistent(whole)
    return whole


def export_folder(export_id: str) -> str:
    """Return the folder of an export, below its prefix."""
    return f"{TOP}/{export_id}"


@dataclass(frozen=True, slots=True)
class _Fields:
    """One JSON object of a manifest, and its name in messages."""

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
        """Return a string that must be present and not empty."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise self.wrong(name, "a non-empty string")
        return value

    def count(self, name: str, absent: int | None = None) -> int:
        """Return a number of 0 or more; ``absent`` is the default where it may be missing."""
        value = self.values.get(name, absent)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.wrong(name, "a number of 0 or more")
        return value

    def time(self, name: str) -> datetime:
        """Return a time of the service's clock."""
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError as error:
            raise self.wrong(name, "a time") from error
        # Without an offset it would be read in this machine's time zone.
        if moment.tzinfo is None:
            raise self.wrong(name, "a time with a UTC offset")
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:
            raise self.wrong(name, "a time") from error

    def wrong(self, name: str, expected: str) -> CheckFailed:
        """Return the failure for a field that is missing or has the wrong value."""
        found = "is wrong" if name in self.values else "is missing"
        return CheckFailed(f"{self.where}: {name} {found}; expected {expected}", DAMAGED)


def _require_md5(stem: str, content: bytes, digest: bytes) -> None:
    """Compare a manifest with its own checksum file (24 bytes of base64)."""
    found = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest())
    if digest.strip() != found:
        expected = digest[:40].decode("ascii", "backslashreplace").strip() or "nothing"
        message = f"{stem}.json: MD5 is {found.decode()}; {stem}.md5 says {expected}"
        raise CheckFailed(message, ALTERED)


def _require_readable(export_id: str, fields: _Fields) -> None:
    """Refuse an unsupported export before any other field is trusted."""
    expected = (
        # A full export's summary has no exportType at all.
        ("exportType", ("FULL_EXPORT", "INCREMENTAL_EXPORT"), "FULL_EXPORT"),
        ("version", VERSIONS, None),
        ("outputFormat", get_args(Format), None),
    )
    for name, readable, absent in expected:
        found = fields.values.get(name, absent)
        if found not in readable:
            message = f"export {export_id} has {name} {found}; expected {' or '.join(readable)}"
            raise Refused(message, "name another export with source.export.id")


def _window(fields: _Fields) -> Window | None:
    """Return what an incremental export covers."""
    if fields.values.get("exportType") != "INCREMENTAL_EXPORT":
        return None
    start, end = fields.time("exportFromTime"), fields.time("exportToTime")
    if not start < end:
        message = f"{fields.where}: exportToTime is not after exportFromTime"
        raise CheckFailed(message, DAMAGED)
    said = fields.text("outputView")
    views: tuple[View, ...] = get_args(View)
    for view in views:
        if SPELLINGS.get(said, said) == view:
            return Window(start=start, end=end, view=view)
    message = f"{fields.where}: outputView is {said}; expected {' or '.join(views)}"
    raise CheckFailed(message, DAMAGED)


def _require_own_summary(export: Export, fields: _Fields) -> None:
    """Refuse a summary that belongs to another export."""
    arn = f"{export.table_arn}/export/{export.id}"
    if export.arn != arn:
        message = f"{fields.where}: exportArn is {export.arn}, expected {arn}"
        raise CheckFailed(message, "the manifest belongs to another export")
    listed = fields.text("manifestFilesS3Key")
    expected = f"{export_folder(export.id)}/{FILES}.json"
    if not f"/{listed}".endswith(f"/{expected}"):
        message = f"{fields.where}: manifestFilesS3Key is {listed}, expected …/{expected}"
        raise CheckFailed(message, "the manifest belongs to another export")


def _data_files(export: Export, content: bytes) -> Iterator[DataFile]:
    """Yield the data files that the files manifest names, one JSON object per line."""
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        where = f"{export_folder(export.id)}/{FILES}.json line {number}"
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
        _require_own_file(export, file, where)
        yield file


def _require_own_file(export: Export, file: DataFile, where: str) -> None:
    """Refuse a data file outside the export's ``data`` folder, whoever wrote the manifest.

    Any prefix may come before it: a copied export keeps the keys that it was written under.
    """
    folder = export.data_folder
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
    """Compare the files' counts with the summary's, and look for a file named twice."""
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
        # The same name below two prefixes would still be one file.
        if file.name in seen:
            message = f"{folder}/{FILES}.json: it names the data file {file.name} twice"
            raise CheckFailed(message, ALTERED)
        seen.add(file.name)
