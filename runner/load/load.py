"""Loading by BatchWriteItem: every item is written or quarantined, however the table answers.

Throttles and what is left unprocessed are tried again without a limit that would drop data; an
item that spoils its batch is found by halving; what cannot be helped by asking again stops the
load, which goes on later with the files that are not done.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import aiohttp

from retable.runner.aws.session import Aws
from retable.runner.clock import Clock
from retable.runner.export.check import CheckedFile
from retable.runner.failure import Stopped
from retable.runner.load.client import Answer, BatchClient, Kind
from retable.runner.load.pace import Pace, backoff_seconds
from retable.runner.load.quarantine import Quarantine
from retable.runner.load.source import Entry, FileState, Losers, entries
from retable.runner.progress import Progress
from retable.schema.spec import KeySchema
from retable.transforms.canonical import canonical_key
from retable.transforms.mapping import Mapping

MAX_BATCH_ITEMS = 25
"""BatchWriteItem's limit."""
MAX_BATCH_BYTES = 12_000_000
"""Below BatchWriteItem's 16 MB, with room for JSON's escapes."""
CONCURRENCY = 16
"""Requests under way at once."""
IDLE_SECONDS = 300.0
"""How long no item at all may get through before the load stops, to be resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTally:
    """What became of the items of one data file."""

    file: str
    loaded: int
    superseded: int
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What to load, where to, and how."""

    aws: Aws
    mapping: Mapping
    files: Sequence[CheckedFile]
    table: str
    key: KeySchema
    rate: int | None
    """Write units a second; ``None`` is as fast as the table allows."""
    done_files: frozenset[str]
    """Keys of data files that an earlier process finished."""
    skip: Losers
    on_file_done: Callable[[FileTally], None]
    """Called once all of a file's items are written or quarantined, and on disk as such."""
    quarantine: Path
    progress: Progress
    clock: Clock
    rng: Random
    total: int
    """How many items there are, for progress alone."""
    idle_seconds: float = IDLE_SECONDS


def load_items(request: LoadRequest) -> None:
    """Write every item of the files that are not done. Writing an item again is harmless (I2).

    Raises:
        Stopped: the credentials, the permissions, the table or the network stand in the way, or
            nothing got through for ``idle_seconds``. What was written stays.
        CheckFailed: a data file is not the one that was checked.
    """
    try:
        asyncio.run(_Load(request).run())
    except BaseExceptionGroup as group:
        # The task group wraps what its tasks raise; the first of them is why the load ended.
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


class _Load:
    """One load under way."""

    def __init__(self, request: LoadRequest) -> None:
        self._request = request
        self._quarantine = Quarantine(request.quarantine, request.done_files)
        self._pace = Pace(request.rate, request.clock)
        self._room = asyncio.Semaphore(CONCURRENCY)
        self._last_success = request.clock.monotonic()
        self._settled = sum(
            file.item_count for file in request.files if file.key in request.done_files
        )

    async def run(self) -> None:
        """Read, batch and write until everything is settled."""
        states = [
            FileState(file=file)
            for file in self._request.files
            if file.key not in self._request.done_files
        ]
        connector = aiohttp.TCPConnector(limit=CONCURRENCY)
        async with (
            aiohttp.ClientSession(connector=connector, auto_decompress=False) as http,
            asyncio.TaskGroup() as group,
        ):
            client = BatchClient(http, self._request.aws, self._request.table)
            batch: list[Entry] = []
            for found in entries(self._request.mapping, states, self._request.skip):
                if isinstance(found, FileState):
                    self._report_if_done(found)
                    continue
                if not _fits(batch, found):
                    await self._send(client, batch, group)
                    batch = []
                batch.append(found)
                found.state.outstanding += 1
            if batch:
                await self._send(client, batch, group)

    async def _send(
        self, client: BatchClient, batch: list[Entry], group: asyncio.TaskGroup
    ) -> None:
        """Hand a batch over as soon as there is room for one more."""
        await self._room.acquire()

        async def write() -> None:
            try:
                await self._write(client, batch)
            finally:
                self._room.release()

        group.create_task(write())

    async def _write(self, client: BatchClient, batch: list[Entry]) -> None:
        """Write a batch until each of its items is settled."""
        pending = batch
        attempt = 0
        while pending:
            guess = await self._pace.reserve(len(pending))
            answer = await client.put([entry.result.item_json for entry in pending])
            written = 0
            if answer.kind is Kind.WRITTEN:
                written = len(pending) - len(answer.unprocessed)
            self._pace.settle(guess, answer.units, written)
            if answer.kind is Kind.POISONED:
                await self._halve(client, pending, answer.code)
                return
            left = self._unsettled(pending, answer)
            attempt = 0 if len(left) < len(pending) else attempt + 1
            pending = left
            if pending:
                self._require_movement(answer)
                await asyncio.sleep(backoff_seconds(attempt, self._request.rng))

    async def _halve(self, client: BatchClient, batch: list[Entry], code: str) -> None:
        """Find the items that spoil the batch, and write the others."""
        if len(batch) == 1:
            entry = batch[0]
            self._quarantine.add(
                entry.state.file.key, entry.line, entry.ordinal, entry.result, code
            )
            entry.state.quarantined += 1
            self._settle(entry)
            return
        middle = len(batch) // 2
        await self._write(client, batch[:middle])
        await self._write(client, batch[middle:])

    def _unsettled(self, pending: list[Entry], answer: Answer) -> list[Entry]:
        """Settle what was written and return the rest."""
        if answer.kind is not Kind.WRITTEN:
            return pending
        left = {canonical_key(item, self._request.key) for item in answer.unprocessed}
        for entry in pending:
            if entry.result.key not in left:
                entry.state.loaded += 1
                self._settle(entry)
        return [entry for entry in pending if entry.result.key in left]

    def _settle(self, entry: Entry) -> None:
        """Take one item off the file's account."""
        self._last_success = self._request.clock.monotonic()
        self._settled += 1
        entry.state.outstanding -= 1
        self._request.progress.advance(self._settled, self._request.total, "items")
        self._report_if_done(entry.state)

    def _report_if_done(self, state: FileState) -> None:
        """Tell when every item of a file is accounted for."""
        if state.is_done:
            self._request.on_file_done(
                FileTally(
                    file=state.file.key,
                    loaded=state.loaded,
                    superseded=state.superseded,
                    quarantined=state.quarantined,
                )
            )

    def _require_movement(self, answer: Answer) -> None:
        """Say why it waits, and stop where nothing gets through any more."""
        why = answer.code or "unprocessed items"
        self._request.progress.note(f"the table holds back: {why}")
        waited = self._request.clock.monotonic() - self._last_success
        if waited > self._request.idle_seconds:
            message = f"no item got into {self._request.table} for {int(waited)} s ({why})"
            raise Stopped(message, "raise the table's capacity, or wait")


def _fits(batch: list[Entry], entry: Entry) -> bool:
    """Return whether ``entry`` may join ``batch``: one batch must not hold a key twice."""
    if len(batch) >= MAX_BATCH_ITEMS:
        return False
    if any(other.result.key == entry.result.key for other in batch):
        return False
    size = sum(len(other.result.item_json) for other in batch) + len(entry.result.item_json)
    return not batch or size <= MAX_BATCH_BYTES
