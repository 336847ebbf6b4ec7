"""A data file of a checked export, as its readers see it."""

from dataclasses import dataclass
from pathlib import Path

from retable.runner.export.manifest import View
from retable.runner.export.outdated import Outdated
from retable.runner.table.export_request import Format


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
    """Where it is on this machine; a file from S3 is there only while it is held (``spool``)."""
    item_count: int
    md5: str
    """Base64 of the MD5 of the bytes as stored."""
    stored: StoredObject | None = None
    """Where it is fetched from; ``None`` for a file that is always on this machine."""
    format: Format = "DYNAMODB_JSON"
    """The format of its lines."""
    view: View | None = None
    """Which images its lines have, in an incremental export; ``None`` if its lines are items."""
    place: int = 0
    """The position of its export in time order; 0 is the full export."""
    outdated: Outdated | None = None
    """The lines that later changes replace; ``None`` if every line counts."""

    @property
    def live(self) -> int:
        """Return how many lines count."""
        return self.item_count - (self.outdated.count if self.outdated else 0)
