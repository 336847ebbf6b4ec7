"""The points of a run: moments just before and just after its journal is written.

The whole of what a run does lies between two of them. The first call of a function can be one more,
for what happens within. A process counts its points as it passes them, and may stop or die at one.
"""

import functools
import json
import mmap
import os
import pkgutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from retable.runner.runs.journal import Journal

SIZE = 1024
"""More bytes than a point takes."""


@dataclass(frozen=True)
class Point:
    """One moment: the how-manieth of its run, and what happens there."""

    number: int
    what: str


class Points:
    """The fuse of one run. It is made before the process forks that is to run."""

    def __init__(self, kill_at: int | None, *, stands: bool) -> None:
        """Die at the point ``kill_at``; with ``stands``, stop at all others until SIGCONT."""
        self._kill_at = kill_at
        self._stands = stands
        self._passed = 0
        # Whatever becomes of the process, its parent can read here how far it came.
        self._shared = mmap.mmap(-1, SIZE)
        self._note(Point(0, "started"))

    @property
    def last(self) -> Point:
        """Return the point that was passed last."""
        return Point(**json.loads(self._shared[:].rstrip(b"\0")))

    def arm(self, places: Sequence[str]) -> None:
        """Make every journal record two points, and the first call of each function one.

        A function is named as its caller knows it:
        ``retable.runner.export.merge_incrementals.note_lines``.
        """
        for place in places:
            self._mine(place)
        record, passed = Journal.record, self._pass

        def fused(
            self: Journal, step: str, event: str, data: Mapping[str, Any] | None = None
        ) -> None:
            passed(f"before {step}/{event}")
            record(self, step, event, data)
            passed(f"after {step}/{event}")

        Journal.record = fused  # type: ignore[method-assign]  # the fuse is what this is for

    def _mine(self, place: str) -> None:
        """Make the first call of ``place`` a point."""
        where, _, name = place.rpartition(".")
        owner = pkgutil.resolve_name(where)
        function: Callable[..., Any] = getattr(owner, name)
        called = False

        @functools.wraps(function)
        def mined(*arguments: Any, **named: Any) -> Any:
            nonlocal called
            if not called:
                called = True
                self._pass(place)
            return function(*arguments, **named)

        setattr(owner, name, mined)

    def _pass(self, what: str) -> None:
        """Count one point."""
        self._passed += 1
        self._note(Point(self._passed, what))
        if self._passed == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._stands:
            os.kill(os.getpid(), signal.SIGSTOP)

    def _note(self, point: Point) -> None:
        text = json.dumps(asdict(point)).encode()
        assert len(text) <= SIZE
        self._shared[:] = text.ljust(SIZE, b"\0")
