"""Writes exports in DynamoDB's own layout: data files, manifests and checksums, as AWS does.

The exports of the sandbox, of a scan and of foreign files are all written here, so one reader
serves them all. It knows only the layout: the caller supplies the items, the times and where the
bytes go.
Layout and field order are those of captured exports, docs.aws.amazon.com
``amazondynamodb/latest/developerguide/S3DataExport.Output.html`` with the names the service really
uses (``.md5``, not ``.checksum``).
"""

import base64
import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Literal

import orjson

from retable.runner.export.ion_text import ion_line

GZIP_LEVEL = 6
"""A level that leaves no mark in the header (XFL 0), as in the service's files."""
SPOOL_BYTES = 4 * 1024 * 1024
"""Compressed bytes of one data file that are kept in memory before they go to a temporary file."""

LEAST_BILLED_BYTES = 10_000_000
"""The size that the smallest incremental export is billed as, in captured summaries."""

Put = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportHead:
    """What the manifests say about an export, besides its content."""

    table_arn: str
    table_id: str
    bucket: str
    prefix: str | None
    export_id: str
    export_time: datetime
    """The time that a full export shows; the time an incremental one was requested."""
    output_format: Literal["DYNAMODB_JSON", "ION"] = "DYNAMODB_JSON"
    kms_key: str | None = None
    """The key that S3 encrypts with; ``None`` for S3's own."""
    window: "ExportWindow | None" = None
    """What an incremental export covers; ``None`` for a full one."""

    @property
    def folder(self) -> str:
        """Return the key prefix of the manifests, with a trailing slash."""
        return f"{self._top}{self.export_id}/"

    @property
    def data_folder(self) -> str:
        """Return the key prefix of the data files; incremental exports share one."""
        return f"{self._top if self.window else self.folder}data/"

    @property
    def _top(self) -> str:
        prefix = (self.prefix or "").rstrip("/")
        return f"{prefix}/AWSDynamoDB/".lstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A finished data file, as the files manifest lists it."""

    key: str
    count: int
    size: int
    """The table size, in bytes, that its items account for."""
    md5: bytes

    @property
    def line(self) -> bytes:
        """Return its line of the files manifest."""
        # The service uploads in parts, so the ETag is the multipart one even of an empty file.
        etag = hashlib.md5(self.md5, usedforsecurity=False).hexdigest() + "-1"
        entry = {
            "itemCount": self.count,
            "md5Checksum": base64.b64encode(self.md5).decode(),
            "etag": etag,
            "dataFileS3Key": self.key,
        }
        return orjson.dumps(entry) + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWindow:
    """The window of an incremental export: changes from ``start`` (inclusive) to ``end``."""

    start: datetime
    end: datetime
    view: Literal["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]


def write_native_export(
    put: Put, head: ExportHead, records: Iterable[bytes], *, files: int = 4
) -> int:
    """Write an export and return the number of its records.

    ``put(key, body)`` stores one object; keys are relative to the bucket's root and include the
    prefix. ``records`` are DynamoDB JSON without newlines: the attribute maps of a full export's
    items, without the ``Item`` wrapper, or the whole lines of an incremental one. They are spread
    over ``files`` data files by a hash of their bytes; with two files or more the last one stays
    empty, like an empty partition of a real table. Memory stays bounded by one compressed data
    file. The same input gives the same bytes. The manifests come last, the summary's checksum last
    of all.

    Raises:
        ValueError: ``files`` is not positive.
    """
    if files < 1:
        message = f"an export has at least one data file, not {files}"
        raise ValueError(message)
    put(f"{head.folder}_started", b"")
    line_of = _LINES[head.output_format, head.window is not None]
    shards = [_Shard() for _ in range(files)]
    filled = shards[:-1] or shards
    for record in records:
        filled[zlib.crc32(record) % len(filled)].file.add(line_of(record), len(record))
    written = []
    for number, shard in enumerate(shards):
        entry, body = shard.close(data_key(head, number))
        put(entry.key, body)
        written.append(entry)
    return put_manifests(put, head, written)


def put_manifests(put: Put, head: ExportHead, files: Sequence[WrittenFile]) -> int:
    """Write both manifests of an export whose data files are stored; return its number of records.

    They come last, the summary's checksum last of all: an export that has it is finished.
    """
    lines = b"".join(file.line for file in files)
    _put_with_md5(put, f"{head.folder}manifest-files", lines)
    count = sum(file.count for file in files)
    billed = sum(file.size for file in files)
    _put_with_md5(put, f"{head.folder}manifest-summary", _summary(head, count, billed))
    return count


def data_key(head: ExportHead, number: int) -> str:
    """Return the key of a data file: 26 characters of a-z and 2-7, as the service names them."""
    seed = f"{head.export_id}/{number}".encode()
    name = base64.b32encode(hashlib.blake2b(seed, digest_size=16).digest()).decode()
    ending = "ion" if head.output_format == "ION" else "json"
    return f"{head.data_folder}{name.rstrip('=').lower()}.{ending}.gz"


def _ion_change(record: bytes) -> bytes:
    """Return the line of a changed item in Ion: a struct called ``Record``."""
    return ion_line(orjson.loads(record), "Record")


_LINES: Mapping[tuple[str, bool], Callable[[bytes], bytes]] = {
    ("DYNAMODB_JSON", False): lambda item: b'{"Item":' + item + b"}",
    ("DYNAMODB_JSON", True): lambda change: change,
    ("ION", False): lambda item: ion_line({"Item": orjson.loads(item)}),
    ("ION", True): _ion_change,
}
"""How a record becomes a line, by format and by whether the export is incremental."""


class DataFileWriter:
    """Writes the lines of one data file to ``raw``, compressed, and computes the digest."""

    def __init__(self, raw: IO[bytes]) -> None:
        """Open a gzip member without name or time."""
        self._raw = _Hashed(raw)
        self._gzip = gzip.GzipFile(
            filename="", mode="wb", fileobj=self._raw, mtime=0, compresslevel=GZIP_LEVEL
        )
        self._count = 0
        self._size = 0

    def add(self, line: bytes, size: int) -> None:
        """Append a line, which counts for ``size`` bytes of the table."""
        self._gzip.write(line + b"\n")
        self._count += 1
        self._size += size

    def finish(self, key: str) -> WrittenFile:
        """Finish the file, which will be stored as ``key``; ``raw`` stays open."""
        self._gzip.close()
        digest = self._raw.digest.digest()
        return WrittenFile(key=key, count=self._count, size=self._size, md5=digest)


class _Hashed:
    """A file to write to, and the MD5 of everything written."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._file = raw
        self.digest = hashlib.md5(usedforsecurity=False)

    def write(self, chunk: bytes) -> int:
        """Append ``chunk``."""
        self.digest.update(chunk)
        return self._file.write(chunk)

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()


