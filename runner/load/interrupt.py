"""Ctrl-C and SIGTERM during a load: requests in flight finish and no new ones start."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

DRAIN_SECONDS = 15.0
"""How long requests in flight may take to finish; pipelines kill the process soon after."""


class Halted(BaseException):
    """Ends a task, because the load must end. It is no error, so nothing may catch it."""


class Halt:
    """Whether the load must end, and waiting that ends with it."""

    def __init__(self) -> None:
        """Start without a request to end."""
        self._requested = asyncio.Event()

    @property
    def is_requested(self) -> bool:
        """Return whether the load must end."""
        return self._requested.is_set()

    def request(self) -> None:
        """Request that the load ends."""
        self._requested.set()

    def check(self) -> None:
        """Return unless the load must end.

        Raises:
            Halted: the load must end.
        """
        if self.is_requested:
            raise Halted

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``.

        Raises:
            Halted: the load must end.
        """
        try:
            await asyncio.wait_for(self._requested.wait(), seconds)
        except TimeoutError:
            return
        raise Halted


@contextmanager
def halted_by_signals(halt: Halt, task: "asyncio.Task[Any]") -> Iterator[None]:
    """Let the first signal request ``halt``; a second one, or too long a wait, cancels ``task``."""
    if threading.current_thread() is not threading.main_thread():
        # Python delivers signals to the main thread alone.
        yield
        return
    loop = asyncio.get_running_loop()

    def act() -> None:
        if halt.is_requested:
            task.cancel()
            return
        halt.request()
        loop.call_later(DRAIN_SECONDS, task.cancel)

    def on_signal(_: int, __: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heard = {number: old for number, old in before.items() if old not in (None, signal.SIG_IGN)}
    for number in heard:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number, old in heard.items():
            signal.signal(number, old)
