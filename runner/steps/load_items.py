"""Loads every kept item of the export into the target."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from retable.runner.failure import CheckFailed
from retable.runner.ledger.questions import Ledger
from retable.runner.load.batch_write import LoadRequest, load_items
from retable.runner.load.progress_account import FileTally
from retable.runner.plan.target_steps import ItemsLoaded, LoadItems
from retable.runner.runs.throughput import THROUGHPUT, Recorder, Throughput
from retable.runner.steps.check_export import holder_of
from retable.runner.steps.create_table import require_created_table
from retable.runner.steps.merge_exports import merged_files
from retable.runner.steps.world import World

MARK_SECONDS = 10.0
"""The least time between two marks of a file where records are kept in S3."""
FILE_MARK = "file-mark"
"""The event that journals up to which line of a data file all items are written or quarantined."""
FILE_DONE = "file-done"
"""The event that journals one data file whose items are all written or quarantined."""


def load(step: LoadItems, world: World) -> ItemsLoaded:
    """Write the items, file by file; files that were journaled as done are not written again.

    Raises:
        Stopped: an external failure stopped the load; resuming continues with the unfinished files.
        CheckFailed: the table refused more items than ``max_rejects`` allows.
    """
    table = require_created_table(step.create, world)
    mapped = world.plan.at(step.dry_run)
    ledger = Ledger(world.folder.expected(mapped.role))
    with _throughput(step, world) as progress:
        request = LoadRequest(
            aws=world.aws,
            mapping=world.mapping,
            files=merged_files(mapped.check, world),
            table=table.name,
            key=world.plan.key,
            rate=step.rate,
            on_conflict=step.on_conflict,
            done_files=frozenset(done.file for done in _files_done(step, world)),
            skip=ledger.losers,
            on_file_done=lambda tally: _journal(step, FILE_DONE, tally, world),
            on_file_mark=_marker(step, world),
            marks=_marks(step, world),
            quarantine=load_quarantine(world.folder.quarantine),
            progress=progress,
            clock=world.clock,
            rng=world.random,
            holder=holder_of(mapped.check, world),
            total=world.evidence(step.dry_run).results,
        )
        load_items(request)
    return _sums(step, world)


def load_quarantine(quarantine: Path) -> Path:
    """Return the file of items that the table itself refused."""
    return quarantine / "load.jsonl"


@contextmanager
def _throughput(step: LoadItems, world: World) -> Iterator[Recorder]:
    """Measure how fast items are written, and record it even where the load does not finish.

    A load that is killed leaves no such record, so its report has no line for that time.
    """
    recorder = Recorder(world.progress, world.clock)
    try:
        yield recorder
    finally:
        world.journal.note(step, THROUGHPUT, Throughput(moments=recorder.moments()))


def _marker(step: LoadItems, world: World) -> Callable[[FileTally], None]:
    """Return what records marks.

    Where each record is a request, marks are rare: they only save writing items again.
    """
    marked: dict[str, float] = {}
    pause = MARK_SECONDS if world.journal.is_shelved else 0.0

    def mark(tally: FileTally) -> None:
        now = world.clock.monotonic()
        if now - marked.get(tally.file, float("-inf")) >= pause:
            _journal(step, FILE_MARK, tally, world)
            marked[tally.file] = now

    return mark


def _journal(step: LoadItems, event: str, tally: FileTally, world: World) -> None:
    """Record how far one data file is accounted for."""
    world.journal.note(step, event, tally)


def _marks(step: LoadItems, world: World) -> dict[str, FileTally]:
    """Return how far each data file got that an earlier process began; the last record counts."""
    done = {tally.file for tally in _files_done(step, world)}
    tallies = world.journal.noted(step, FILE_MARK, FileTally)
    return {tally.file: tally for tally in tallies if tally.file not in done}


def _files_done(step: LoadItems, world: World) -> list[FileTally]:
    """Return the tally of every data file that is done."""
    return world.journal.noted(step, FILE_DONE, FileTally)


def _sums(step: LoadItems, world: World) -> ItemsLoaded:
    """Return what became of all items, over every process that took part in the load."""
    done = _files_done(step, world)
    sums = ItemsLoaded(
        loaded=sum(tally.loaded for tally in done),
        superseded=sum(tally.superseded for tally in done),
        quarantined=sum(tally.quarantined for tally in done),
    )
    results = world.evidence(step.dry_run).results
    if sums.loaded + sums.superseded + sums.quarantined != results:
        message = (
            f"{sums.loaded:,} loaded + {sums.superseded:,} superseded + "
            f"{sums.quarantined:,} quarantined are not the {results:,} items to load"
        )
        raise CheckFailed(message)
    return sums
