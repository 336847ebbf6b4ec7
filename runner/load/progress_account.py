"""The account of a load: how far each data file is, whatever order its items end in.

Lines are counted in blocks. A block is closed once each of its lines is mapped and each of their
results is written, quarantined or lost a collision; up to a file's mark every block is closed, so a
load that died goes on after it.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from retable.runner.export.datafile import CheckedFile
from retable.transforms.outcome import Result

BLOCK_LINES = 125


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTally:
    """What became of the items of one data file, up to and with the line ``line``."""

    file: str
    line: int = 0
    loaded: int = 0
    superseded: int = 0
    quarantined: int = 0

    @property
    def items(self) -> int:
        """Return how many items that are."""
        return self.loaded + self.superseded + self.quarantined


class Block:
    """Some lines of a file that were read one after another."""

    __slots__ = ("handed_out", "last", "loaded", "quarantined", "superseded", "unmapped")

    def __init__(self) -> None:
        """Begin without a line."""
        self.last = 0
        """The last line that was read into it."""
        self.unmapped = 0
        """Lines that have no results yet."""
        self.handed_out = 0
        """Results that are to be written."""
        self.loaded = 0
        self.superseded = 0
        self.quarantined = 0

    @property
    def is_closed(self) -> bool:
        """Return whether every result is settled and none will come."""
        return not self.unmapped and self.handed_out == self.loaded + self.quarantined


class Entry(NamedTuple):
    """One item on its way into the table. A tuple, as millions are made."""

    state: "FileState"
    block: Block
    line: int
    ordinal: int
    result: Result


class FileState:
    """How far one data file is."""

    def __init__(self, file: CheckedFile, mark: FileTally | None = None) -> None:
        """Go on after ``mark``, where an earlier process left one."""
        self.file = file
        self.is_read = False
        self.tally = mark or FileTally(file=file.key)
        """What became of all lines up to the mark, as ``close`` found it last."""
        self.told = self.tally.line
        """The line that was journaled last."""
        self._blocks: deque[Block] = deque()

    def begin(self, block: Block) -> None:
        """Take the next block of lines on the account."""
        self._blocks.append(block)

    def close(self) -> bool:
        """Move the mark over blocks that are closed; return whether the whole file is done."""
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


def settle(entries: Iterable[Entry], fate: Literal["loaded", "quarantined"]) -> None:
    """Settle results that are written, or that are in quarantine."""
    if fate == "loaded":
        for entry in entries:
            entry.block.loaded += 1
    else:
        for entry in entries:
            entry.block.quarantined += 1
