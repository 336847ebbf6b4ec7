"""How many requests may be under way at once: more while the table takes them, fewer once not."""

import asyncio

FIRST_REQUESTS = 8
MOST_REQUESTS = 32
"""More than this gains nothing: one process keeps no more than about this many busy."""


class Room:
    """Room for requests: one more after a whole round went through, half as much after a throttle.

    A batch that waits to be tried again keeps its place, so that a table without capacity is not
    asked more often because its requests fail fast.
    """

    def __init__(self) -> None:
        """Begin modestly."""
        self._limit = float(FIRST_REQUESTS)
        self._busy = 0
        self._answers = 0
        """Answers since the room was last halved."""
        self._changed = asyncio.Event()

    @property
    def limit(self) -> int:
        """Return how many requests may be under way now."""
        return int(self._limit)

    async def acquire(self) -> None:
        """Return once there is room for one more request, which is taken."""
        while self._busy >= self.limit:
            self._changed.clear()
            await self._changed.wait()
        self._busy += 1

    def release(self) -> None:
        """Give a place back."""
        self._busy -= 1
        self._changed.set()

    def went_through(self) -> None:
        """Grow by a little: by one request for each round of them."""
        self._answers += 1
        self._limit = min(float(MOST_REQUESTS), self._limit + 1 / self._limit)
        self._changed.set()

    def held_back(self) -> None:
        """Halve the room, once for all the requests that were under way together."""
        self._answers += 1
        if self._answers >= self._limit:
            self._limit = max(1.0, self._limit / 2)
            self._answers = 0
