"""Computes a step's rate and its time left from the progress that it reports."""

from collections import deque

from retable.runner.clock import Clock
from retable.runner.text.figures import amount, duration

WINDOW_SECONDS = 30
"""The rate is that of the last half minute, so that throttling shows quickly."""
SAMPLE_SECONDS = 0.5
ETA_FROM = 0.01
"""Below one part in a hundred, an estimate of the time left misleads more than it helps."""
SECONDS_UNITS = frozenset({"s", "seconds"})
"""Units of time, for which a rate makes no sense."""


class Meter:
    """Measures one step."""

    def __init__(self, clock: Clock) -> None:
        """Start measuring now."""
        self._clock = clock
        self._begun = clock.monotonic()
        self._samples: deque[tuple[float, int]] = deque()

    @property
    def elapsed(self) -> float:
        """Return the seconds since the step began."""
        return self._clock.monotonic() - self._begun

    def reading(self, done: int, total: int | None, unit: str) -> str:
        """Record the step's progress and return it as text: amount, share, rate, time left."""
        rate = self._rate(done)
        if total is None:
            parts = [amount(done, unit)]
        else:
            start = amount(done, unit) if unit == "bytes" else f"{done:,}"
            parts = [f"{start} of {amount(total, unit)}"]
        if total:
            parts.append(f"{100 * done // total} %")
        if rate and unit not in SECONDS_UNITS:
            parts.append(f"{amount(rate, unit)}/s")
        if rate and total and ETA_FROM <= done / total < 1:
            parts.append(f"{duration((total - done) / rate)} left")
        return " · ".join(parts)

    def _rate(self, done: int) -> float | None:
        """Return the rate per second over the window; ``None`` until it is known."""
        now = self._clock.monotonic()
        samples = self._samples
        # What a step did before it was resumed does not count: the first sample is the baseline.
        if not samples or now - samples[-1][0] >= SAMPLE_SECONDS:
            samples.append((now, done))
        while len(samples) > 1 and now - samples[1][0] >= WINDOW_SECONDS:
            samples.popleft()
        first_time, first_done = samples[0]
        if now <= first_time or done <= first_done:
            return None
        return (done - first_done) / (now - first_time)
