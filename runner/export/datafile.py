"""A data file of a checked export, as those that read it know it."""

from dataclasses import dataclass
from pathlib import Path

from retable.runner.aws.exports import Format
from retable.runner.export.manifest import View
from retable.runner.export.outdated import Outdated


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Where in S3 a data file is stored."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A data file whose bytes are those that the manifest names."""

    key: str
    path: Path
    """Where it lies on this machine; one of S3 only while it is held (``spool``)."""
    item_count: int
    md5: str
    """Base64 of the MD5 of the bytes as stored."""
    stored: StoredObject | None = None
    """Where it is fetched from; ``None`` where it always lies on this machine."""
    format: Format = "DYNAMODB_JSON"
    """What its lines are written in."""
    view: View | None = None
    """Which images its lines have, in an incremental export; ``None`` where lines are items."""
    place: int = 0
    """Its export's place in the order of time; 0 is the full one."""
    outdated: Outdated | None = None
    """The lines that later changes have overtaken; ``None`` where all of them count."""

    @property
    def live(self) -> int:
        """Return how many lines count."""
        return self.item_count - (self.outdated.count if self.outdated else 0)
