"""The pace of a load: write units a second by the service's count, and backing off."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from random import Random

from retable.runner.clock import Clock

FIRST_BACKOFF_SECONDS = 0.05
LONGEST_BACKOFF_SECONDS = 20.0


class Pace:
    """A budget of write units. A guess is taken off it before a request, the truth afterwards."""

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
        """Return once the budget is not overdrawn, with what ``items`` are guessed to take off it.

        Requests under way at once would overdraw it together if each waited for its answer to pay.
        """
        while self._rate is not None:
            self._refill(self._rate)
            if self._left > 0:
                break
            await self._sleep(min(1.0, -self._left / self._rate + 0.001))
        guess = items * self._units_per_item
        self._left -= guess
        return guess

    def settle(self, guess: float, units: Decimal, written: int) -> None:
        """Put what a request really consumed in place of the guess, and guess better next time."""
        if written and not units:
            # An endpoint that does not say what it consumed: the guess stands for it.
            return
        # A budget, not an item's number: a float's rounding moves the pace by nothing that matters.
        self._left += guess - float(units)
        if written:
            self._units_per_item = float(units) / written

    def _refill(self, rate: int) -> None:
        """Add what has become due since the last look, up to one second's worth."""
        now = self._clock.monotonic()
        self._left = min(float(rate), self._left + (now - self._seen) * rate)
        self._seen = now


def backoff_seconds(attempt: int, rng: Random) -> float:
    """Return how long to wait before trying again: full jitter over a doubling bound."""
    bound = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(attempt, 16))
    return rng.uniform(0, bound)
