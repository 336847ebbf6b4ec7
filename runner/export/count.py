"""Counting the lines of a data file without holding them in memory."""

from collections.abc import Callable, Iterable

from retable.runner.export.manifest import DAMAGED
from retable.runner.failure import CheckFailed

MAX_LINE_BYTES = 8_000_000
"""The longest line that is read. A 400 KB item of control characters, each escaped with six
bytes, makes a line of about 2.5 MB; a longer one is not an item and must not fill the memory."""


def count_lines(plain: Iterable[bytes], name: str, watch: Callable[[int], None]) -> int:
    """Return the number of lines in content that comes in chunks; the last may lack its newline.

    ``watch`` is called with the number of lines so far.

    Raises:
        CheckFailed: a line is blank, or longer than any item can make it.
    """
    done = 0
    begun = 0
    for chunk in plain:
        blank = _blank_at(chunk, begun)
        if blank is not None:
            number = done + chunk.count(b"\n", 0, blank) + 1
            message = f"data file {name}: line {number} is blank; expected an item"
            raise CheckFailed(message, DAMAGED)
        # A chunk is shorter than the limit, so only the line it begins in can be too long.
        first = chunk.find(b"\n")
        if begun + (len(chunk) if first < 0 else first) > MAX_LINE_BYTES:
            raise too_long(name, done + 1)
        done += chunk.count(b"\n")
        begun = begun + len(chunk) if first < 0 else len(chunk) - chunk.rfind(b"\n") - 1
        watch(done)
    return done + bool(begun)


def too_long(name: str, number: int) -> CheckFailed:
    """Return the failure for a line that is longer than any item can make it."""
    message = f"data file {name}: line {number} has more than {MAX_LINE_BYTES:,} bytes"
    return CheckFailed(f"{message}; no item makes a line that long", DAMAGED)


def _blank_at(chunk: bytes, begun: int) -> int | None:
    """Return where a blank line ends; ``begun`` bytes of the first line came before ``chunk``."""
    if not begun and chunk.startswith(b"\n"):
        return 0
    at = chunk.find(b"\n\n")
    return None if at < 0 else at + 1
