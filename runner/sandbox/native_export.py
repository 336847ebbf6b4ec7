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
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

import orjson

GZIP_LEVEL = 6
"""The level whose header says nothing about itself (XFL 0), as the service's files do."""
SPOOL_BYTES = 4 * 1024 * 1024
"""Compressed bytes of one data file that are kept in memory before they go to a temporary file."""

Put = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What the manifests say about an export."""

    table_arn: str
    table_id: str
    bucket: str
    prefix: str | None
    export_id: str
    export_time: datetime

    @property
    def folder(self) -> str:
        """Return the key prefix of everything that belongs to the export, with its slash."""
        prefix = (self.prefix or "").rstrip("/")
        return f"{prefix}/AWSDynamoDB/{self.export_id}/".lstrip("/")


def write_native_export(  # noqa: PLR0913 -- the facts of an export, all of them plain values
    put: Put,
    items: Iterable[bytes],
    *,
    table_arn: str,
    table_id: str,
    bucket: str,
    prefix: str | None,
    export_id: str,
    export_time: datetime,
    files: int = 4,
) -> int:
    """Write a full export and return the number of items in it.

    ``put(key, body)`` stores one object; keys are relative to the bucket's root and include the
    prefix. ``items`` are attribute maps as DynamoDB JSON, without the ``Item`` wrapper and without
    newlines. They are spread over ``files`` data files by a hash of their bytes; with two files or
    more the last one stays empty, as for an empty partition of a real table. Memory stays bounded
    by one compressed data file. The same input gives the same bytes. The manifests come last, the
    summary's checksum last of all.

    Raises:
        ValueError: ``files`` is not positive.
    """
    if files < 1:
        message = f"an export has at least one data file, not {files}"
        raise ValueError(message)
    target = _Target(
        table_arn=table_arn,
        table_id=table_id,
        bucket=bucket,
        prefix=prefix,
        export_id=export_id,
        export_time=export_time,
    )
    put(f"{target.folder}_started", b"")
    shards = [_Shard() for _ in range(files)]
    filled = shards[:-1] or shards
    for item in items:
        filled[zlib.crc32(item) % len(filled)].add(item)
    lines = [_store(put, shard, _data_key(target, n)) for n, shard in enumerate(shards)]
    _put_with_md5(put, f"{target.folder}manifest-files", b"".join(lines))
    count = sum(shard.count for shard in shards)
    billed = sum(shard.size for shard in shards)
    _put_with_md5(put, f"{target.folder}manifest-summary", _summary(target, count, billed))
    return count


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

    def add(self, item: bytes) -> None:
        """Append one line."""
        self._gzip.write(b'{"Item":' + item + b"}\n")
        self.count += 1
        self.size += len(item)

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


def _data_key(target: _Target, number: int) -> str:
    """Return the key of a data file: 26 characters of a-z and 2-7, as the service names them."""
    seed = f"{target.export_id}/{number}".encode()
    name = base64.b32encode(hashlib.blake2b(seed, digest_size=16).digest()).decode()
    return f"{target.folder}data/{name.rstrip('=').lower()}.json.gz"


def _summary(target: _Target, count: int, billed: int) -> bytes:
    """Return the summary manifest: one line without a newline."""
    time = _timestamp(target.export_time)
    return orjson.dumps(
        {
            "version": "2020-06-30",
            "exportArn": f"{target.table_arn}/export/{target.export_id}",
            "startTime": time,
            "endTime": time,
            "tableArn": target.table_arn,
            "tableId": target.table_id,
            "exportTime": time,
            "s3Bucket": target.bucket,
            "s3Prefix": target.prefix,
            "s3SseAlgorithm": "AES256",
            "s3SseKmsKeyId": None,
            "manifestFilesS3Key": f"{target.folder}manifest-files.json",
            "billedSizeBytes": billed,
            "itemCount": count,
            "outputFormat": "DYNAMODB_JSON",
        }
    )


def _put_with_md5(put: Put, stem: str, body: bytes) -> None:
    """Store a manifest and, after it, its checksum: base64 of the MD5, no newline."""
    put(f"{stem}.json", body)
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    put(f"{stem}.md5", base64.b64encode(digest))


def _timestamp(time: datetime) -> str:
    """Return ``time`` as the manifests write it: UTC, milliseconds, Z."""
    utc = time.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"
