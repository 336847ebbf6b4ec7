"""The clock, passed in wherever time is needed, so no other module reads the system clock."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time functions that the program uses."""

    def now(self) -> datetime:
        """Return the time of day, in UTC. For records only; durations use ``monotonic``."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never jump."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the monotonic clock, in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
