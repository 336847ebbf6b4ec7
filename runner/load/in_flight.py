"""How many requests may be in flight at once: more while the table accepts them, fewer if not.

Without a rate this is how a load finds the table's own: one more request at once after each round
that succeeded as fast as before, half as many after a throttle.
"""

import asyncio

FIRST_REQUESTS = 8
SLOWER = 3.0
SLACK_SECONDS = 0.05
"""A response slower than ``SLOWER`` times the fastest plus this slack does not grow the room."""
MOST_REQUESTS = 32
"""More gain nothing: one process keeps about this many busy at most."""
MOST_BYTES = 12_000_000
"""How much may be in flight at once. Memory holds each byte up to four times: in the item, in the
request's body, and twice in what the connection has not sent yet."""


class Room:
    """Room for requests: one more after a whole round succeeded, half as many after a throttle.

    A batch that waits for a retry keeps its place, so that a table without capacity does not get
    more requests because they fail fast. It keeps its bytes even if it lends its place: they stay
    in memory until it is written.
    """

    def __init__(self) -> None:
        """Start with a few requests."""
        self._limit = float(FIRST_REQUESTS)
        self._busy = 0
        self._bytes = 0
        self._fastest = float("inf")
        self._responses = 0
        """Responses since the room was last halved."""
        self._changed = asyncio.Event()

    @property
    def limit(self) -> int:
        """Return how many requests may be in flight now."""
        return int(self._limit)

    async def acquire(self, size: int) -> None:
        """Wait for room for one more batch of ``size`` bytes, and take it.

        A batch alone always has room, however large it is.
        """
        while self._busy >= self.limit or (self._bytes and self._bytes + size > MOST_BYTES):
            self._changed.clear()
            await self._changed.wait()
        self._busy += 1
        self._bytes += size

    def release(self, size: int) -> None:
        """Return a batch's place and bytes."""
        self._bytes -= size
        self.lend()

    def lend(self) -> None:
        """Lend a place to other batches for a while."""
        self._busy -= 1
        self._changed.set()

    def reclaim(self) -> None:
        """Take back a lent place, even if there is no room."""
        self._busy += 1

    def on_success(self, seconds: float) -> None:
        """Grow by one request for each round of them, while responses are not slower."""
        self._responses += 1
        self._fastest = min(self._fastest, seconds)
        if seconds <= SLOWER * self._fastest + SLACK_SECONDS:
            self._limit = min(float(MOST_REQUESTS), self._limit + 1 / self._limit)
            self._changed.set()

    def on_throttle(self, *, hard: bool = False) -> None:
        """Halve the room, once for all the requests that were in flight together.

        ``hard`` leaves one request: more than this table is out of capacity.
        """
        self._responses += 1
        if hard:
            self._limit = 1.0
        elif self._responses >= self._limit:
            self._limit = max(1.0, self._limit / 2)
            self._responses = 0
