"""The quarantine of a load: items that the table refused, each with its reason."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from retable.runner.load.progress_account import Entry
from retable.schema.reasons import Reason


class Place(NamedTuple):
    """Which result of which exported line an item is."""

    file: str
    line: int
    ordinal: int


class Quarantine:
    """JSON lines, each appended and synced to disk by itself."""

    def __init__(
        self, path: Path, done_files: frozenset[str], marks: Mapping[str, int] | None = None
    ) -> None:
        """Open ``path``, keeping only the items of files that are done, or up to their mark.

        All others are retried, and refused again.
        """
        self._path = path
        upto = marks or {}
        kept = [
            entry
            for entry in read_quarantine(path)
            if entry["source_file"] in done_files
            or entry["source_line"] <= upto.get(entry["source_file"], 0)
        ]
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.writelines(_line(entry) for entry in kept)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        # Without this a power cut may undo the rename and lose what is added later.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def add(self, entry: Entry, code: str, reason: Reason = Reason.REFUSED_BY_TABLE) -> None:
        """Add one item, with the service's error code."""
        place = Place(entry.state.file.key, entry.line, entry.ordinal)
        self.add_found(place, entry.result.key, entry.result.item_json, code, reason)

    def add_found(
        self,
        place: Place,
        key: str,
        item: bytes,
        code: str,
        reason: Reason = Reason.REFUSED_BY_TABLE,
    ) -> None:
        """Add one item whose place in the export was looked up."""
        kept = {
            "source_file": place.file,
            "source_line": place.line,
            "ordinal": place.ordinal,
            "key": key,
            "reason": reason.value,
            "code": code,
            "item": orjson.Fragment(item),
        }
        with self._path.open("ab") as file:
            file.write(_line(kept))
            file.flush()
            os.fsync(file.fileno())


def read_quarantine(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the items in quarantine; a torn last line, which a crash can leave, is ignored."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield orjson.loads(line)


def kept_existing(path: Path) -> int:
    """Return how many items are quarantined because the table's item with their key was kept."""
    reasons = (entry["reason"] for entry in read_quarantine(path))
    return sum(reason == Reason.KEPT_EXISTING for reason in reasons)


def _line(entry: Mapping[str, Any]) -> bytes:
    """Return one line."""
    return orjson.dumps(entry) + b"\n"
