"""Ctrl-C and SIGTERM during a load: requests under way end, nothing new is begun."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

DRAIN_SECONDS = 15.0
"""How long requests under way may take to end; pipelines kill the process not long after."""


class Halted(BaseException):
    """Ends what a task does, because the load is to end. No error, so nothing may catch it."""


class Halt:
    """Whether the load is to end, and waiting that ends with it."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._asked = asyncio.Event()

    @property
    def is_asked(self) -> bool:
        """Return whether the load is to end."""
        return self._asked.is_set()

    def ask(self) -> None:
        """End the load."""
        self._asked.set()

    def check(self) -> None:
        """Go on only while nothing asks for the end.

        Raises:
            Halted: the load is to end.
        """
        if self.is_asked:
            raise Halted

    async def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Halted: the load is to end.
        """
        try:
            await asyncio.wait_for(self._asked.wait(), seconds)
        except TimeoutError:
            return
        raise Halted


@contextmanager
def halted_by_signals(halt: Halt, task: "asyncio.Task[Any]") -> Iterator[None]:
    """Let the first signal ask ``halt``, and a second one, or too long a wait, cancel ``task``."""
    if threading.current_thread() is not threading.main_thread():
        # Python delivers signals to the main thread alone.
        yield
        return
    loop = asyncio.get_running_loop()

    def act() -> None:
        if halt.is_asked:
            task.cancel()
            return
        halt.ask()
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
