"""The progress that long work reports. ``report`` renders it."""

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of a run. Every call is cheap and none may fail."""

    def start(self, step_id: str, title: str) -> None:
        """Begin a step; the one before it, if any, has ended."""
        ...

    def advance(self, done: int, total: int | None, unit: str) -> None:
        """Report how far the current step is: ``done`` of ``total`` ``unit`` ("items")."""
        ...

    def note(self, text: str) -> None:
        """Report a line: why the step waits, what it found."""
        ...

    def finish(self, outcome: str) -> None:
        """End the current step with a word ("done", "failed", "skipped")."""
        ...


class NoProgress:
    """Discards all progress."""

    def start(self, step_id: str, title: str) -> None:
        """Say nothing."""

    def advance(self, done: int, total: int | None, unit: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def finish(self, outcome: str) -> None:
        """Say nothing."""
