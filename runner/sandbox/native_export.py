"""Writes a native DynamoDB export: data files, both manifests and their checksums, as AWS does.

It knows the layout only. What is in the table, and when, is the caller's; so is where bytes go.
Layout and field order are those of captured exports, docs.aws.amazon.com
``amazondynamodb/latest/developerguide/S3DataExport.Output.html`` with the names the service really
uses (``.md5``, not ``.checksum``).
"""

import base64
import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Literal

import orjson

from retable.runner.sandbox.ion_text import ion_line

GZIP_LEVEL = 6
"""The level whose header says nothing about itself (XFL 0), as the service's files do."""
SPOOL_BYTES = 4 * 1024 * 1024
"""Compressed bytes of one data file that are kept in memory before they go to a temporary file."""

LEAST_BILLED_BYTES = 10_000_000
"""What the smallest incremental export is billed as, in captured summaries."""

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
    """When it was asked for; a full export shows that moment."""
    output_format: Literal["DYNAMODB_JSON", "ION"] = "DYNAMODB_JSON"
    kms_key: str | None = None
    """The key that S3 encrypts with; ``None`` is S3's own."""
    window: "ExportWindow | None" = None
    """What an incremental export covers; ``None`` is a full one."""

    @property
    def folder(self) -> str:
        """Return the key prefix of the manifests, with its slash."""
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
class ExportWindow:
    """From when on and until before when changes are in an incremental export."""

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
    empty, as for an empty partition of a real table. Memory stays bounded by one compressed data
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
        filled[zlib.crc32(record) % len(filled)].add(line_of(record), len(record))
    lines = [_store(put, shard, _data_key(head, n)) for n, shard in enumerate(shards)]
    _put_with_md5(put, f"{head.folder}manifest-files", b"".join(lines))
    count = sum(shard.count for shard in shards)
    billed = sum(shard.size for shard in shards)
    _put_with_md5(put, f"{head.folder}manifest-summary", _summary(head, count, billed))
    return count


def _ion_change(record: bytes) -> bytes:
    """Return the line of a changed item in Ion: a struct called ``Record``."""
    return ion_line(orjson.loads(record), "Record")


_LINES: Mapping[tuple[str, bool], Callable[[bytes], bytes]] = {
    ("DYNAMODB_JSON", False): lambda item: b'{"Item":' + item + b"}",
    ("DYNAMODB_JSON", True): lambda change: change,
    ("ION", False): lambda item: ion_line({"Item": orjson.loads(item)}),
    ("ION", True): _ion_change,
}
"""How a record becomes a line, by the format and by whether the export is incremental."""


class _Shard:
    """One data file while it is being written."""

    def __init__(self) -> None:
        """Open an empty gzip member without name or time."""
        self.count = 0
        self.size = 0
        self._raw: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 -- closed by close
        self._gzip = gzip.GzipFile(
            filename="", mode="wb", fileobj=self._raw, mtime=0, compresslevel=GZIP_LEVEL
        )

    def add(self, line: bytes, size: int) -> None:
        """Append a line, which counts for ``size`` bytes."""
        self._gzip.write(line + b"\n")
        self.count += 1
        self.size += size

    def close(self) -> bytes:
        """Return the finished file."""
        self._gzip.close()
        self._raw.seek(0)
        body = self._raw.read()
        self._raw.close()
        return body


def _store(put: Put, shard: _Shard, key: str) -> bytes:
    """Store a data file and return its line of the files manifest."""
    body = shard.close()
    put(key, body)
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    # The service uploads in parts, so the ETag is the multipart one even of an empty file.
    etag = hashlib.md5(digest, usedforsecurity=False).hexdigest() + "-1"
    entry = {
        "itemCount": shard.count,
        "md5Checksum": base64.b64encode(digest).decode(),
        "etag": etag,
        "dataFileS3Key": key,
    }
    return orjson.dumps(entry) + b"\n"


def _data_key(head: ExportHead, number: int) -> str:
    """Return the key of a data file: 26 characters of a-z and 2-7, as the service names them."""
    seed = f"{head.export_id}/{number}".encode()
    name = base64.b32encode(hashlib.blake2b(seed, digest_size=16).digest()).decode()
    ending = "ion" if head.output_format == "ION" else "json"
    return f"{head.data_folder}{name.rstrip('=').lower()}.{ending}.gz"


def _summary(head: ExportHead, count: int, billed: int) -> bytes:
    """Return the summary manifest: one line without a newline."""
    asked, window = _timestamp(head.export_time), head.window
    covered = {"exportTime": asked} if window is None else _covered(window)
    kind = {}
    if window is not None:
        kind = {"outputView": window.view, "exportType": "INCREMENTAL_EXPORT"}
    return orjson.dumps(
        {
            "version": "2020-06-30" if window is None else "2023-08-01",
            "exportArn": f"{head.table_arn}/export/{head.export_id}",
            "startTime": asked,
            "endTime": asked,
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
    """Return the members that say what an incremental export covers."""
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
