"""Where exports lie: an S3 prefix or a local folder, and what is found there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from retable.runner.aws.objects import Objects
from retable.runner.export.manifest import DataFile, Export, parse_export
from retable.runner.failure import CheckFailed, Refused

EXPORT_ID = re.compile(r"\d{14,}-[0-9a-f]{8}")
"""The start time in milliseconds, padded to 14 digits, and eight hex digits."""
FINISHED = "manifest-summary.md5"
"""The file that is written last, so an export that has it is finished."""


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder that mirrors the bucket: ``AWSDynamoDB/<id>/`` lies in it."""

    path: Path


@dataclass(frozen=True, slots=True)
class S3Prefix:
    """A bucket and the prefix given to the export; the prefix has no slash at its end."""

    bucket: str
    prefix: str


Location = LocalFolder | S3Prefix


def parse_location(text: str, folder: Path) -> Location:
    """Return the place that ``text`` names; a local one is relative to ``folder``.

    Raises:
        Refused: it names no bucket.
    """
    if not text.startswith("s3://"):
        return LocalFolder((folder / text).resolve())
    parts = urlsplit(text)
    if not parts.netloc:
        message = f"{text} names no bucket"
        raise Refused(message, "write s3://bucket/prefix")
    return S3Prefix(parts.netloc, parts.path.strip("/"))


def finished_exports(location: Location, objects: Objects | None) -> tuple[str, ...]:
    """Return the ids of the finished exports at ``location``, newest first.

    Raises:
        Refused: the local folder is not there.
        Stopped: S3 does not answer.
    """
    if isinstance(location, LocalFolder):
        found = _local_ids(location)
    else:
        found = _s3_ids(location, _require(objects))
    return tuple(sorted(found, reverse=True))


def open_export(location: Location, export_id: str, objects: Objects | None) -> Export:
    """Return the export called ``export_id``, its manifests checked against their own digests.

    Raises:
        Refused: the id is none, or there is no such export.
        CheckFailed: its manifests are missing, altered or contradict one another.
    """
    if not EXPORT_ID.fullmatch(export_id):
        message = f"{export_id!r} is no export id"
        raise Refused(message, "an id is like 01790000000000-0a1b2c3d")
    names = ("manifest-summary.json", FINISHED, "manifest-files.json", "manifest-files.md5")
    contents = [_read(location, export_id, name, objects) for name in names]
    return parse_export(export_id, (contents[0], contents[1]), (contents[2], contents[3]))


def data_file_place(location: Location, export_id: str, file: DataFile) -> Path | tuple[str, str]:
    """Return where a data file lies: a local path, or a bucket and a key.

    The manifest's key is where it was written; a copied export lies elsewhere, so only the bare
    name counts, below the export's own folder.
    """
    if isinstance(location, LocalFolder):
        return location.path / "AWSDynamoDB" / export_id / "data" / file.name
    return location.bucket, _key(location, export_id, f"data/{file.name}")


def _local_ids(location: LocalFolder) -> Iterator[str]:
    """Yield the ids of finished exports in a local folder."""
    if not location.path.is_dir():
        message = f"the export folder {location.path} does not exist"
        raise Refused(message, "check source.export.location; it is relative to the spec")
    for path in (location.path / "AWSDynamoDB").glob(f"*/{FINISHED}"):
        if EXPORT_ID.fullmatch(path.parent.name):
            yield path.parent.name


def _s3_ids(location: S3Prefix, objects: Objects) -> Iterator[str]:
    """Yield the ids of finished exports below an S3 prefix."""
    for key in objects.list_keys(location.bucket, _key(location, "", "").rstrip("/") + "/"):
        head, _, name = key.rpartition("/")
        export_id = head.rpartition("/")[2]
        if name == FINISHED and EXPORT_ID.fullmatch(export_id):
            yield export_id


def _read(location: Location, export_id: str, name: str, objects: Objects | None) -> bytes:
    """Return a manifest's bytes."""
    if isinstance(location, S3Prefix):
        return _require(objects).read(location.bucket, _key(location, export_id, name))
    folder = location.path / "AWSDynamoDB" / export_id
    if not folder.is_dir():
        message = f"there is no export {export_id} in {location.path}"
        raise Refused(message, "check source.export.location and id")
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        message = f"{folder / name}: {error.strerror}"
        raise CheckFailed(message, "the export is not whole; make a new one") from error


def _key(location: S3Prefix, export_id: str, name: str) -> str:
    """Return a key below the prefix, without an empty part."""
    return "/".join(part for part in (location.prefix, "AWSDynamoDB", export_id, name) if part)


def _require(objects: Objects | None) -> Objects:
    """Return the way to S3, which a location in S3 always comes with."""
    if objects is None:
        raise TypeError(objects)
    return objects
