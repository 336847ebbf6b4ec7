"""The throughput of long work: how far it was when, and where it was held back.

A watcher like any other, between the work and the one that shows it. It keeps a few hundred moments
however long the work takes: when there are too many, every second one is let go.
"""

from retable.runner.clock import Clock
from retable.runner.progress import Progress

THROUGHPUT = "throughput"
"""The event that journals how far the load was when."""
MOST_MOMENTS = 480
FIRST_INTERVAL_SECONDS = 0.25
HELD_BACK = "writes are throttled"
"""How a note begins that tells of throttling."""

Moment = tuple[float, int, bool]
"""Seconds since the beginning, how much was done, whether the table held back before."""


class Recorder:
    """Hands on what it is told and remembers how far the work was."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        """Begin now; ``progress`` is told everything too."""
        self._progress = progress
        self._clock = clock
        self._began = clock.monotonic()
        self._interval = FIRST_INTERVAL_SECONDS
        self._held = False
        self._latest: Moment | None = None
        self._moments: list[Moment] = []

    def start(self, step_id: str, title: str) -> None:
        """Hand it on."""
        self._progress.start(step_id, title)

    def finish(self, outcome: str) -> None:
        """Hand it on."""
        self._progress.finish(outcome)

    def note(self, text: str) -> None:
        """Hand it on; remember if the table holds back."""
        self._held = self._held or text.startswith(HELD_BACK)
        self._progress.note(text)

    def advance(self, done: int, total: int | None, unit: str) -> None:
        """Hand it on; remember how far it is, if it is time to."""
        seconds = self._clock.monotonic() - self._began
        self._latest = (seconds, done, self._held)
        if not self._moments or seconds - self._moments[-1][0] >= self._interval:
            self._moments.append(self._latest)
            self._held = False
            if len(self._moments) > MOST_MOMENTS:
                self._thin_out()
        self._progress.advance(done, total, unit)

    def moments(self) -> tuple[Moment, ...]:
        """Return what was remembered, the last advance included."""
        kept = tuple(self._moments)
        if self._latest is None or kept[-1][1] == self._latest[1]:
            return kept
        return (*kept, self._latest)

    def _thin_out(self) -> None:
        """Let every second moment go, but not that the table held back then."""
        first, *rest = self._moments
        pairs = zip(rest[::2], rest[1::2], strict=False)
        joined = [(late[0], late[1], early[2] or late[2]) for early, late in pairs]
        odd = rest[-1:] if len(rest) % 2 else []
        self._moments = [first, *joined, *odd]
        self._interval *= 2
