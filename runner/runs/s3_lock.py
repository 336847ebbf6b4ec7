"""The lock on a table that runners on any machine see: an object in S3, written conditionally.

It names its holder and carries the heartbeat; each holder has a greater token than the one before.
It is never deleted, only released, so that tokens never start again. A lock that is not renewed is
stale, but is broken only on request: its holder may be alive and cut off. A holder whose process is
known to have ended no longer holds the lock, as with a lock of the operating system.
"""

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from retable.runner.aws.objects import Seen
from retable.runner.clock import Clock
from retable.runner.failure import Failure, Stopped
from retable.runner.runs.holder import Process, has_ended

HEARTBEAT_SECONDS = 15.0
UNSURE_SECONDS = 60.0
"""A holder that could not renew its lock for so long stops: others may soon assume it dead."""
STALE_SECONDS = 90.0
"""A lock not renewed for so long may be broken. More than ``UNSURE_SECONDS``, with time to stop."""
MAX_RACES = 3


class Conditional(Protocol):
    """The S3 calls that a lock needs."""

    def look(self, bucket: str, key: str) -> Seen | None:
        """Return a small object, or ``None`` if there is none."""
        ...

    def put_if(self, bucket: str, key: str, body: bytes, etag: str | None) -> str | None:
        """Store it if the object still has that ETag; return the new ETag, or ``None``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The content of the lock."""

    table: str
    run: str
    owner: str
    """Unique to a holder, whatever the name of its machine."""
    token: int
    since: str
    process: Process
    beats: int = 0
    released: bool = False


class S3Lock:
    """The lock on one table, as one runner sees it."""

    def __init__(self, objects: Conditional, bucket: str, key: str, clock: Clock) -> None:
        """Use the lock at ``key`` of ``bucket``; ``acquire`` takes it."""
        self._objects = objects
        self._place = bucket, key
        self._clock = clock
        self._mutex = threading.Lock()
        self._claim: Claim | None = None
        self._etag: str | None = None
        self._renewed = self._now()
        self._lost: Stopped | None = None

    @property
    def claim(self) -> Claim:
        """Return our claim; the lock must have been acquired."""
        if self._claim is None:
            raise TypeError(self._claim)
        return self._claim

    @property
    def lost(self) -> Stopped | None:
        """Return why the lock is no longer ours; ``None`` if it is."""
        return self._lost

    def acquire(
        self,
        table: str,
        run: str,
        process: Process,
        *,
        break_stale: bool,
        note: Callable[[str], None],
    ) -> None:
        """Take the lock.

        With ``break_stale`` it waits until the lock is stale or is renewed; ``note`` is called with
        a message about the wait.

        Raises:
            Stopped: another runner holds it, or may.
        """
        for _ in range(MAX_RACES):
            seen = self._objects.look(*self._place)
            held = None if seen is None else _decode(seen.body)
            if seen is not None and held is not None:
                if break_stale:
                    seen = self._watched(seen, held, note)
                    held = _decode(seen.body)
                _require_takable(held, seen, break_stale=break_stale)
            claim = Claim(
                table=table,
                run=run,
                owner=uuid.uuid4().hex,
                token=(held.token if held else 0) + 1,
                since=self._clock.now().isoformat(timespec="seconds"),
                process=process,
            )
            if self._store(claim, seen.etag if seen else None):
                return
        message = f"several runners tried to lock {table} at once"
        raise Stopped(message, "start one of them again")

    def require(self, *, fresh: bool = False) -> None:
        """Check that the lock is held; ``fresh`` asks S3, otherwise a recent answer is enough.

        Raises:
            Stopped: it is lost, or cannot be renewed.
        """
        if self._lost is not None:
            raise self._lost
        if fresh or self._age() > UNSURE_SECONDS:
            self.renew()

    def lose(self, why: Stopped) -> Stopped:
        """Mark the lock as lost, as proved elsewhere, and return ``why``."""
        self._lost = self._lost or why
        return why

    def renew(self) -> None:
        """Renew the lock: show that we are alive.

        Raises:
            Stopped: the lock is lost, or S3 does not answer.
        """
        with self._mutex:
            claim = replace(self.claim, beats=self.claim.beats + 1)
            if self._lost is None and not self._store(claim, self._etag):
                seen = self._objects.look(*self._place)
                self._lost = _lost(claim, _decode(seen.body) if seen else None)
            if self._lost is not None:
                raise self._lost

    def release(self) -> None:
        """Release the lock, if it is still ours."""
        with self._mutex:
            if self._lost is None:
                self._store(replace(self.claim, released=True), self._etag)

    def beat(self) -> Stopped | None:
        """Renew the lock if it is due; return why the holder must stop, if it must."""
        if self._age() < HEARTBEAT_SECONDS:
            return None
        try:
            self.renew()
        except Failure as failure:
            if self._lost is None and self._age() > UNSURE_SECONDS:
                message = f"the lock on {self.claim.table} could not be renewed: {failure.message}"
                self._lost = Stopped(message, failure.hint)
        return self._lost

    def _store(self, claim: Claim, etag: str | None) -> bool:
        """Replace the object that has this ETag with ``claim``; return whether it was replaced."""
        sent = self._now()
        stored = self._objects.put_if(*self._place, _encode(claim), etag)
        if stored is None:
            return False
        self._claim, self._etag, self._renewed = claim, stored, sent
        return True

    def _watched(self, seen: Seen, held: Claim, note: Callable[[str], None]) -> Seen:
        """Wait until the lock is free or stale, or is renewed; return it."""
        end = self._clock.monotonic() + STALE_SECONDS
        while not _is_free(held) and seen.age_seconds < STALE_SECONDS:
            if self._clock.monotonic() >= end:
                break
            note(f"waiting to see whether run {held.run} on {held.process.host} is alive")
            self._clock.sleep(min(HEARTBEAT_SECONDS, STALE_SECONDS - seen.age_seconds))
            now = self._objects.look(*self._place)
            if now is None or now.etag != seen.etag:
                return now or seen
            seen = now
        return seen

    def _age(self) -> float:
        """Return how long ago the lock was renewed, by the greater of both clocks.

        The monotonic clock stands still while the machine sleeps.
        """
        return max(now - then for now, then in zip(self._now(), self._renewed, strict=True))

    def _now(self) -> tuple[float, float]:
        return self._clock.monotonic(), self._clock.now().timestamp()


