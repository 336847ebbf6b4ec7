"""The local engine: maps data files into a ledger, a process per core, one file at a time each.

It knows nothing of what the mapping does, nor what the ledger is asked. Memory stays flat: a file
is streamed, and its results go to disk as they come.
"""

import base64
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any, BinaryIO, Self

from retable.runner.export.check import CheckedFile
from retable.runner.export.lines import read_lines
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.ledger.write import LedgerWriter
from retable.runner.progress import Progress
from retable.transforms.mapping import Mapping
from retable.transforms.outcome import Dropped, Kept, Rejected

SMALL_EXPORT_ITEMS = 20_000
"""Below this, starting other processes takes longer than they save."""
TICK_SECONDS = 0.25
TICK_ITEMS = 500

Watch = Callable[[int], None]
"""Called with how many more items were mapped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many items went which way. ``results`` counts target items, the others source items."""

    read: int = 0
    kept: int = 0
    dropped: int = 0
    rejected: int = 0
    results: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Return both together."""
        return Tally(
            read=self.read + other.read,
            kept=self.kept + other.kept,
            dropped=self.dropped + other.dropped,
            rejected=self.rejected + other.rejected,
            results=self.results + other.results,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One data file and the files that its results go to."""

    file: CheckedFile
    ledger: Path
    rejects: Path


_shared: dict[str, Any] = {}
"""What a worker process was started with: the mapping and the counter."""


def map_files(  # noqa: PLR0913 -- what, where to, and how
    mapping: Mapping,
    files: Sequence[CheckedFile],
    ledger: Path,
    rejects: Path,
    *,
    processes: int,
    progress: Progress,
) -> Tally:
    """Map every line of ``files`` into ``ledger``; rejected lines go to ``rejects`` as well.

    Each data file has a part of its own in both folders, named by its place in the sorted list, so
    that running again gives the same files (I7). A part appears under its name only when whole.

    Raises:
        CheckFailed: a file is not the one that was checked.
        Stopped: a worker process died.
    """
    for folder in (ledger, rejects):
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.iterdir():
            stale.unlink()
    ordered = sorted(files, key=lambda file: file.key)
    parts = [
        Part(
            file=file,
            ledger=ledger / f"{number:05d}.parquet",
            rejects=rejects / f"{number:05d}.jsonl",
        )
        for number, file in enumerate(ordered)
    ]
    total = sum(file.item_count for file in files)
    if processes == 1 or total < SMALL_EXPORT_ITEMS:
        return _map_here(mapping, parts, total, progress)
    return _map_in_processes(mapping, parts, total, processes, progress)


def map_part(mapping: Mapping, part: Part, watch: Watch) -> Tally:
    """Map one data file and return its tally, which must cover every item of the manifest.

    Raises:
        CheckFailed: the file is not the one that was checked.
    """
    kept = dropped = rejected = results = 0
    unseen = 0
    with LedgerWriter(part.ledger) as writer, _Rejects(part.rejects) as refused:
        for number, line in read_lines(part.file):
            outcome = mapping.apply(line)
            writer.add(part.file.key, number, line, outcome)
            match outcome:
                case Kept():
                    kept += 1
                    results += len(outcome.results)
                case Dropped():
                    dropped += 1
                case Rejected():
                    rejected += 1
                    refused.add(part.file.key, number, line, outcome)
            unseen += 1
            if unseen == TICK_ITEMS:
                watch(unseen)
                unseen = 0
    watch(unseen)
    read = kept + dropped + rejected
    if read != part.file.item_count:
        message = f"data file {part.file.key}: {read:,} of {part.file.item_count:,} items mapped"
        raise CheckFailed(message)
    return Tally(read=read, kept=kept, dropped=dropped, rejected=rejected, results=results)


class _Rejects:
    """The rejected lines of one data file, as JSON lines; absent where there are none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_suffix(".part")
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def add(self, source_file: str, number: int, line: bytes, outcome: Rejected) -> None:
        """Write one rejected line with its reason."""
        entry: dict[str, Any] = {
            "source_file": source_file,
            "source_line": number,
            "reason": outcome.reason,
            "detail": outcome.detail,
        }
        try:
            entry["line"] = line.decode("utf-8")
        except UnicodeDecodeError:
            entry["line_base64"] = base64.b64encode(line).decode()
        if self._file is None:
            self._file = self._part.open("wb")
        self._file.write(json.dumps(entry).encode() + b"\n")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._file is None:
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink()


def _map_here(mapping: Mapping, parts: list[Part], total: int, progress: Progress) -> Tally:
    """Map every part in this process."""
    done = 0

    def watch(more: int) -> None:
        nonlocal done
        done += more
        progress.advance(done, total, "items")

    tally = Tally()
    for part in parts:
        tally += map_part(mapping, part, watch)
    return tally


def _map_in_processes(
    mapping: Mapping, parts: list[Part], total: int, processes: int, progress: Progress
) -> Tally:
    """Map the parts in ``processes`` worker processes, the largest first."""
    # Forked workers would inherit the threads of DuckDB and Arrow half alive.
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    pool = ProcessPoolExecutor(
        min(processes, len(parts)), context, initializer=_start_worker, initargs=(mapping, counter)
    )
    largest_first = sorted(parts, key=lambda part: -part.file.item_count)
    running = {pool.submit(_work, part): part for part in largest_first}
    try:
        tally = Tally()
        for future in _as_they_end(running, counter, total, progress):
            tally += future.result()
    except BrokenProcessPool as error:
        broken = [part.file.key for future, part in running.items() if not future.done()]
        message = f"a worker process died while it mapped {', '.join(broken[:1]) or 'a data file'}"
        raise Stopped(
            message, "it may have run out of memory; resume, or use fewer cores"
        ) from error
    except BaseException:
        # Ctrl-C or a failure: there is no public way to stop running work before Python 3.14.
        for worker in list((pool._processes or {}).values()):  # noqa: SLF001
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return tally


def _as_they_end(
    running: dict[Future[Tally], Part],
    counter: "Synchronized[int]",
    total: int,
    progress: Progress,
) -> Iterator[Future[Tally]]:
    """Yield each future as it ends, telling how far all of them are in between."""
    waiting = set(running)
    while waiting:
        ended, waiting = wait(waiting, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
        progress.advance(counter.value, total, "items")
        yield from ended


def _start_worker(mapping: Mapping, counter: "Synchronized[int]") -> None:
    """Prepare a worker process; Ctrl-C is its parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _shared["mapping"] = mapping
    _shared["counter"] = counter


def _work(part: Part) -> Tally:
    """Map one part in a worker process."""
    counter = _shared["counter"]

    def watch(more: int) -> None:
        with counter.get_lock():
            counter.value += more

    return map_part(_shared["mapping"], part, watch)
