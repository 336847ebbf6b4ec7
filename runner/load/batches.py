"""The items to load: the kept items of several data files, interleaved and in batches.

One data file holds one range of the old table's hash space. Reading one file after another would
make one partition of the new table hot after another, so several are read in turns.

All of this may run between a table's responses: one step takes no longer than reading a stretch of
lines, except for beginning a file, which is left to the caller.
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
from retable.transforms.item_outcome import Kept
from retable.transforms.mapping import Mapping

OPEN_FILES = 8
"""How many data files are read in turns."""
MAX_BATCH_ITEMS = 25
"""BatchWriteItem's limit."""
SHUFFLED_LINES = 1_000
SHUFFLED_BYTES = 16_000_000
"""How much is read ahead, except for the last block, so that neighbours are not written together.

Lines are read ahead, not the items made from them: a line is a single object."""
BLOCK_BYTES = 2_000_000
MAX_BATCH_BYTES = 1_000_000
"""Far below BatchWriteItem's 16 MB: larger requests gain nothing, and are copied several times."""
ENTRY_BYTES = 1_000
"""About the memory that an item takes beside its JSON, until it is written."""

Losers = Callable[[str], frozenset[tuple[int, int]]]
"""Returns the (line, ordinal) of a file's results that lost a collision."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Items for one request, no key twice, and the files that have none after them."""

    entries: list[Entry] = field(default_factory=list)
    ended: list[FileState] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Return about how many bytes of memory the items take."""
        return sum([len(entry.result.item_json) + ENTRY_BYTES for entry in self.entries])


Line = tuple["Turn", Block, int, bytes]
"""One line of a data file, which makes zero or more items: its file, block, number and content."""


class Turn:
    """A data file to read next: call ``begin`` before the next step."""

    def __init__(self, state: FileState, losers: Losers, holder: Holder) -> None:
        """Read nothing yet."""
        self.state = state
        self.item_of = item_reader(state.file)
        self.losers = frozenset[tuple[int, int]]()
        """The (line, ordinal) of results that must not be written, known after ``begin``."""
        self.is_over = False
        """Whether all its lines are read."""
        self._losers_of = losers
        self._lines = _held_lines(holder, state.file)

    def begin(self) -> None:
        """Fetch the file, prove its bytes, find its first line and its losers. This takes a while.

        Raises:
            CheckFailed: it is not the data file that was checked.
            Stopped: it cannot be fetched.
        """
        self.losers = self._losers_of(self.state.file.key)
        mark = self.state.tally.line
        rest = dropwhile(lambda line: line[0] <= mark, self._lines)
        self._lines = chain(list(islice(rest, 1)), rest)

    def block(self) -> list[Line]:
        """Read the next block of lines; a block that is not full is the last one.

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
    """Lines of several files, mapped one after another, and the files that end with them."""

    lines: list[Line] = field(default_factory=list)
    ended: list[FileState] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Return how many bytes its lines have."""
        return sum([len(content) for _, _, _, content in self.lines])


Step = Entry | FileState | Turn | None
"""A step: an item, a file that has no more items, a file to begin, or lines without an item."""


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


def entries_of(steps: Iterable[Step]) -> Iterator[Entry]:
    """Yield only the items; begin each file at once, for callers that may block meanwhile."""
    for step in steps:
        if isinstance(step, Turn):
            step.begin()
        elif isinstance(step, Entry):
            yield step


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


def shuffled(source: Iterable[Stretch | Turn], rng: Random) -> Iterator[Stretch | Turn]:
    """Yield what ``source`` yields, with the lines of each stretch in random order.

    Neighbours in an export are neighbours in the old table's hash space, and often in the new one.
    """
    for one in source:
        if isinstance(one, Stretch):
            # A random sort key takes a third of the time of ``shuffle``.
            one.lines.sort(key=lambda _: rng.random())
        yield one


def mapped_lines(mapping: Mapping, source: Iterable[Stretch | Turn]) -> Iterator[Step]:
    """Yield the items that lines map to, and ``None`` after many lines without one."""
    without = 0
    for one in source:
        if isinstance(one, Turn):
            yield one
            continue
        one.lines.reverse()
        while one.lines:
            # Popped, so that a line is not kept in memory once it is mapped.
            turn, block, number, content = one.lines.pop()
            outcome = mapping.apply(turn.item_of(content))
            results = outcome.results if isinstance(outcome, Kept) else ()
            # All at once: between two of them the block must not appear closed.
            block.dispatched += len(results)
            block.unmapped -= 1
            without += 1
            for ordinal, result in enumerate(results):
                if turn.losers and (number, ordinal) in turn.losers:
                    block.dispatched -= 1
                    block.superseded += 1
                else:
                    without = 0
                    yield Entry(turn.state, block, number, ordinal, result)
            if without == BLOCK_LINES:
                without = 0
                yield None
        yield from one.ended


def in_batches(steps: Iterator[Step]) -> Iterator[Batch | Turn]:
    """Yield ``steps`` in batches that fit one request; a batch may be empty."""
    batch, keys, size = Batch(), set[str](), 0
    for step in steps:
        if not isinstance(step, Entry):
            if isinstance(step, FileState):
                batch.ended.append(step)
            else:
                yield Batch() if step is None else step
            continue
        key, length = step.result.key, len(step.result.item_json)
        full = len(keys) == MAX_BATCH_ITEMS or key in keys or size + length > MAX_BATCH_BYTES
        if full and keys:
            yield batch
            batch, keys, size = Batch(), set(), 0
        batch.entries.append(step)
        keys.add(key)
        size += length
    yield batch


def _held_lines(holder: Holder, file: CheckedFile) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file, which is kept available while they are read."""
    with held(holder, file):
        yield from read_lines(file)
