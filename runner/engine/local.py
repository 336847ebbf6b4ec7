"""The local engine: maps data files into a ledger, one process per core, one file at a time each.

It does not know what the mapping does or how the ledger is queried. Memory use is constant: a file
is streamed, and its results go to disk as they come.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import wait as wait_for
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Protocol

from retable.runner.disk import not_written
from retable.runner.engine.profile import IndexKeys, Profile, stride
from retable.runner.engine.rejects import RejectWriter
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.item_lines import item_reader
from retable.runner.export.lines import stream_lines
from retable.runner.export.spool import IN_PLACE, Holder, in_turn
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.ledger.write_ledger import LedgerWriter
from retable.runner.progress import Progress
from retable.transforms.item_outcome import Dropped, Kept, Outcome, Rejected

SMALL_EXPORT_ITEMS = 20_000
"""Below this, starting other processes takes longer than they save."""
TICK_SECONDS = 0.25
TICK_ITEMS = 500
WRITTEN = frozenset([".parquet", ".jsonl", ".part"])
"""What a pass leaves in its folders; the next one starts by removing it."""

Watch = Callable[[int], None]
"""Called with the number of items mapped since the last call."""


class LineMapping(Protocol):
    """Maps a line; it must pickle, and never raises."""

    def apply(self, line: bytes, /) -> Outcome:
        """Return the outcome for ``line``, one exported item as ``{"Item": …}``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The number of items by outcome. ``results`` counts target items, the others source items."""

    read: int = 0
    kept: int = 0
    dropped: int = 0
    rejected: int = 0
    results: int = 0
    profile: Profile = field(default_factory=Profile, compare=False, repr=False)
    """The attributes and indexes of the items that were profiled."""

    def __add__(self, other: "Tally") -> "Tally":
        """Return the sum of both."""
        profile = Profile()
        profile.merge(self.profile)
        profile.merge(other.profile)
        return Tally(
            read=self.read + other.read,
            kept=self.kept + other.kept,
            dropped=self.dropped + other.dropped,
            rejected=self.rejected + other.rejected,
            results=self.results + other.results,
            profile=profile,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One data file, and the files for its results."""

    number: int
    file: CheckedFile
    ledger: Path
    rejects: Path
    items: int
    """How many of the file's items to map, starting with the first."""
    before: int
    """How many items of other files come before its own."""
    every: int
    """The profile takes every ``every``-th item."""
    indexes: IndexKeys


def map_files(  # noqa: PLR0913 -- what, where to, and how
    mapping: LineMapping,
    files: Sequence[CheckedFile],
    ledger: Path,
    rejects: Path,
    *,
    processes: int,
    progress: Progress,
    holder: Holder = IN_PLACE,
    sample: int | None = None,
    indexes: IndexKeys | None = None,
) -> Tally:
    """Map every line of ``files`` into ``ledger``; rejected lines go to ``rejects`` as well.

    ``holder`` makes the files available while they are read. With ``sample``, only that many lines
    are mapped in all: the first of each file, which a native export orders by the hash of the key.
    The profile counts the entries of ``indexes``.

    Each data file has its own part in both folders, named by its index in the sorted list, so that
    another run gives the same files (I7). A part appears under its name only when complete; one
    without rejects has no file in ``rejects``.

    Raises:
        CheckFailed: a file is not the one that was checked.
        Stopped: a worker process died, or the disk is full.
    """
    _clear(ledger, WRITTEN)
    _clear(rejects, WRITTEN)
    ordered = sorted(files, key=lambda file: file.key)
    quotas = list(_quotas([file.live for file in ordered], sample))
    total = sum(quotas)
    parts = [
        Part(
            number=number,
            file=file,
            ledger=ledger / f"{number:05d}.parquet",
            rejects=rejects / f"{number:05d}.jsonl",
            items=quotas[number],
            before=sum(quotas[:number]),
            every=stride(total),
            indexes=dict(indexes or {}),
        )
        for number, file in enumerate(ordered)
    ]
    processes = min(processes, len(parts))
    try:
        if processes <= 1 or total < SMALL_EXPORT_ITEMS:
            return _map_here(mapping, parts, holder, total, progress)
        pool = _Pool(mapping, parts, processes, holder)
        return pool.map(total, progress)
    except BaseException:
        # A worker that was killed could not remove its partial files.
        _clear(ledger, frozenset([".part"]))
        _clear(rejects, frozenset([".part"]))
        raise


def map_part(mapping: LineMapping, part: Part, watch: Watch) -> Tally:
    """Map one data file and return its tally, which covers every line that counts.

    Raises:
        CheckFailed: the file is not the one that was checked.
        Stopped: it cannot be read, or the disk is full.
    """
    try:
        with (
            LedgerWriter(part.ledger, part.file.key) as ledger,
            RejectWriter(part.rejects) as rejects,
        ):
            tally = _map_lines(mapping, part, ledger, rejects, watch)
    except OSError as error:
        raise not_written(error, part.ledger) from error
    if tally.read != part.items:
        message = (
            f"data file {part.file.key}: {tally.read:,} items were mapped; expected {part.items:,}"
        )
        raise CheckFailed(message)
    return tally