class _Shard:
    """One data file while it is being written, in bounded memory."""

    def __init__(self) -> None:
        self._raw: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 -- closed by close
        self.file = DataFileWriter(self._raw)

    def close(self, key: str) -> tuple[WrittenFile, bytes]:
        """Return the finished file and its content."""
        entry = self.file.finish(key)
        self._raw.seek(0)
        body = self._raw.read()
        self._raw.close()
        return entry, body


def _summary(head: ExportHead, count: int, billed: int) -> bytes:
    """Return the summary manifest: one line without a newline."""
    requested, window = _timestamp(head.export_time), head.window
    covered = {"exportTime": requested} if window is None else _covered(window)
    kind = {}
    if window is not None:
        kind = {"outputView": window.view, "exportType": "INCREMENTAL_EXPORT"}
    return orjson.dumps(
        {
            "version": "2020-06-30" if window is None else "2023-08-01",
            "exportArn": f"{head.table_arn}/export/{head.export_id}",
            "startTime": requested,
            "endTime": requested,
            "tableArn": head.table_arn,
            "tableId": head.table_id,
            **covered,
            "s3Bucket": head.bucket,
            "s3Prefix": head.prefix,
            "s3SseAlgorithm": "KMS" if head.kms_key else "AES256",
            "s3SseKmsKeyId": head.kms_key,
            "manifestFilesS3Key": f"{head.folder}manifest-files.json",
            "billedSizeBytes": billed if window is None else max(billed, LEAST_BILLED_BYTES),
            "itemCount": count,
            "outputFormat": head.output_format,
            **kind,
        }
    )


def _covered(window: ExportWindow) -> dict[str, str]:
    """Return the fields that say what an incremental export covers."""
    return {
        "exportFromTime": _timestamp(window.start),
        "exportToTime": _timestamp(window.end),
    }


def _put_with_md5(put: Put, stem: str, body: bytes) -> None:
    """Store a manifest and, after it, its checksum: base64 of the MD5, no newline."""
    put(f"{stem}.json", body)
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    put(f"{stem}.md5", base64.b64encode(digest))


def _timestamp(time: datetime) -> str:
    """Return ``time`` as the manifests write it: UTC, milliseconds, Z."""
    utc = time.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"
