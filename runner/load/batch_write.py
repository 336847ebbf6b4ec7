"""Loading by BatchWriteItem: every item is written or quarantined, however the table answers.

Throttled and unprocessed items are retried without a limit that would drop data. An item that makes
its batch fail is found by halving. An error that a retry cannot fix stops the load, which can be
resumed with the files that are not done.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

from retable.runner.aws.session import Aws
from retable.runner.clock import Clock, SystemClock
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.spool import IN_PLACE, Holder
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.load.batches import Batch, Losers, Turn, batches
from retable.runner.load.client import ACCOUNT_LIMIT, HOT_RANGE, Answer, BatchClient, Kind
from retable.runner.load.in_flight import MOST_REQUESTS, Room
from retable.runner.load.interrupt import Halt, Halted, halted_by_signals
from retable.runner.load.pace import Pace, backoff_seconds
from retable.runner.load.pool import Pool
from retable.runner.load.progress_account import Entry, FileState, FileTally, settle
from retable.runner.load.quarantine import Quarantine
from retable.runner.load.route import route_to
from retable.runner.progress import Progress
from retable.schema.reasons import Reason
from retable.schema.spec import KeySchema
from retable.transforms.canonical import canonical_key
from retable.transforms.describe import describe_item
from retable.transforms.mapping import Mapping as ItemMapping

IDLE_SECONDS = 300.0
"""How long no item at all may be written before the load stops, to be resumed."""
HOPELESS_ITEMS = 100
"""After so many items refused and none accepted, the table is wrong, not the items."""
CHECKPOINT_LINES = 2_000
"""How far a file's mark moves before it is journaled. A kill repeats at most so many lines, beside
the requests in flight."""
NOTE_SECONDS = 10.0
"""How often progress reports that writes are still throttled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What to load, where and how."""

    aws: Aws
    mapping: ItemMapping
    files: Sequence[CheckedFile]
    table: str
    key: KeySchema
    rate: int | None
    """Write units a second; ``None`` is as fast as the table allows."""
    on_conflict: Literal["overwrite", "keep", "fail"]
    """What happens to another item with the same key that is in the table."""
    done_files: frozenset[str]
    """Keys of the data files that an earlier process finished."""
    marks: Mapping[str, FileTally]
    """How far an earlier process got with files that are not done, by key."""
    on_file_mark: Callable[[FileTally], None]
    """Called as a file's mark advances; everything up to it is written or durably quarantined."""
    skip: Losers
    on_file_done: Callable[[FileTally], None]
    """Called once all of a file's items are written or durably quarantined."""
    quarantine: Path
    progress: Progress
    clock: Clock
    rng: Random
    total: int
    """How many items there are, for progress alone."""
    holder: Holder = IN_PLACE
    """What makes the data files available while they are read."""
    idle_seconds: float = IDLE_SECONDS


def load_items(request: LoadRequest) -> None:
    """Write every item of the files that are not done. It is idempotent (I2).

    Raises:
        Stopped: the credentials, the permissions, the table or the network prevent it, or nothing
            was written for ``idle_seconds``. Items that were written stay.
        CheckFailed: a data file is not the one that was checked.
        KeyboardInterrupt: Ctrl-C or SIGTERM arrived. Requests in flight have ended and what they
            wrote is journaled.
    """
    try:
        asyncio.run(_Load(request).run())
    except BaseExceptionGroup as group:
        # The task group wraps its tasks' exceptions; the first one is why the load ended.
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


