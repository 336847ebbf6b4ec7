"""The account of a load: how far each data file is, line by line, whatever order items end in.

A line is settled once each of its results is written, quarantined or lost a collision. Up to a
file's mark every line is settled, so a load that died goes on after it. One thread reads files and
opens lines; another one, the event loop's, settles and closes them.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from retable.runner.export.datafile import CheckedFile
from retable.transforms.outcome import Result

Fate = Literal["loaded", "superseded", "quarantined"]


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


@dataclass(slots=True)
class Line:
    """One line whose results are under way."""

    number: int
    left: int
    """Results that are not settled."""
    fates: list[Fate] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Entry:
    """One item on its way into the table."""

    state: "FileState"
    line: int
    ordinal: int
    result: Result
    account: Line


class FileState:
    """How far one data file is."""

    def __init__(self, file: CheckedFile, mark: FileTally | None = None) -> None:
        """Go on after ``mark``, where an earlier process left one."""
        self.file = file
        self.is_read = False
        self.read_line = mark.line if mark else 0
        """The last line that was read."""
        self._closed = mark or FileTally(file=file.key)
        self._open: deque[Line] = deque()
        self.counts: dict[Fate, int] = {
            "loaded": self._closed.loaded,
            "superseded": self._closed.superseded,
            "quarantined": self._closed.quarantined,
        }
        self.told = self.read_line
        """The line that was journaled last."""

    @property
    def is_done(self) -> bool:
        """Return whether every item of the file is accounted for."""
        self._close()
        return self.is_read and not self._open

    @property
    def tally(self) -> FileTally:
        """Return what became of all lines up to the mark."""
        # What is read first is the older: a line that is opened meanwhile lies beyond it.
        read = self.read_line
        self._close()
        line = self._open[0].number - 1 if self._open else read
        return FileTally(file=self.file.key, line=line, **self.counts)

    def open(self, number: int, results: int, superseded: int) -> Line:
        """Open the account of a line, for the reading thread."""
        line = Line(number, results - superseded, ["superseded"] * superseded)
        if results:
            self._open.append(line)
        return line

    def settle(self, entry: Entry, fate: Fate) -> None:
        """Settle one result."""
        entry.account.fates.append(fate)
        entry.account.left -= 1

    def _close(self) -> None:
        """Close the lines at the front that are settled."""
        while self._open and not self._open[0].left:
            for fate in self._open.popleft().fates:
                self.counts[fate] += 1
