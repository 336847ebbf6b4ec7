"""What is to be loaded: the kept items of several data files, interleaved.

One data file holds one stretch of the old table's hash space. Read one after another they would
make one hot partition of the new table after another, so several are read in turns.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from retable.runner.export.check import CheckedFile
from retable.runner.export.lines import read_lines
from retable.transforms.mapping import Mapping
from retable.transforms.outcome import Kept, Result

OPEN_FILES = 8
"""How many data files are read in turns."""

Losers = Callable[[str], frozenset[tuple[int, int]]]
"""Gives the (line, ordinal) of a file's results that lost a collision."""


@dataclass(slots=True, kw_only=True)
class FileState:
    """How far one data file is."""

    file: CheckedFile
    superseded: int = 0
    loaded: int = 0
    quarantined: int = 0
    outstanding: int = 0
    """Items handed out and not yet written or quarantined."""
    is_read: bool = False

    @property
    def is_done(self) -> bool:
        """Return whether every item of the file is accounted for."""
        return self.is_read and not self.outstanding


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item on its way into the table."""

    state: FileState
    line: int
    ordinal: int
    result: Result


def entries(
    mapping: Mapping, states: Sequence[FileState], losers: Losers
) -> Iterator[Entry | FileState]:
    """Yield every item to load, and each file's state once all of its items were yielded."""
    waiting = list(states)
    reading: list[tuple[FileState, Iterator[Entry]]] = []
    while waiting or reading:
        while waiting and len(reading) < OPEN_FILES:
            state = waiting.pop(0)
            reading.append((state, _of_file(mapping, state, losers(state.file.key))))
        for turn in list(reading):
            state, items = turn
            entry = next(items, None)
            if entry is None:
                state.is_read = True
                reading.remove(turn)
                yield state
            else:
                yield entry


def _of_file(
    mapping: Mapping, state: FileState, losers: frozenset[tuple[int, int]]
) -> Iterator[Entry]:
    """Yield the items of one data file that are to be written."""
    for line, content in read_lines(state.file):
        outcome = mapping.apply(content)
        if not isinstance(outcome, Kept):
            continue
        for ordinal, result in enumerate(outcome.results):
            if (line, ordinal) in losers:
                state.superseded += 1
            else:
                yield Entry(state=state, line=line, ordinal=ordinal, result=result)
