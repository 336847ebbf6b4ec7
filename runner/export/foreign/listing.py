"""Lists the files to read: those in the checksum file if there is one, else all at the location.

Names that start with ``_`` or ``.`` are skipped, as Hive and Spark skip them.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from retable.runner.export.location import LocalFolder, Location, ObjectStore, require_objects
from retable.runner.export.stored_file import open_stored, stored_chunks
from retable.runner.failure import CheckFailed, Refused

LINE = re.compile(r"([0-9a-fA-F]{32}|[0-9a-fA-F]{64}) [ *](\S.*)")
"""A line of md5sum or sha256sum: the digest, the mode, the name."""
MD5_DIGITS = 32
PIPELINE_MANIFEST = "manifest"
"""What Data Pipeline writes beside its data files."""


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """One file: its name below the location, and its digest if known."""

    name: str
    digest: str | None


def list_files(
    location: Location, checksums: str | None, objects: ObjectStore | None
) -> tuple[ForeignFile, ...]:
    """Return the files at ``location``, sorted by name.

    Raises:
        Refused: there are no files, or no such folder.
        CheckFailed: the checksum file is missing or damaged.
    """
    if checksums is not None:
        listed = _listed(_text(location, checksums, objects), checksums)
        return tuple(ForeignFile(name, digest) for name, digest in sorted(listed.items()))
    names = sorted(name for name in _names(location, objects) if _counts(name))
    if not names:
        message = "there are no files at source.export.location"
        raise Refused(message, "check the location")
    return tuple(ForeignFile(name, None) for name in names)


def fetch(file: ForeignFile, location: Location, spool: Path, objects: ObjectStore | None) -> Path:
    """Return the path of ``file``, fetched into ``spool`` if it is in S3, its digest checked.

    Raises:
        CheckFailed: it is missing, or its digest is wrong.
        Stopped: S3 does not answer.
    """
    if isinstance(location, LocalFolder):
        path = location.path / file.name
    else:
        spool.mkdir(parents=True, exist_ok=True)
        path = spool / hashlib.blake2b(file.name.encode(), digest_size=16).hexdigest()
        key = f"{location.prefix}/{file.name}".lstrip("/")
        require_objects(objects).download(location.bucket, key, path, None)
    if file.digest is not None:
        found = _digest(path, file)
        if found != file.digest:
            message = f"{file.name}: its digest is {found}; the checksum file says {file.digest}"
            raise CheckFailed(message, "the file was altered; write it again")
    return path


def _digest(path: Path, file: ForeignFile) -> str:
    short = len(file.digest or "") == MD5_DIGITS
    digest = hashlib.md5(usedforsecurity=False) if short else hashlib.sha256()
    with open_stored(path, file.name) as stored:
        for chunk in stored_chunks(stored, file.name):
            digest.update(chunk)
    return digest.hexdigest()


def _listed(text: str, name: str) -> Mapping[str, str]:
    """Return the digests that a checksum file names."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = LINE.fullmatch(line)
        inside = match is not None and _is_inside(match[2]) and match[2] not in found
        if match is None or not inside:
            message = (
                f"{name}: line {number} is not a digest and the name of a file below the location"
            )
            raise CheckFailed(message, "write it with md5sum or sha256sum, in the location")
        found[match[2]] = match[1].lower()
    if not found:
        message = f"{name} names no file"
        raise CheckFailed(message, "write it with md5sum or sha256sum")
    return found


def _is_inside(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/") and "\0" not in name


def _text(location: Location, name: str, objects: ObjectStore | None) -> str:
    """Return the checksum file."""
    try:
        if isinstance(location, LocalFolder):
            return (location.path / name).read_bytes().decode()
        key = f"{location.prefix}/{name}".lstrip("/")
        return require_objects(objects).read(location.bucket, key).decode()
    except UnicodeDecodeError as error:
        message = f"{name} is not UTF-8"
        raise CheckFailed(message, "write it with md5sum or sha256sum") from error
    except OSError as error:
        message = f"the checksum file {name} cannot be read: {error.strerror}"
        raise CheckFailed(message, "check source.export.checksums") from error


def _names(location: Location, objects: ObjectStore | None) -> Iterator[str]:
    if not isinstance(location, LocalFolder):
        prefix = f"{location.prefix}/".lstrip("/")
        for key in require_objects(objects).list_keys(location.bucket, prefix):
            yield key.removeprefix(prefix)
        return
    if not location.path.is_dir():
        message = f"the folder {location.path} does not exist"
        raise Refused(message, "check source.export.location; it is relative to the spec")
    for path in location.path.rglob("*"):
        if path.is_file():
            yield path.relative_to(location.path).as_posix()


def _counts(name: str) -> bool:
    parts = name.split("/")
    return not any(part.startswith(("_", ".")) for part in parts) and (
        parts[-1] not in {"", PIPELINE_MANIFEST}
    )
