"""The progress of a load: how far each data file is, in whatever order its items are written.

Lines are counted in blocks. A block is closed once each of its lines is mapped and each of their
results is written, quarantined or superseded. Up to a file's mark every block is closed, so a load
that died resumes after it.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from retable.runner.export.datafile import CheckedFile
from retable.transforms.item_outcome import Result

BLOCK_LINES = 125


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTally:
    """The counts of one data file's items up to and including the line ``line``."""

    file: str
    line: int = 0
    loaded: int = 0
    superseded: int = 0
    quarantined: int = 0

    @property
    def items(self) -> int:
        """Return the number of these items."""
        return self.loaded + self.superseded + self.quarantined


class Block:
    """Consecutive lines of a file."""

    __slots__ = ("dispatched", "last", "loaded", "quarantined", "superseded", "unmapped")

    def __init__(self) -> None:
        """Start without lines."""
        self.last = 0
        """The number of its last line."""
        self.unmapped = 0
        """Lines that are not mapped yet."""
        self.dispatched = 0
        """Results to write."""
        self.loaded = 0
        self.superseded = 0
        self.quarantined = 0

    @property
    def is_closed(self) -> bool:
        """Return whether every line is mapped and every result is settled."""
        return not self.unmapped and self.dispatched == self.loaded + self.quarantined


class Entry(NamedTuple):
    """One item to write. A tuple, because millions are created."""

    state: "FileState"
    block: Block
    line: int
    ordinal: int
    result: Result


class FileState:
    """The progress of one data file."""

    def __init__(self, file: CheckedFile, mark: FileTally | None = None) -> None:
        """Start after ``mark``, if an earlier process left one."""
        self.file = file
        self.is_read = False
        self.tally = mark or FileTally(file=file.key)
        """The counts up to the mark, as of the last ``close``."""
        self.reported_line = self.tally.line
        """The line of the mark that was journaled last."""
        self._blocks: deque[Block] = deque()

    def begin(self, block: Block) -> None:
        """Add the next block of lines."""
        self._blocks.append(block)

    def close(self) -> bool:
        """Move the mark past the closed blocks; return whether the whole file is done."""
        while self._blocks and self._blocks[0].is_closed:
            block, old = self._blocks.popleft(), self.tally
            self.tally = FileTally(
                file=old.file,
                line=max(old.line, block.last),
                loaded=old.loaded + block.loaded,
                superseded=old.superseded + block.superseded,
                quarantined=old.quarantined + block.quarantined,
            )
        return self.is_read and not self._blocks


def settle(entries: Iterable[Entry], outcome: Literal["loaded", "quarantined"]) -> None:
    """Settle results that were written or quarantined."""
    if outcome == "loaded":
        for entry in entries:
            entry.block.loaded += 1
    else:
        for entry in entries:
            entry.block.quarantined += 1
