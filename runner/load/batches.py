"""What is to be loaded: the kept items of several data files, interleaved and in batches.

One data file holds one stretch of the old table's hash space. Read one after another they would
make one hot partition of the new table after another, so several are read in turns.

All of this may run between the answers of a table: one step takes no longer than reading a stretch
of lines, but for beginning a file, which is left to whoever takes the steps.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, dropwhile, islice
from random import Random

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.item_lines import item_reader
from retable.runner.export.lines import read_lines
from retable.runner.export.spool import IN_PLACE, Holder, held
from retable.runner.load.progress_account import BLOCK_LINES, Block, Entry, FileState
from retable.transforms.mapping import Mapping
from retable.transforms.outcome import Kept

OPEN_FILES = 8
"""How many data files are read in turns."""
MAX_BATCH_ITEMS = 25
"""BatchWriteItem's limit."""
SHUFFLED_LINES = 1_000
SHUFFLED_BYTES = 16_000_000
"""How much is read ahead, but for the last block, so that neighbours are not written together.

Lines are, not items made of them: a line is one object, which lies still until its turn comes."""
BLOCK_BYTES = 2_000_000
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
        return sum([len(entry.result.item_json) + ENTRY_BYTES for entry in self.entries])


Line = tuple["Turn", Block, int, bytes]
"""One line of a data file, which may or may not make items: whose, in which block, its number."""


class Turn:
    """A data file whose turn has come: ``begin`` it before the next step is taken."""

    def __init__(self, state: FileState, losers: Losers, holder: Holder) -> None:
        """Read nothing yet."""
        self.state = state
        self.item_of = item_reader(state.file)
        self.losers = frozenset[tuple[int, int]]()
        """The (line, ordinal) of results that are not to be written, known once it is begun."""
        self.is_over = False
        """Whether all its lines are read."""
        self._losers_of = losers
        self._lines = _lines_at_hand(holder, state.file)

    def begin(self) -> None:
        """Fetch the file, prove its bytes, find its first line and its losers: it takes a while.

        Raises:
            CheckFailed: it is not the data file that was checked.
            Stopped: it cannot be had.
        """
        self.losers = self._losers_of(self.state.file.key)
        mark = self.state.tally.line
        found = dropwhile(lambda line: line[0] <= mark, self._lines)
        self._lines = chain(list(islice(found, 1)), found)

    def block(self) -> list[Line]:
        """Read the next block of lines; the one that is not full is the last.

        Raises:
            CheckFailed: it is not the data file that was checked.
        """
        block = Block()
        lines: list[Line] = []
        size = number = 0
        for number, content in islice(self._lines, BLOCK_LINES):
            lines.append((self, block, number, content))
            size += len(content)
            if size > BLOCK_BYTES:
                break
        else:
            self.is_over = len(lines) < BLOCK_LINES
        if lines:
            block.last = number
            block.unmapped = len(lines)
            self.state.begin(block)
        return lines


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines of several files that are mapped one after another, and the files that end there."""

    lines: list[Line] = field(default_factory=list)
    ended: list[FileState] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Return how many bytes its lines have."""
        return sum([len(content) for _, _, _, content in self.lines])


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
    read = shuffled(in_turns(states, losers, holder), rng)
    yield from in_batches(mapped_lines(mapping, read))


def entries_of(found: Iterable[Found]) -> Iterator[Entry]:
    """Yield the items alone, for those who have nothing else to do while a file is begun."""
    for one in found:
        if isinstance(one, Turn):
            one.begin()
        elif isinstance(one, Entry):
            yield one


def in_turns(
    states: Sequence[FileState], losers: Losers, holder: Holder
) -> Iterator[Stretch | Turn]:
    """Yield the lines of a few files in turns."""
    waiting = deque(states)
    reading = deque[Turn]()
    while waiting or reading:
        while waiting and len(reading) < OPEN_FILES:
            turn = Turn(waiting.popleft(), losers, holder)
            yield turn
            reading.append(turn)
        stretch = Stretch()
        while reading and len(stretch.lines) < SHUFFLED_LINES and stretch.size < SHUFFLED_BYTES:
            stretch.lines.extend(reading[0].block())
            if reading[0].is_over:
                stretch.ended.append(reading.popleft().state)
            else:
                reading.rotate(-1)
        yield stretch


def shuffled(found: Iterable[Stretch | Turn], rng: Random) -> Iterator[Stretch | Turn]:
    """Yield what is ``found``, the lines of each stretch in another order.

    Neighbours in an export are neighbours in the old table's hash space, and often in the new one.
    """
    for one in found:
        if isinstance(one, Stretch):
            # By a key each: a third of what ``shuffle`` takes.
            one.lines.sort(key=lambda _: rng.random())
        yield one


def mapped_lines(mapping: Mapping, found: Iterable[Stretch | Turn]) -> Iterator[Found]:
    """Yield the items that lines make, ``None`` for many lines without one."""
    without = 0
    for one in found:
        if isinstance(one, Turn):
            yield one
            continue
        one.lines.reverse()
        while one.lines:
            # Taken out, so that a line is not held any longer than until it is mapped.
            turn, block, number, content = one.lines.pop()
            outcome = mapping.apply(turn.item_of(content))
            results = outcome.results if isinstance(outcome, Kept) else ()
            # All at once: between two of them the block must not seem to be settled.
            block.handed_out += len(results)
            block.unmapped -= 1
            without += 1
            for ordinal, result in enumerate(results):
                if turn.losers and (number, ordinal) in turn.losers:
                    block.handed_out -= 1
                    block.superseded += 1
                else:
                    without = 0
                    yield Entry(turn.state, block, number, ordinal, result)
            if without == BLOCK_LINES:
                without = 0
                yield None
        yield from one.ended


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


def _lines_at_hand(holder: Holder, file: CheckedFile) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file that is at hand as long as they are read."""
    with held(holder, file):
        yield from read_lines(file)
