"""Where an export that this program makes is written: a folder on this machine, or S3.

Data files are written on this machine first and renamed once they are complete.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from retable.runner.disk import not_written, replace_durably
from retable.runner.export.location import LocalFolder, Location


class Uploads(Protocol):
    """The S3 calls that writing an export needs. It raises ``Failure``s only."""

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Store a small object."""
        ...

    def upload(self, bucket: str, key: str, path: Path) -> None:
        """Store the content of a file."""
        ...


class Place(Protocol):
    """Stores objects by key."""

    def beside(self, key: str) -> Path:
        """Return where to write the file that becomes ``key``; its folder exists."""
        ...

    def keep(self, path: Path, key: str) -> None:
        """Store the closed file ``path``, which ``beside`` named, as ``key``."""
        ...

    def put(self, key: str, body: bytes) -> None:
        """Store a small object."""
        ...


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """A folder laid out like a bucket."""

    root: Path

    def beside(self, key: str) -> Path:
        """Return a temporary name in the folder where the file will be."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(f"{path.name}.part")

    def keep(self, path: Path, key: str) -> None:
        """Give the file its final name."""
        replace_durably(path, self.root / key)

    def put(self, key: str, body: bytes) -> None:
        """Write a small file."""
        path = self.beside(key)
        try:
            path.write_bytes(body)
            self.keep(path, key)
        except OSError as error:
            raise not_written(error, path) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPlace:
    """A bucket; files are written to the folder ``spool`` until they are uploaded."""

    uploads: Uploads
    bucket: str
    spool: Path

    def beside(self, key: str) -> Path:
        """Return a temporary name in the spool."""
        self.spool.mkdir(parents=True, exist_ok=True)
        return self.spool / f"{key.rpartition('/')[2]}.part"

    def keep(self, path: Path, key: str) -> None:
        """Upload the file and delete the local copy."""
        self.uploads.upload(self.bucket, key, path)
        path.unlink()

    def put(self, key: str, body: bytes) -> None:
        """Store a small object."""
        self.uploads.put(self.bucket, key, body)


def place_at(location: Location, uploads: Uploads | None, spool: Path) -> tuple[Place, str | None]:
    """Return where an export at ``location`` is written, and the prefix of its keys."""
    if isinstance(location, LocalFolder):
        return FolderPlace(location.path), None
    if uploads is None:
        message = "a location in S3 needs an S3 client"
        raise TypeError(message)
    place = BucketPlace(uploads=uploads, bucket=location.bucket, spool=spool)
    return place, location.prefix or None
