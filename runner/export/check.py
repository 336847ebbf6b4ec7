"""Proving an export whole: every byte's digest, every file's count, before any line counts."""

import base64
import errno
import hashlib
import os
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retable.runner.aws.objects import Objects
from retable.runner.export.location import LocalFolder, Location, data_file_place
from retable.runner.export.manifest import DataFile, Export
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.progress import Progress

CHUNK_BYTES = 1 << 20
PLAIN_BYTES = 4 << 20
GZIP = 16 + zlib.MAX_WBITS
DAMAGED = "the export is damaged; make a new one"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A data file on this machine whose bytes are those that the manifest names."""

    key: str
    path: Path
    item_count: int
    md5: str
    """Base64 of the MD5 of the bytes as stored."""


def check_export(
    export: Export, location: Location, objects: Objects | None, spool: Path, progress: Progress
) -> tuple[CheckedFile, ...]:
    """Check every data file of ``export`` and return them in the manifest's sorted order.

    Files in S3 are fetched into ``spool``; one that lies there whole is not fetched again. Local
    ones are read where they are.

    Raises:
        CheckFailed: a file is missing, altered or cut short, or a count disagrees.
        Stopped: the disk is full, or S3 does not answer.
    """
    checked = []
    done = 0
    for file in export.files:
        path = _bring(export, file, location, objects, spool)
        _require_md5(file, path)
        _require_count(file, path)
        checked.append(
            CheckedFile(key=file.key, path=path, item_count=file.item_count, md5=file.md5)
        )
        done += file.item_count
        progress.advance(done, export.item_count, "items")
    return tuple(checked)


def md5_of(path: Path) -> str:
    """Return the base64 MD5 of the file's bytes."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return base64.b64encode(digest.digest()).decode()


def plain_chunks(path: Path, name: str) -> Iterator[bytes]:
    """Yield the file's content decompressed; concatenated gzip members are one content.

    Raises:
        CheckFailed: it is no gzip, is cut short, or a member's CRC is wrong.
    """
    reader = None
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            while chunk:
                reader = reader or zlib.decompressobj(GZIP)
                try:
                    # Bounded, since a hostile file can unpack to a thousand times its size.
                    yield reader.decompress(chunk, PLAIN_BYTES)
                except zlib.error as error:
                    message = f"data file {name}: {str(error).rpartition(': ')[2]}"
                    raise CheckFailed(message, DAMAGED) from error
                chunk = reader.unconsumed_tail or reader.unused_data  # noqa: PLW2901
                if reader.eof:
                    reader = None
    if reader is not None:
        message = f"data file {name}: the gzip stream is cut short"
        raise CheckFailed(message, DAMAGED)


def _bring(
    export: Export, file: DataFile, location: Location, objects: Objects | None, spool: Path
) -> Path:
    """Return the file's path on this machine, fetching it first where it lies in S3."""
    place = data_file_place(location, export.id, file)
    if isinstance(place, Path) or isinstance(location, LocalFolder):
        return Path(str(place))
    if objects is None:
        raise TypeError(objects)
    bucket, key = place
    path = spool / file.name
    if path.is_file() and md5_of(path) == file.md5:
        return path
    try:
        spool.mkdir(parents=True, exist_ok=True)
        _fetch(objects, bucket, key, path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(path.parent).free
            message = f"the disk is full: {path} cannot be written ({free:,} bytes are free)"
            raise Stopped(message, "make room, or name another place with --run-dir") from error
        raise
    return path


def _fetch(objects: Objects, bucket: str, key: str, path: Path) -> None:
    """Fetch an object so that the name is there only once the content is on disk."""
    part = path.with_name(path.name + ".part")
    objects.download(bucket, key, part, None)
    with part.open("rb+") as written:
        os.fsync(written.fileno())
    part.replace(path)


def _require_md5(file: DataFile, path: Path) -> None:
    """Hold the stored bytes against the manifest."""
    try:
        found = md5_of(path)
    except OSError as error:
        message = f"data file {file.key}: {error.strerror}"
        raise CheckFailed(message, "the export is not whole; make a new one") from error
    if found != file.md5:
        message = f"data file {file.key}: MD5 is {found}; the manifest says {file.md5}"
        raise CheckFailed(message, "the export was altered; make a new one")


def _require_count(file: DataFile, path: Path) -> None:
    """Hold the number of lines against the manifest; a last line may lack its newline."""
    lines = 0
    last = b"\n"
    for chunk in plain_chunks(path, file.key):
        lines += chunk.count(b"\n")
        last = chunk[-1:] or last
    lines += last != b"\n"
    if lines != file.item_count:
        message = (
            f"data file {file.key}: it has {lines:,} lines; the manifest says {file.item_count:,}"
        )
        raise CheckFailed(message, DAMAGED)
