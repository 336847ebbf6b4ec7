"""The journal: an append-only record of what a run did, the only record of its progress.

One JSON object a line, each with a checksum. A line counts once its newline is on disk, so a torn
last line, which a crash can leave, is dropped and its step runs again; damage anywhere else stops
the run. Effects come first and their records after, so every step must be idempotent (I2). It
holds no item data. What the records mean is defined by the steps, not here. A ``Shelf``, if
there is one, gets each record before the file does: what it refuses does not count.
"""

import errno
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from retable.runner.clock import Clock
from retable.runner.failure import CheckFailed, Stale, Stopped
from retable.runner.plan.facts import from_json, to_json
from retable.runner.plan.head import require_format
from retable.runner.plan.plan import FORMAT_VERSION
from retable.runner.plan.step import StepOf, evidence_of

T = TypeVar("T")
E = TypeVar("E")
DONE = "done"
"""The event that records a finished step and its evidence."""
INTENT = "intent"
"""The event that records what a step is about to change, before it does."""
REQUESTED = "requested"
"""The event that records the client token of a request, before it is sent."""
MAPPED, COMPARED = "mapped", "compared"
"""The events that record findings before they are judged."""
RUN = "run"
"""The step id of records about the run as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line: in step ``step``, ``event`` happened, with these facts."""

    number: int
    at: str
    step: str
    event: str
    data: Mapping[str, Any]
    token: int | None = None
    """Which holder of the run's lock wrote it, where the lock is shared by machines."""