def _map_lines(
    mapping: LineMapping,
    part: Part,
    ledger: LedgerWriter,
    rejects: RejectWriter,
    watch: Watch,
) -> Tally:
    """Map the first ``part.items`` lines of one data file."""
    kept = dropped = rejected = results = unreported = 0
    file, profile = part.file, Profile()
    item_of = item_reader(file)
    lines = stream_lines(file, ledger.add_outdated)
    if part.items < file.live:
        lines = islice(lines, part.items)
    for number, line in lines:
        item = item_of(line)
        outcome = mapping.apply(item)
        ledger.add(number, line, outcome)
        match outcome:
            case Kept():
                kept += 1
                results += len(outcome.results)
            case Dropped():
                dropped += 1
            case Rejected():
                rejected += 1
                rejects.add(file.key, number, line, outcome)
        if (part.before + number) % part.every == 0:
            profile.add(item, outcome, part.indexes)
        unreported += 1
        if unreported == TICK_ITEMS:
            watch(unreported)
            unreported = 0
    watch(unreported)
    read = kept + dropped + rejected
    return Tally(
        read=read, kept=kept, dropped=dropped, rejected=rejected, results=results, profile=profile
    )


def _quotas(counts: Sequence[int], sample: int | None) -> Iterator[int]:
    """Yield how many items of each file are mapped: all, or its share of ``sample``."""
    total = sum(counts)
    quota = total if sample is None else min(sample, total)
    seen = taken = 0
    for count in counts:
        seen += count
        # The proportional share of all items so far: so the shares add up to the quota.
        due = quota * seen // total if total else 0
        yield due - taken
        taken = due


def _clear(folder: Path, suffixes: frozenset[str]) -> None:
    """Create ``folder``, and remove files with these suffixes left by an earlier pass."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.suffix in suffixes:
                path.unlink()
    except OSError as error:
        raise not_written(error, folder) from error


def _map_here(
    mapping: LineMapping, parts: Sequence[Part], holder: Holder, total: int, progress: Progress
) -> Tally:
    """Map every part in this process."""
    done = 0

    def watch(more: int) -> None:
        nonlocal done
        done += more
        progress.advance(done, total, "items")

    tally = Tally()
    held_files = in_turn(holder, [part.file for part in parts])
    for part, _ in zip(parts, held_files, strict=True):
        tally += map_part(mapping, part, watch)
    return tally


class _Shared:
    """What the worker processes share: their progress, the files they hold, when to stop."""

    def __init__(self, context: SpawnContext, parts: int) -> None:
        self.mapped = context.Value("q", 0)
        self.held = context.Array("b", parts)
        self.stop: Event = context.Event()

    def watch(self, more: int) -> None:
        """Count ``more`` items; stop if the result is no longer needed."""
        with self.mapped.get_lock():
            self.mapped.value += more
        if self.stop.is_set():
            raise _NotNeeded


class _NotNeeded(BaseException):
    """The result of this process is no longer needed; its partial files are discarded."""


class _Worker:
    """What a worker process was started with."""

    mapping: LineMapping
    shared: _Shared


class _Pool:
    """Worker processes, and the parts that they map, the largest first.

    Only one part more than there are workers is submitted, so that no more files than that are held
    at once, and the next one is available when a worker finishes.
    """

    def __init__(
        self, mapping: LineMapping, parts: Sequence[Part], processes: int, holder: Holder
    ) -> None:
        # Forked workers would inherit the locks of DuckDB and Arrow without their threads.
        context = multiprocessing.get_context("spawn")
        self._shared = _Shared(context, len(parts))
        self._pool = ProcessPoolExecutor(
            processes, context, initializer=_start_worker, initargs=(mapping, self._shared)
        )
        self._parts = parts
        self._processes = processes
        self._holder = holder
        self._waiting = sorted(parts, key=lambda part: part.items)
        self._running: dict[Future[Tally], Part] = {}

    def map(self, total: int, progress: Progress) -> Tally:
        """Map every part and return the tally of all."""
        tally = Tally()
        try:
            # A worker must not see the Ctrl-C that its parent handles, not even while it starts.
            with _interrupts_blocked():
                self._submit()
            while self._running:
                ended, _ = wait(self._running, TICK_SECONDS, return_when=FIRST_COMPLETED)
                progress.advance(self._shared.mapped.value, total, "items")
                for future in ended:
                    tally += future.result()
                    self._holder.give(self._running.pop(future).file)
                self._submit()
        except BrokenProcessPool as error:
            raise self._died() from error
        finally:
            self._shared.stop.set()
            self._pool.shutdown(wait=True, cancel_futures=True)
            for part in self._running.values():
                self._holder.give(part.file)
        return tally

    def _submit(self) -> None:
        """Submit one part per worker, and one more."""
        while self._waiting and len(self._running) <= self._processes:
            part = self._waiting.pop()
            self._holder.take(part.file)
            self._running[self._pool.submit(_work, part)] = part

    def _died(self) -> Stopped:
        """Return the failure for a worker that was killed."""
        held_by_workers = [part.file.key for part in self._parts if self._shared.held[part.number]]
        message = (
            f"a worker process died while mapping {' or '.join(held_by_workers) or 'nothing yet'}"
        )
        return Stopped(message, "it may have run out of memory; resume with fewer cores")


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C in this thread and in the processes that it starts meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(mapping: LineMapping, shared: _Shared) -> None:
    """Prepare a worker process: it ignores Ctrl-C, and ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Worker.mapping = mapping
    _Worker.shared = shared
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process once its parent has ended: a killed parent cannot stop it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _work(part: Part) -> Tally:
    """Map one part in a worker process."""
    shared = _Worker.shared
    shared.watch(0)
    shared.held[part.number] = True
    tally = map_part(_Worker.mapping, part, shared.watch)
    shared.held[part.number] = False
    return tally
