"""What long work tells its watcher. Drawing it is ``report``'s."""

from typing import Protocol


class Progress(Protocol):
    """A watcher of the run. Every call is cheap and none may fail."""

    def start(self, step_id: str, title: str) -> None:
        """Begin a step; the one before it, if any, has ended."""
        ...

    def advance(self, done: int, total: int | None, unit: str) -> None:
        """Say how far the present step is: ``done`` of ``total`` ``unit`` ("items")."""
        ...

    def note(self, text: str) -> None:
        """Say something worth a line: why it waits, what it found."""
        ...

    def finish(self, outcome: str) -> None:
        """End the present step with a word ("done", "failed", "skipped")."""
        ...


class NoProgress:
    """A watcher that says nothing."""

    def start(self, step_id: str, title: str) -> None:
        """Say nothing."""

    def advance(self, done: int, total: int | None, unit: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def finish(self, outcome: str) -> None:
        """Say nothing."""
