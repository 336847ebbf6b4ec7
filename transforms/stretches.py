"""Maps offsets in an expression's text to positions in the spec's file."""

from collections.abc import Sequence
from functools import lru_cache

from retable.schema.problem import Span
from retable.schema.spec import Expression


class Stretches:
    """The positions of one expression's characters."""

    def __init__(self, text: str, written: Expression) -> None:
        """Find the expression ``written`` in the spec's ``text``."""
        self._whole = written.span
        self._inner, self.in_single_quotes = _inner_column(text, written)

    @property
    def known(self) -> bool:
        """Return whether every character has a position of its own."""
        return self._inner is not None

    def span(self, offset: int, length: int) -> Span:
        """Return the span of ``length`` characters from ``offset``; the whole value if unknown."""
        if self._inner is None:
            return self._whole
        line, column = self._whole.line, self._inner + offset
        return Span(line, column, line, column + max(length, 1))


def _inner_column(text: str, written: Expression) -> tuple[int | None, bool]:
    """Return the column of the expression's first character, and whether it is in single quotes.

    ``None`` if offsets cannot be mapped: the scalar has several lines or escapes.
    """
    span = written.span
    lines = _lines(text)
    if span.line != span.end_line or not 0 < span.line <= len(lines):
        return None, False
    scalar = lines[span.line - 1][span.column - 1 : span.end_column - 1]
    if scalar == written.text:
        return span.column, False
    quoted = scalar[:1] in {"'", '"'} and scalar[1:-1] == written.text
    return (span.column + 1 if quoted else None), scalar[:1] == "'"


@lru_cache(1)
def _lines(text: str) -> Sequence[str]:
    """Return the lines of a spec; cached, as all its expressions are checked in turn."""
    return text.splitlines()
