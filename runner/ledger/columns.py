"""Collects rows of the expected ledger by column.

A row is cheap: its numbers are in arrays, since an object for each would take longer than all the
rest; and nearly every row is the only result of a kept line, so only the exceptions are recorded.
"""

import sys
from array import array
from collections.abc import Iterator

import pyarrow as pa

from retable.transforms.item_outcome import Result

KEPT = "kept"


class Rows:
    """A few thousand rows, by column."""

    def __init__(self) -> None:
        """Start with no rows."""
        self.keys: list[str | None] = []
        self._lines = array("q")
        self._highs, self._lows = array("Q"), array("Q")
        self._sizes = array("q")
        self._md5s = bytearray()
        self._ranks: dict[int, bytes] = {}
        self._exceptions: list[tuple[int, int, str, str | None]] = []
        self._unreadable: list[int] = []

    def add(self, source_line: int, md5: bytes, results: tuple[Result, ...]) -> None:
        """Add the rows of a kept line; a line without results has one row too."""
        for _, key, (high, low), size, rank in results:
            self._lines.append(source_line)
            self._highs.append(high)
            self._lows.append(low)
            self._sizes.append(size)
            self._md5s += md5
            if rank is not None:
                self._ranks[len(self.keys)] = rank
            self.keys.append(key)
        if len(results) != 1:
            self._note_exceptions(source_line, md5, len(results))

    def add_bare(
        self,
        source_line: int,
        md5: bytes,
        outcome: str,
        reason: str | None = None,
        *,
        readable: bool = True,
    ) -> None:
        """Add the row of a line without results; a line that is not ``readable`` has no MD5."""
        row = len(self.keys)
        self._exceptions.append((row, 0, outcome, reason))
        if not readable:
            self._unreadable.append(row)
        self.keys.append(None)
        self._lines.append(source_line)
        for numbers in (self._highs, self._lows, self._sizes):
            numbers.append(0)
        self._md5s += md5

    def columns(self) -> Iterator[pa.Array]:
        """Yield the columns in schema order, from ``source_line`` on. No rows can follow."""
        count = len(self.keys)
        ordinals, outcomes = [0] * count, [KEPT] * count
        reasons: list[str | None] = [None] * count
        for row, ordinal, outcome, reason in self._exceptions:
            ordinals[row], outcomes[row], reasons[row] = ordinal, outcome, reason
        ranks = [self._ranks.get(row) for row in range(count)] if self._ranks else [None] * count
        keys = pa.array(self.keys, pa.string())
        # A row with a key also has a digest and a size.
        present = keys.buffers()[0]
        yield _numbers(pa.int64(), self._lines, None)
        yield pa.array(ordinals, pa.int32())
        yield pa.array(outcomes, pa.string())
        yield pa.array(reasons, pa.string())
        yield keys
        yield _numbers(pa.uint64(), self._highs, present)
        yield _numbers(pa.uint64(), self._lows, present)
        yield _numbers(pa.int64(), self._sizes, present)
        yield from self._halves()
        yield pa.array(ranks, pa.binary())

    def _note_exceptions(self, source_line: int, md5: bytes, results: int) -> None:
        """Record the ordinals of the last rows, all of one line; or add the line's only row."""
        if not results:
            self.add_bare(source_line, md5, KEPT)
        first = len(self.keys) - results
        for ordinal in range(1, results):
            self._exceptions.append((first + ordinal, ordinal, KEPT, None))

    def _halves(self) -> Iterator[pa.Array]:
        """Yield the MD5s as two columns, lower and upper."""
        # DuckDB reads the 16 bytes as two little-endian numbers, the first eight as the upper one.
        words = array("Q", bytes(self._md5s))
        if sys.byteorder == "big":
            words.byteswap()
        present = None
        if self._unreadable:
            hidden = frozenset(self._unreadable)
            flags = [row not in hidden for row in range(len(self.keys))]
            present = pa.array(flags, pa.bool_()).buffers()[1]
        yield _numbers(pa.uint64(), words[1::2], present)
        yield _numbers(pa.uint64(), words[0::2], present)


def _numbers(kind: pa.DataType, values: "array[int]", present: pa.Buffer | None) -> pa.Array:
    """Return ``values`` as a column without copying; those not ``present`` are null."""
    return pa.Array.from_buffers(kind, len(values), [present, pa.py_buffer(values)])
