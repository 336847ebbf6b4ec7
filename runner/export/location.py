"""Finds exports at a location: an S3 prefix or a local folder.

It reads only manifests, and never lists files to find out which data files belong to an export.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from retable.runner.export.manifest import (
    FILES,
    SUMMARY,
    TOP,
    Export,
    export_folder,
    parse_summary,
    with_files,
)
from retable.runner.failure import CheckFailed, Refused, Stopped

EXPORT_ID = re.compile(r"([0-9]{14,})-([0-9a-f]{8})")
"""The start time in milliseconds, padded to 14 digits, and eight hex digits."""
FINISHED = f"{SUMMARY}.md5"
"""The file that is written last: an export that has it is finished."""
MAX_PREFIX_PARTS = 8
"""How deep below a local folder ``AWSDynamoDB`` is searched for."""


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder laid out like the bucket: ``AWSDynamoDB/<id>/``, possibly below a prefix."""

    path: Path


@dataclass(frozen=True, slots=True)
class S3Prefix:
    """A bucket and the prefix given to the export, without a trailing slash."""

    bucket: str
    prefix: str


Location = LocalFolder | S3Prefix


class ObjectStore(Protocol):
    """The S3 calls that reading an export needs. It raises ``Failure``s only."""

    def read(self, bucket: str, key: str) -> bytes:
        """Return the content of a small object; raise ``CheckFailed`` if it does not exist."""
        ...

    def download(self, bucket: str, key: str, path: Path, etag: str | None) -> str:
        """Download an object to ``path`` and return its ETag; overwrites an existing file."""
        ...

    def list_keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Yield the keys that start with ``prefix``."""
        ...


def parse_location(text: str, folder: Path) -> Location:
    """Return the location that ``text`` names; a local one is relative to ``folder``.

    Raises:
        Refused: it names no bucket.
    """
    if not text.startswith("s3://"):
        return LocalFolder((folder / text).resolve())
    parts = urlsplit(text)
    if not parts.netloc or parts.query or parts.fragment:
        message = f"{text} is not a bucket and a prefix"
        raise Refused(message, "write s3://bucket/prefix")
    return S3Prefix(parts.netloc, parts.path.strip("/"))


def finished_exports(location: Location, objects: ObjectStore | None) -> tuple[str, ...]:
    """Return the ids of the finished exports at ``location``, newest first.

    Raises:
        Refused: the local folder does not exist.
        Stopped: S3 does not answer.
    """
    if isinstance(location, LocalFolder):
        found = set(_local_ids(location))
    else:
        found = set(_s3_ids(location, require_objects(objects)))
    return tuple(sorted(found, key=_age, reverse=True))


def open_export(location: Location, export_id: str, objects: ObjectStore | None) -> Export:
    """Return the export called ``export_id``, its manifests checked against their own digests.

    Raises:
        Refused: the id is malformed, there is no such export, or its kind is not supported.
        CheckFailed: it is not finished, or its manifests are altered or contradict each other.
        Stopped: S3 does not answer, or a file cannot be read.
    """
    summary = open_summary(location, export_id, objects)
    folder = find_export(location, export_id)
    listed, digest = (_read(folder, f"{FILES}.{end}", objects) for end in ("json", "md5"))
    return with_files(summary, listed, digest)


def open_summary(location: Location, export_id: str, objects: ObjectStore | None) -> Export:
    """Return an export as its summary describes it, without its files.

    Raises:
        Refused: as ``open_export``.
        CheckFailed: it is not finished, or its summary is altered.
        Stopped: as ``open_export``.
    """
    folder = find_export(location, export_id)
    finished = _read(folder, FINISHED, objects)
    return parse_summary(export_id, _read(folder, f"{SUMMARY}.json", objects), finished)


def data_folder(location: Location, export: Export) -> Location:
    """Return the folder of the data files of ``export``, wherever it was copied to.

    Keys in the manifest start with the prefix it was written under; only their end counts.

    Raises:
        Refused: a local location does not hold the export.
    """
    if isinstance(location, S3Prefix):
        return S3Prefix(location.bucket, _below(location.prefix, export.data_folder))
    folder = _local_export(location, export.id)
    return LocalFolder((folder.parent if export.window else folder) / "data")


def find_export(location: Location, export_id: str) -> Location:
    """Return the folder of the export itself, as a location; one in S3 may not exist.

    Raises:
        Refused: the id is malformed; in a local folder, there is no such export or there are two.
    """
    if not EXPORT_ID.fullmatch(export_id):
        message = f"{export_id!r} is not an export id"
        raise Refused(message, "an id looks like 01790000000000-0a1b2c3d")
    if isinstance(location, S3Prefix):
        return S3Prefix(location.bucket, _below(location.prefix, export_folder(export_id)))
    return LocalFolder(_local_export(location, export_id))


def require_objects(objects: ObjectStore | None) -> ObjectStore:
    """Return the S3 client, which every location in S3 comes with."""
    if objects is None:
        message = "a location in S3 needs an S3 client"
        raise TypeError(message)
    return objects


def _local_export(location: LocalFolder, export_id: str) -> Path:
    """Return the folder of an export on this machine."""
    found = [top / export_id for top in _tops(location) if (top / export_id).is_dir()]
    if not found:
        message = f"there is no export {export_id} in {location.path}"
        raise Refused(message, f"the folder must hold {export_folder(export_id)}/")
    if len(found) > 1:
        message = f"export {export_id} exists twice: {found[0]} and {found[1]}"
        raise Refused(message, "name the folder of one of them in source.export.location")
    return found[0]


def _age(export_id: str) -> tuple[int, str]:
    """Return the sort key that orders ids by their start time."""
    moment, _, rest = export_id.partition("-")
    return int(moment), rest


def _tops(location: LocalFolder) -> Iterator[Path]:
    """Yield every ``AWSDynamoDB`` folder in or below a local folder, in a fixed order."""
    if not location.path.is_dir():
        message = f"the export folder {location.path} does not exist"
        raise Refused(message, "check source.export.location; it is relative to the spec")
    for path, folders, _ in os.walk(location.path):
        if TOP in folders:
            yield Path(path) / TOP
        deep = len(Path(path).relative_to(location.path).parts) >= MAX_PREFIX_PARTS
        searched = (name for name in folders if name != TOP and not name.startswith("."))
        folders[:] = [] if deep else sorted(searched)


def _local_ids(location: LocalFolder) -> Iterator[str]:
    """Yield the ids of finished exports in a local folder."""
    for top in _tops(location):
        for path in top.glob(f"*/{FINISHED}"):
            if EXPORT_ID.fullmatch(path.parent.name):
                yield path.parent.name


def _s3_ids(location: S3Prefix, objects: ObjectStore) -> Iterator[str]:
    """Yield the ids of finished exports below an S3 prefix."""
    top = _below(location.prefix, TOP)
    for key in objects.list_keys(location.bucket, f"{top}/"):
        export_id, _, name = key.removeprefix(f"{top}/").partition("/")
        if name == FINISHED and EXPORT_ID.fullmatch(export_id):
            yield export_id


def _read(folder: Location, name: str, objects: ObjectStore | None) -> bytes:
    """Return the bytes of a manifest in the export's own folder."""
    if isinstance(folder, S3Prefix):
        return _read_s3(folder, name, require_objects(objects))
    path = folder.path / name
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _missing(str(path), name) from error
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise Stopped(message) from error


def _read_s3(folder: S3Prefix, name: str, objects: ObjectStore) -> bytes:
    """Return the bytes of a manifest in S3; raise what says whether it or the export is missing."""
    key = _below(folder.prefix, name)
    try:
        return objects.read(folder.bucket, key)
    except CheckFailed as error:
        if any(objects.list_keys(folder.bucket, f"{folder.prefix}/")):
            place = f"s3://{folder.bucket}/{key}"
            raise _missing(place, name) from error
        message = f"there is no export at s3://{folder.bucket}/{folder.prefix}"
        raise Refused(message, "check source.export.location and id") from error


def _missing(place: str, name: str) -> CheckFailed:
    """Return the failure for an export that lacks a manifest."""
    if name == FINISHED:
        message = f"the export is not finished: {place} is missing"
        return CheckFailed(message, "wait until it is COMPLETED, or make a new one")
    return CheckFailed(f"{place} is missing", "the export is incomplete; make a new one")


def _below(prefix: str, name: str) -> str:
    """Return the key of ``name`` below ``prefix``, which may be empty."""
    return f"{prefix}/{name}" if prefix else name
