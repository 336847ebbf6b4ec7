"""What is to be loaded: the kept items of several data files, interleaved and in batches.

One data file holds one stretch of the old table's hash space. Read one after another they would
make one hot partition of the new table after another, so several are read in turns.

All of this may run between the answers of a table: one step takes no longer than a block of lines,
but for beginning a file, which is left to whoever takes the steps.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.items import item_reader
from retable.runner.export.lines import read_lines
from retable.runner.export.spool import IN_PLACE, Holder, held
from retable.runner.load.account import BLOCK_LINES, Entry, FileState
from retable.transforms.mapping import Mapping
from retable.transforms.outcome import Kept

OPEN_FILES = 8
"""How many data files are read in turns."""
MAX_BATCH_ITEMS = 25
"""BatchWriteItem's limit."""
SHUFFLED_ITEMS = 1_000
SHUFFLED_BYTES = 16_000_000
"""How much is held back at most, so that neighbours are not written one after another."""
MAX_BATCH_BYTES = 1_000_000
"""Far below BatchWriteItem's 16 MB: larger requests gain nothing, and are held several times."""
ENTRY_BYTES = 1_000
"""About what an item on its way takes beside its JSON."""

Losers = Callable[[str], frozenset[tuple[int, int]]]
"""Gives the (line, ordinal) of a file's results that lost a collision."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Items for one request, no key twice, and the files that have none after these."""

    entries: list[Entry] = field(default_factory=list)
    ended: list[FileState] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Return about how many bytes of memory the items take."""
        return sum(len(entry.result.item_json) + ENTRY_BYTES for entry in self.entries)


class Turn:
    """A data file whose turn has come: ``begin`` it before the next step is taken."""

    __slots__ = ("items", "state")

    def __init__(self, state: FileState, items: Iterator[Entry | None]) -> None:
        """Take its ``items``, of which none is read yet."""
        self.state = state
        self.items = items

    def begin(self) -> None:
        """Fetch the file, prove its bytes and find its first item, which may take a while.

        Raises:
            CheckFailed: it is not the data file that was checked.
            Stopped: it cannot be had.
        """
        first = next((entry for entry in self.items if entry is not None), None)
        self.items = itertools.chain([first], self.items)


Found = Entry | FileState | Turn | None
"""A step: an item, the file that has none after it, one to begin, or lines without an item."""


def batches(
    mapping: Mapping,
    states: Sequence[FileState],
    losers: Losers,
    rng: Random,
    holder: Holder = IN_PLACE,
) -> Iterator[Batch | Turn]:
    """Yield every item to load that its file's mark does not cover. A batch may be empty.

    Reads and maps as it goes, in the order of ``rng``.

    Raises:
        CheckFailed: a data file is not the one that was checked.
    """
    yield from in_batches(shuffled(in_turns(mapping, states, losers, holder), rng))


def entries_of(found: Iterable[Found]) -> Iterator[Entry]:
    """Yield the items alone, for those who have nothing else to do while a file is begun."""
    for one in found:
        if isinstance(one, Turn):
            one.begin()
        elif isinstance(one, Entry):
            yield one


def shuffled(found: Iterator[Found], rng: Random) -> Iterator[Found]:
    """Yield entries in another order, a bounded number of them held back; all else as it comes.

    Neighbours in an export are neighbours in the old table's hash space, and often in the new one.
    """
    held: list[Entry] = []
    size = 0
    for entry in found:
        if not isinstance(entry, Entry):
            yield entry
            continue
        held.append(entry)
        size += len(entry.result.item_json)
        while len(held) > SHUFFLED_ITEMS or size > SHUFFLED_BYTES:
            place = int(rng.random() * len(held))
            held[place], held[-1] = held[-1], held[place]
            chosen = held.pop()
            size -= len(chosen.result.item_json)
            yield chosen
    rng.shuffle(held)
    yield from held


def in_batches(found: Iterator[Found]) -> Iterator[Batch | Turn]:
    """Yield what is ``found`` in batches that one request may hold, empty ones for no items."""
    batch, keys, size = Batch(), set[str](), 0
    for entry in found:
        if not isinstance(entry, Entry):
            if isinstance(entry, FileState):
                batch.ended.append(entry)
            else:
                yield Batch() if entry is None else entry
            continue
        key, length = entry.result.key, len(entry.result.item_json)
        full = len(keys) == MAX_BATCH_ITEMS or key in keys or size + length > MAX_BATCH_BYTES
        if full and keys:
            yield batch
            batch, keys, size = Batch(), set(), 0
        batch.entries.append(entry)
        keys.add(key)
        size += length
    yield batch


def in_turns(
    mapping: Mapping, states: Sequence[FileState], losers: Losers, holder: Holder
) -> Iterator[Found]:
    """Yield the items of a few files in turns, and each file's state after its last item."""
    waiting = list(states)
    reading: list[Turn] = []
    while waiting or reading:
        while waiting and len(reading) < OPEN_FILES:
            state = waiting.pop(0)
            turn = Turn(state, _of_file(mapping, state, losers, holder))
            yield turn
            reading.append(turn)
        for turn in list(reading):
            entry = next(turn.items, turn.state)
            if entry is turn.state:
                reading.remove(turn)
            yield entry


def _of_file(
    mapping: Mapping, state: FileState, losers_of: Losers, holder: Holder
) -> Iterator[Entry | None]:
    """Yield the items of one data file that are to be written, ``None`` for a block without one."""
    item_of = item_reader(state.file)
    losers = losers_of(state.file.key)
    begin = state.tally.line
    block = state.begin_block()
    for line, content in _lines_at_hand(holder, state.file):
        if line <= begin:
            continue
        outcome = mapping.apply(item_of(content))
        if isinstance(outcome, Kept):
            for ordinal, result in enumerate(outcome.results):
                if losers and (line, ordinal) in losers:
                    block.superseded += 1
                else:
                    block.handed_out += 1
                    yield Entry(state, block, line, ordinal, result)
        block.last = line
        if line % BLOCK_LINES == 0:
            block.is_full = True
            if not block.handed_out:
                yield None
            block = state.begin_block()
    block.is_full = True


def _lines_at_hand(holder: Holder, file: CheckedFile) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file that is at hand as long as they are read."""
    with held(holder, file):
        yield from read_lines(file)