def _is_free(held: Claim) -> bool:
    return held.released or has_ended(held.process)


def _require_takable(held: Claim, seen: Seen, *, break_stale: bool) -> None:
    """Raise Stopped unless the lock may be taken."""
    is_stale = seen.age_seconds >= STALE_SECONDS
    if not _is_free(held) and not (is_stale and break_stale):
        raise _taken(held, seen)


def _taken(held: Claim, seen: Seen) -> Stopped:
    """Return the failure that names the holder of the lock."""
    message = (
        f"{held.table} is being rebuilt by run {held.run} on {held.process.host} (process "
        f"{held.process.pid}) since {held.since}; its last heartbeat was "
        f"{max(0, int(seen.age_seconds))} s ago"
    )
    if seen.age_seconds < STALE_SECONDS:
        return Stopped(message, "wait for it to end")
    return Stopped(message, "if you know that it is dead, add --break-lock")


def _lost(claim: Claim, now: Claim | None) -> Stopped:
    """Return the failure for a holder that has lost the lock."""
    by = f"run {now.run} on {now.process.host} holds it" if now else "it was removed"
    message = f"this runner has lost its lock on {claim.table}: {by}"
    return Stopped(message, "this runner stopped before its next change")


def _encode(claim: Claim) -> bytes:
    return json.dumps(asdict(claim), indent=1).encode()


def _decode(body: bytes) -> Claim:
    """Return the claim in a lock.

    Raises:
        Stopped: it is not a claim.
    """
    try:
        fields = json.loads(body)
        return Claim(**{**fields, "process": Process(**fields["process"])})
    except (ValueError, KeyError, TypeError) as error:
        message = "the lock in S3 was not written by this version"
        raise Stopped(message, "check the objects under locks/ of --state") from error