class _Load:
    """One load in progress."""

    def __init__(self, request: LoadRequest) -> None:
        self._request = request
        self._quarantine = Quarantine(
            request.quarantine,
            request.done_files,
            {key: mark.line for key, mark in request.marks.items()},
        )
        self._halt = Halt()
        self._room = Room()
        self._pace = Pace(request.rate, request.clock, self._halt.sleep)
        self._last_write = request.clock.monotonic()
        self._last_note = float("-inf")
        self._loaded = 0
        self._quarantined = 0
        self._settled = sum(
            file.item_count for file in request.files if file.key in request.done_files
        ) + sum(mark.items for mark in request.marks.values())

    async def run(self) -> None:
        """Read, batch and write until everything is settled."""
        task = asyncio.current_task()
        if task is None:
            raise TypeError(task)
        aws = self._request.aws
        pool = Pool(route_to(aws), MOST_REQUESTS)
        with halted_by_signals(self._halt, task):
            async with aclosing(pool), asyncio.TaskGroup() as group:
                client = BatchClient(pool, aws, self._request.table, SystemClock())
                await self._dispatch(client, group)
        if self._halt.is_requested:
            raise asyncio.CancelledError

    async def _dispatch(self, client: BatchClient, group: asyncio.TaskGroup) -> None:
        """Start writing batches as there is room, until there are none or the load must end."""
        states = [
            FileState(file, self._request.marks.get(file.key))
            for file in self._request.files
            if file.key not in self._request.done_files
        ]
        source = batches(
            self._request.mapping,
            states,
            self._request.skip,
            self._request.rng,
            self._request.holder,
        )
        for step in source:
            if isinstance(step, Turn):
                # In a thread: a large file takes a while, and responses must not wait for it.
                await asyncio.to_thread(step.begin)
            else:
                self._note_ended(step)
                if step.entries:
                    size = step.size
                    await self._room.acquire(size)
                    group.create_task(self._write_and_release(client, step.entries, size))
                # Reading never yields to the event loop, so responses are handled here.
                await asyncio.sleep(0)
            if self._halt.is_requested:
                return

    def _note_ended(self, batch: Batch) -> None:
        """Note the files that have no items after this batch."""
        for state in batch.ended:
            state.is_read = True
            self._report(state)

    async def _write_and_release(self, client: BatchClient, batch: list[Entry], size: int) -> None:
        """Write a batch and release its room of ``size`` bytes."""
        try:
            if self._request.on_conflict == "overwrite":
                await self._write(client, batch)
            else:
                for entry in batch:
                    await self._write_new(client, entry)
        except Halted:
            # Unwritten items stay open in their file's tally, so the file is not done.
            return
        finally:
            self._room.release(size)

    async def _write(self, client: BatchClient, batch: list[Entry]) -> None:
        """Write a batch until each of its items is settled.

        Raises:
            Halted: the load must end.
            Stopped: a retry cannot help.
        """
        began = self._request.clock.monotonic()
        pending = batch
        attempt = 0
        while pending:
            answer = await self._put(client, pending)
            if answer.kind is Kind.POISONED:
                await self._halve(client, pending, answer.code)
                return
            left = self._unsettled(pending, answer)
            attempt = 0 if len(left) < len(pending) else attempt + 1
            pending = left
            if pending:
                self._require_progress(began, answer)
                await self._wait(backoff_seconds(attempt, self._request.rng), answer)

    async def _write_new(self, client: BatchClient, entry: Entry) -> None:
        """Write an item unless another one with its key exists.

        An equal one was written by this run, before a kill or before a response that was lost.

        Raises:
            CheckFailed: another item exists, and the spec says ``fail``.
            Halted: the load must end.
            Stopped: a retry cannot help.
        """
        began = self._request.clock.monotonic()
        attempt = 0
        while True:
            answer = await self._sent(
                client.put_new(entry.result.item_json, self._request.key.partition.name), [entry]
            )
            match answer.kind:
                case Kind.WRITTEN:
                    self._loaded += 1
                    self._settle([entry], "loaded")
                    return
                case Kind.CONFLICT:
                    self._resolve_conflict(entry, answer)
                    return
                case Kind.POISONED:
                    await self._halve(client, [entry], answer.code)
                    return
                case _:
                    attempt += 1
                    self._require_progress(began, answer)
                    await self._wait(backoff_seconds(attempt, self._request.rng), answer)

    def _resolve_conflict(self, entry: Entry, answer: Answer) -> None:
        """Settle an item whose key already exists."""
        existing = answer.unprocessed[0] if answer.unprocessed else {}
        if existing and describe_item(existing, self._request.key).digest == entry.result.digest:
            self._loaded += 1
            self._settle([entry], "loaded")
            return
        if self._request.on_conflict == "fail":
            message = (
                f"{self._request.table} holds another item with the key {entry.result.key}, "
                f"which is on line {entry.line} of {entry.state.file.key}"
            )
            raise CheckFailed(message, "set load.on_conflict to keep or overwrite to continue")
        self._quarantine.add(entry, answer.code, Reason.KEPT_EXISTING)
        self._settle([entry], "quarantined")

    async def _wait(self, seconds: float, answer: Answer) -> None:
        """Wait before a batch is retried.

        If one key range is hot, the batch lends its place to others, whose keys are elsewhere.
        """
        if HOT_RANGE not in answer.reasons:
            await self._halt.sleep(seconds)
            return
        self._room.lend()
        try:
            await self._halt.sleep(seconds)
        finally:
            self._room.reclaim()

    async def _put(self, client: BatchClient, pending: list[Entry]) -> Answer:
        """Write the pending items as one batch."""
        return await self._sent(client.put([entry.result.item_json for entry in pending]), pending)

    async def _sent(self, request: Coroutine[Any, Any, Answer], pending: list[Entry]) -> Answer:
        """Send a request for ``pending`` within the pace, and adapt to its answer."""
        try:
            estimate = await self._pace.reserve(len(pending))
            self._halt.check()
        except BaseException:
            request.close()
            raise
        sent = self._request.clock.monotonic()
        answer = await request
        written = 0
        if answer.kind is Kind.WRITTEN:
            written = len(pending) - len(answer.unprocessed)
        self._pace.settle(estimate, answer.units, written)
        if answer.kind is Kind.WRITTEN and not answer.unprocessed:
            self._room.on_success(self._request.clock.monotonic() - sent)
        elif answer.kind not in {Kind.POISONED, Kind.CONFLICT}:
            self._room.on_throttle(hard=ACCOUNT_LIMIT in answer.reasons)
        return answer

    async def _halve(self, client: BatchClient, batch: list[Entry], code: str) -> None:
        """Find the items that make the batch fail, and write the others."""
        if len(batch) == 1:
            self._quarantine.add(batch[0], code)
            self._quarantined += 1
            self._settle(batch, "quarantined")
            self._require_any_accepted(code)
            return
        middle = len(batch) // 2
        await self._write(client, batch[:middle])
        await self._write(client, batch[middle:])

    def _unsettled(self, pending: list[Entry], answer: Answer) -> list[Entry]:
        """Settle what was written and return the rest."""
        if answer.kind is not Kind.WRITTEN:
            return pending
        if not answer.unprocessed:
            self._loaded += len(pending)
            self._settle(pending, "loaded")
            return []
        left = {canonical_key(item, self._request.key) for item in answer.unprocessed}
        rest = [entry for entry in pending if entry.result.key in left]
        if len(rest) != len(answer.unprocessed):
            # It lists items that were not sent, so it does not say which of ours are left.
            return pending
        done = [entry for entry in pending if entry.result.key not in left]
        self._loaded += len(done)
        self._settle(done, "loaded")
        return rest

    def _settle(self, entries: list[Entry], outcome: Literal["loaded", "quarantined"]) -> None:
        """Count items in their files' tallies."""
        if not entries:
            return
        self._last_write = self._request.clock.monotonic()
        self._settled += len(entries)
        settle(entries, outcome)
        for state in {entry.state for entry in entries}:
            self._report(state)
        self._request.progress.advance(self._settled, self._request.total, "items")

    def _report(self, state: FileState) -> None:
        """Report when every item of a file is settled, and now and then how far the file is."""
        if state.close():
            self._request.on_file_done(state.tally)
        elif state.tally.line >= state.reported_line + CHECKPOINT_LINES:
            state.reported_line = state.tally.line
            self._request.on_file_mark(state.tally)

    def _require_progress(self, began: float, answer: Answer) -> None:
        """Report why the load waits, and stop if nothing is written any more.

        Raises:
            Stopped: nothing was for ``idle_seconds``, and the batch has been retried for as long.
        """
        why = ", ".join(sorted(answer.reasons)) or answer.code or "unprocessed items"
        now = self._request.clock.monotonic()
        if now - self._last_note >= NOTE_SECONDS:
            self._request.progress.note(
                f"writes are throttled ({why}): {self._room.limit} requests at once"
            )
            self._last_note = now
        idle = now - max(began, self._last_write)
        if idle > self._request.idle_seconds:
            message = f"no items were written to {self._request.table} for {int(idle)} s ({why})"
            raise Stopped(message, "raise the table's capacity, or wait")

    def _require_any_accepted(self, code: str) -> None:
        """Stop if the table refuses one item after another and has accepted none.

        Raises:
            Stopped: all items would be quarantined for a fault of the table.
        """
        none_accepted = not self._loaded and not self._request.done_files
        if none_accepted and self._quarantined >= HOPELESS_ITEMS:
            message = (
                f"{self._request.table} refused the first {self._quarantined} items and accepted "
                f"none ({code})"
            )
            raise Stopped(message, "check its keys and indexes, then resume")
