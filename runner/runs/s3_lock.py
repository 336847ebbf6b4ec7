"""The lock on a table that runners on any machine see: an object in S3, written under conditions.

It names its holder and tells of its heartbeat; each holder has a greater token than the one before.
It is never removed, only given back, so that tokens never start anew. A lock that nobody renews is
stale, but is broken only where that is asked for: its holder may be alive and cut off. A holder
whose process is known to have ended holds nothing, as with a lock of the system's own.
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
"""A holder that could not renew its lock for so long stops: someone may soon take it for dead."""
STALE_SECONDS = 90.0
"""A lock not renewed for so long may be broken. More than ``UNSURE_SECONDS``, with time to stop."""
MAX_RACES = 3


class Conditional(Protocol):
    """S3, as far as a lock needs it."""

    def look(self, bucket: str, key: str) -> Seen | None:
        """Return a small object, or ``None`` where there is none."""
        ...

    def put_if(self, bucket: str, key: str, body: bytes, etag: str | None) -> str | None:
        """Store it if it is still the one with that ETag; return its new one, or ``None``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the lock says."""

    table: str
    run: str
    owner: str
    """No two holders share it, whatever their machines are called."""
    token: int
    since: str
    process: Process
    beats: int = 0
    released: bool = False


class S3Lock:
    """The lock on one table, seen by one runner."""

    def __init__(self, objects: Conditional, bucket: str, key: str, clock: Clock) -> None:
        """Look for the lock at ``key`` of ``bucket``; ``acquire`` takes it."""
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
        """Return what the lock says of us; it must have been acquired."""
        if self._claim is None:
            raise TypeError(self._claim)
        return self._claim

    @property
    def lost(self) -> Stopped | None:
        """Return why the lock is not ours any more, if it is not."""
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

        With ``break_stale`` a lock that is not yet stale is watched until it is, or until it is
        renewed; ``note`` is told of the wait.

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
        message = f"several runners want {table} at once"
        raise Stopped(message, "start one of them again")

    def require(self, *, fresh: bool = False) -> None:
        """Go on only with the lock in hand; ``fresh`` asks S3, else a recent answer will do.

        Raises:
            Stopped: it is lost, or cannot be renewed.
        """
        if self._lost is not None:
            raise self._lost
        if fresh or self._age() > UNSURE_SECONDS:
            self.renew()

    def lose(self, why: Stopped) -> Stopped:
        """Take it as lost, for there is proof elsewhere, and return ``why``."""
        self._lost = self._lost or why
        return why

    def renew(self) -> None:
        """Tell that we are alive.

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
        """Give the lock back, if it is still ours."""
        with self._mutex:
            if self._lost is None:
                self._store(replace(self.claim, released=True), self._etag)

    def beat(self) -> Stopped | None:
        """Renew the lock if it is time to; return why the holder must stop, if it must."""
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
        """Write ``claim`` in place of what has this ETag; return whether that is done."""
        asked = self._now()
        stored = self._objects.put_if(*self._place, _encode(claim), etag)
        if stored is None:
            return False
        self._claim, self._etag, self._renewed = claim, stored, asked
        return True

    def _watched(self, seen: Seen, held: Claim, note: Callable[[str], None]) -> Seen:
        """Return the lock once it is free or stale, or was renewed."""
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

        The one that never jumps stands still while the machine sleeps.
        """
        return max(now - then for now, then in zip(self._now(), self._renewed, strict=True))

    def _now(self) -> tuple[float, float]:
        return self._clock.monotonic(), self._clock.now().timestamp()


def _is_free(held: Claim) -> bool:
    return held.released or has_ended(held.process)


def _require_takable(held: Claim, seen: Seen, *, break_stale: bool) -> None:
    """See that a lock may be taken; raises Stopped."""
    is_stale = seen.age_seconds >= STALE_SECONDS
    if not _is_free(held) and not (is_stale and break_stale):
        raise _taken(held, seen)


def _taken(held: Claim, seen: Seen) -> Stopped:
    """Return the failure that names who holds the lock."""
    message = (
        f"{held.table} is being rebuilt by run {held.run} on {held.process.host} (process "
        f"{held.process.pid}) since {held.since}; its last heartbeat was "
        f"{max(0, int(seen.age_seconds))} s ago"
    )
    if seen.age_seconds < STALE_SECONDS:
        return Stopped(message, "wait for it to end")
    return Stopped(message, "if you know that it is dead, add --break-lock")


def _lost(claim: Claim, now: Claim | None) -> Stopped:
    """Return the failure of a holder that the lock was taken from."""
    by = f"run {now.run} on {now.process.host} holds it" if now else "it was removed"
    message = f"this runner has lost its lock on {claim.table}: {by}"
    return Stopped(message, "nothing more was done here")


def _encode(claim: Claim) -> bytes:
    return json.dumps(asdict(claim), indent=1).encode()


def _decode(body: bytes) -> Claim:
    """Return what a lock says.

    Raises:
        Stopped: it is none.
    """
    try:
        fields = json.loads(body)
        return Claim(**{**fields, "process": Process(**fields["process"])})
    except (ValueError, KeyError, TypeError) as error:
        message = "the lock in S3 is not one of this version"
        raise Stopped(message, "look at what lies under locks/ of --state") from error
