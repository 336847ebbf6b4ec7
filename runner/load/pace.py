"""The pace of a load: write units a second by the service's count, and backing off."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from random import Random

from retable.runner.clock import Clock

FIRST_BACKOFF_SECONDS = 0.05
LONGEST_BACKOFF_SECONDS = 20.0


class Pace:
    """A budget of write units: an estimate is deducted before a request, corrected afterwards."""

    def __init__(
        self, rate: int | None, clock: Clock, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        """Allow ``rate`` units a second; ``None`` allows any."""
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._left = float(rate or 0)
        self._units_per_item = 1.0
        self._seen = clock.monotonic()

    async def reserve(self, items: int) -> float:
        """Return the estimate deducted for ``items``, once the budget is not overdrawn.

        Concurrent requests would overdraw it together if each were deducted on its response only.
        """
        while self._rate is not None:
            self._refill(self._rate)
            if self._left > 0:
                break
            await self._sleep(min(1.0, -self._left / self._rate + 0.001))
        estimate = items * self._units_per_item
        self._left -= estimate
        return estimate

    def settle(self, estimate: float, units: Decimal, written: int) -> None:
        """Replace the estimate by what a request consumed, and improve the next estimate."""
        if written and not units:
            # An endpoint that does not report consumption: the estimate counts.
            return
        # A budget, not an item's number: a float's rounding does not matter to the pace.
        self._left += estimate - float(units)
        if written:
            self._units_per_item = float(units) / written

    def _refill(self, rate: int) -> None:
        """Add the units accrued since the last call, up to one second's worth."""
        now = self._clock.monotonic()
        self._left = min(float(rate), self._left + (now - self._seen) * rate)
        self._seen = now


def backoff_seconds(attempt: int, rng: Random) -> float:
    """Return how long to wait before a retry: full jitter over a doubling bound."""
    bound = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(attempt, 16))
    return rng.uniform(0, bound)
