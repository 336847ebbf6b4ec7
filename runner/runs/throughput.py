"""Records the throughput of a long load: its progress over time, and where it was throttled.

It is a ``Progress`` between the work and the one that shows it. It keeps a few hundred moments
however long the work takes: when there are too many, it drops every second one.
"""

from dataclasses import dataclass

from retable.runner.clock import Clock
from retable.runner.progress import Progress

THROUGHPUT = "throughput"
"""The journal event with the load's progress over time."""
MOST_MOMENTS = 480
FIRST_INTERVAL_SECONDS = 0.25
THROTTLED = "writes are throttled"
"""How a note about throttling begins."""

Moment = tuple[float, int, bool]
"""Seconds since the start, how much was done, whether writes were throttled meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """How far one process's load was when."""

    moments: tuple[Moment, ...]


class Recorder:
    """Passes progress through and records it over time."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        """Start now; ``progress`` gets every call too."""
        self._progress = progress
        self._clock = clock
        self._began = clock.monotonic()
        self._interval = FIRST_INTERVAL_SECONDS
        self._throttled = False
        self._latest: Moment | None = None
        self._moments: list[Moment] = []

    def start(self, step_id: str, title: str) -> None:
        """Pass it through."""
        self._progress.start(step_id, title)

    def finish(self, outcome: str) -> None:
        """Pass it through."""
        self._progress.finish(outcome)

    def note(self, text: str) -> None:
        """Pass it through; record it if it says that writes are throttled."""
        self._throttled = self._throttled or text.startswith(THROTTLED)
        self._progress.note(text)

    def advance(self, done: int, total: int | None, unit: str) -> None:
        """Pass it through; record it, if a moment is due."""
        seconds = self._clock.monotonic() - self._began
        self._latest = (seconds, done, self._throttled)
        if not self._moments or seconds - self._moments[-1][0] >= self._interval:
            self._moments.append(self._latest)
            self._throttled = False
            if len(self._moments) > MOST_MOMENTS:
                self._thin_out()
        self._progress.advance(done, total, unit)

    def moments(self) -> tuple[Moment, ...]:
        """Return the recorded moments, including the last advance."""
        kept = tuple(self._moments)
        if self._latest is None or kept[-1][1] == self._latest[1]:
            return kept
        return (*kept, self._latest)

    def _thin_out(self) -> None:
        """Drop every second moment, but keep whether writes were throttled then."""
        first, *rest = self._moments
        pairs = zip(rest[::2], rest[1::2], strict=False)
        joined = [(late[0], late[1], early[2] or late[2]) for early, late in pairs]
        odd = rest[-1:] if len(rest) % 2 else []
        self._moments = [first, *joined, *odd]
        self._interval *= 2