class Shelf(Protocol):
    """What stores records besides the file, for runs that another machine may resume."""

    @property
    def token(self) -> int:
        """Return the number that distinguishes this holder of the run from earlier ones."""
        ...

    def settle(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield events and facts of the run to be recorded before any other record counts."""
        ...

    def put(self, number: int, line: bytes) -> None:
        """Store the record ``number``; raises ``Stopped`` where another runner has written it."""
        ...


class Journal:
    """The journal of one run, open for appending."""

    def __init__(
        self, path: Path, records: list[Record], clock: Clock, shelf: Shelf | None = None
    ) -> None:
        """Open ``path`` for appending after ``records``; use ``open_journal``."""
        self._records = records
        self._clock = clock
        self._path = path
        self._shelf = shelf
        # Unbuffered: what a full disk refused must not be tried again when the file is closed.
        self._file = path.open("ab", buffering=0)

    def __enter__(self) -> Self:
        """Return the journal itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file; everything in it is on disk already."""
        self._file.close()

    def record(self, step: str, event: str, data: Mapping[str, Any] | None = None) -> None:
        """Append one record and force it to disk.

        Raises:
            Stopped: the disk is full or fails, or the shelf refuses it; nothing may continue
                without its record.
        """
        if self._shelf is not None:
            for due, facts in self._shelf.settle():
                self._write(RUN, due, facts)
        self._write(step, event, data or {})

    def _write(self, step: str, event: str, data: Mapping[str, Any]) -> None:
        """Write one record to the shelf, then to the file."""
        record = Record(
            number=len(self._records) + 1,
            at=self._clock.now().isoformat(timespec="milliseconds"),
            step=step,
            event=event,
            data=dict(data),
            token=self._shelf.token if self._shelf is not None else None,
        )
        line = encode_record(record)
        if self._shelf is not None:
            self._shelf.put(record.number, line)
        try:
            self._append(line)
        except OSError as error:
            message = f"the journal {self._path} cannot be written: {error.strerror}"
            raise Stopped(message, "free up space, then resume; no step went unrecorded") from error
        self._records.append(record)

    @property
    def is_shelved(self) -> bool:
        """Return whether each record is also stored elsewhere, which takes a moment."""
        return self._shelf is not None

    def _append(self, line: bytes) -> None:
        """Write ``line`` whole and force it to disk."""
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._file.fileno())

    def records(self, step: str | None = None, event: str | None = None) -> list[Record]:
        """Return the records of ``step`` and ``event``, oldest first."""
        return [
            record
            for record in self._records
            if step in (None, record.step) and event in (None, record.event)
        ]

    def finish(self, step: StepOf[E], evidence: E) -> None:
        """Record that ``step`` is done, and its evidence; see ``record``."""
        expected = evidence_of(type(step))
        if not isinstance(evidence, expected):
            # Types alone do not say so: a step of any evidence is also one of ``object``.
            message = f"{type(evidence).__name__} is not the evidence of {type(step).__name__}"
            raise TypeError(message)
        self.record(step.id, DONE, to_json(evidence))

    def evidence(self, step: StepOf[E]) -> E | None:
        """Return the evidence of ``step``, or ``None`` if it is not finished; see ``fact_of``."""
        return evidence_in(self._records, step)

    def note(self, step: StepOf[Any], event: str, fact: object) -> None:
        """Record a frozen dataclass as what happened in ``step``; see ``record``."""
        self.record(step.id, event, to_json(fact))

    def noted(self, step: StepOf[Any], event: str, kind: type[T]) -> list[T]:
        """Return what ``note`` recorded of ``step``, oldest first; see ``fact_of``."""
        return [fact_of(record, kind) for record in self.records(step.id, event)]


def evidence_in(records: Sequence[Record], step: StepOf[E]) -> E | None:
    """Return the evidence of ``step`` that ``records`` hold; ``None`` if it is not finished."""
    return noted_in(records, step, DONE, evidence_of(type(step)))


def noted_in(records: Sequence[Record], step: StepOf[Any], event: str, kind: type[T]) -> T | None:
    """Return the latest fact that was noted for ``step`` and ``event``, if there is one."""
    for record in reversed(records):
        if (record.step, record.event) == (step.id, event):
            return fact_of(record, kind)
    return None


def fact_of(record: Record, kind: type[T]) -> T:
    """Return the ``kind`` that ``record`` holds.

    Raises:
        CheckFailed: it holds something else.
    """
    try:
        return from_json(record.data, kind)
    except Exception as error:  # cattrs raises groups of many kinds; all mean the same here
        message = f"a record of the journal is not a valid {kind.__name__}"
        raise CheckFailed(message, "restore the journal file, or start a new run") from error


def open_journal(path: Path, fingerprint: str, clock: Clock, shelf: Shelf | None = None) -> Journal:
    """Open the journal at ``path``, or create it, for the plan with this fingerprint.

    ``shelf`` has exactly the records that ``path`` has.

    Raises:
        Refused: another version of the program created it.
        Stale: it was created for another plan.
        CheckFailed: it is damaged elsewhere than in a torn last line.
    """
    records = _keep_whole_lines(path) if path.exists() else []
    opened = [record for record in records if (record.step, record.event) == (RUN, "opened")]
    if opened:
        require_format(path, opened[0].data.get("format_version"))
    if opened and opened[0].data.get("fingerprint") != fingerprint:
        message = f"{path} belongs to a plan with another fingerprint"
        raise Stale(message, "start a new run: the plan or the journal was replaced")
    journal = Journal(path, records, clock, shelf)
    if not opened:
        facts = {"fingerprint": fingerprint, "format_version": FORMAT_VERSION}
        journal.record(RUN, "opened", facts)
    return journal


def read_journal(path: Path) -> list[Record]:
    """Return the whole records of the journal at ``path`` without changing it.

    Raises:
        CheckFailed: it is damaged elsewhere than in a torn last line.
    """
    return [record for record, _ in _decode_all(path)]


def is_completed(records: list[Record]) -> bool:
    """Return whether the run completed."""
    return any(record.step == RUN and record.event == "completed" for record in records)


def is_ended(records: list[Record]) -> bool:
    """Return whether the run was rolled back, after which it cannot be resumed."""
    return any(record.step == RUN and record.event == "ended" for record in records)


def _keep_whole_lines(path: Path) -> list[Record]:
    """Return the whole records and cut a torn last line off the file."""
    decoded = list(_decode_all(path))
    end = decoded[-1][1] if decoded else 0
    if end < path.stat().st_size:
        with path.open("rb+") as file:
            file.truncate(end)
            os.fsync(file.fileno())
    return [record for record, _ in decoded]


def _decode_all(path: Path) -> Iterator[tuple[Record, int]]:
    """Yield each record and the offset after it; stop at a torn last line."""
    end = 0
    lines = path.read_bytes().splitlines(keepends=True)
    for index, line in enumerate(lines):
        record = decode_record(line) if line.endswith(b"\n") else None
        if record is None and index == len(lines) - 1:
            return
        if record is None or record.number != index + 1:
            message = f"{path} is damaged in line {index + 1} of {len(lines)}"
            raise CheckFailed(message, "restore the file; resuming over a gap could lose items")
        end += len(line)
        yield record, end


def encode_record(record: Record) -> bytes:
    """Return the line of ``record``: its JSON, with the CRC-32 of the rest as the last member."""
    body: dict[str, Any] = {
        "n": record.number,
        "at": record.at,
        "step": record.step,
        "event": record.event,
        "data": record.data,
    }
    if record.token is not None:
        body["token"] = record.token
    text = json.dumps(body, separators=(",", ":"), sort_keys=True)
    return f'{text[:-1]},"~crc":"{zlib.crc32(text.encode()):08x}"}}\n'.encode()


def decode_record(line: bytes) -> Record | None:
    """Return the record on ``line``, or ``None`` where it is torn or altered."""
    try:
        body = json.loads(line)
        crc = body.pop("~crc")
        text = json.dumps(body, separators=(",", ":"), sort_keys=True)
        if crc != f"{zlib.crc32(text.encode()):08x}":
            return None
        return Record(
            number=body["n"],
            at=body["at"],
            step=body["step"],
            event=body["event"],
            data=body["data"],
            token=body.get("token"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
