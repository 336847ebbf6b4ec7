"""How many requests may be under way at once: more while the table takes them, fewer once not.

Without a rate this is how a load finds the table's own: it asks a little more after each round that
went through as fast as before, and half as much after a throttle.
"""

import asyncio

FIRST_REQUESTS = 8
SLOWER = 3.0
SLACK_SECONDS = 0.05
"""An answer that takes longer than so many times the fastest, and a little, says: no more."""
MOST_REQUESTS = 32
"""More than this gains nothing: one process keeps no more than about this many busy."""
MOST_BYTES = 12_000_000
"""How much may be under way at once. Each byte is held up to four times: as an item, in a request's
body, and twice in what the connection has not sent yet."""


class Room:
    """Room for requests: one more after a whole round went through, half as much after a throttle.

    A batch that waits to be tried again keeps its place, so that a table without capacity is not
    asked more often because its requests fail fast. Its bytes it keeps even where it lends its
    place: they are held as long as it is not written.
    """

    def __init__(self) -> None:
        """Begin modestly."""
        self._limit = float(FIRST_REQUESTS)
        self._busy = 0
        self._bytes = 0
        self._fastest = float("inf")
        self._answers = 0
        """Answers since the room was last halved."""
        self._changed = asyncio.Event()

    @property
    def limit(self) -> int:
        """Return how many requests may be under way now."""
        return int(self._limit)

    async def acquire(self, size: int) -> None:
        """Return once there is room for one more batch of ``size`` bytes, which is taken.

        One batch has room alone, however large it is.
        """
        while self._busy >= self.limit or (self._bytes and self._bytes + size > MOST_BYTES):
            self._changed.clear()
            await self._changed.wait()
        self._busy += 1
        self._bytes += size

    def release(self, size: int) -> None:
        """Give the place and the bytes of a batch back."""
        self._bytes -= size
        self.lend()

    def lend(self) -> None:
        """Give a place to others for a while."""
        self._busy -= 1
        self._changed.set()

    def reclaim(self) -> None:
        """Take back a place that was lent, even if there is no room."""
        self._busy += 1

    def went_through(self, seconds: float) -> None:
        """Grow by one request for each round of them, as long as answers come no slower."""
        self._answers += 1
        self._fastest = min(self._fastest, seconds)
        if seconds <= SLOWER * self._fastest + SLACK_SECONDS:
            self._limit = min(float(MOST_REQUESTS), self._limit + 1 / self._limit)
            self._changed.set()

    def held_back(self, *, hard: bool = False) -> None:
        """Halve the room, once for all the requests that were under way together.

        ``hard`` leaves one request: it is not this table alone that has no room.
        """
        self._answers += 1
        if hard:
            self._limit = 1.0
        elif self._answers >= self._limit:
            self._limit = max(1.0, self._limit / 2)
            self._answers = 0
