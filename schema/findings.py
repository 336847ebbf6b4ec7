"""Collects the findings about one spec, to report them all at once. It checks nothing itself."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from retable.schema.problem import Edit, Label, Problem, Span
from retable.schema.rules import Rule
from retable.schema.spec import SpecPath

MAX_FINDINGS = 1_000
"""Reported for one file by one pass: a file full of errors should not take minutes."""
# Findings after which the value they point at can still be read.
_HARMLESS = {Rule.UNKNOWN_KEY, Rule.DUPLICATE_KEY, Rule.REPEATED_ENTRY}


class TooManyFindingsError(Exception):
    """A file has more findings than anyone reads; ``problems`` holds the first ones."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep ``problems``; the last of them says that there are more."""
        *first, last = problems
        self.problems = (*first, _cut_short(last))
        super().__init__(f"more than {MAX_FINDINGS:,} findings")


def first_of(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the first ``MAX_FINDINGS`` of ``problems``; if there are more, the last one says so."""
    rest = iter(problems)
    yield from islice(rest, MAX_FINDINGS - 1)
    for last in islice(rest, 1):
        yield last if next(rest, None) is None else _cut_short(last)


def _cut_short(last: Problem) -> Problem:
    return replace(last, hint=f"there are more than these {MAX_FINDINGS:,} findings")


@dataclass(slots=True)
class Findings:
    """The findings about one file; ``spans`` and ``keys`` give the positions of values and keys."""

    file: str
    spans: Mapping[SpecPath, Span] = field(repr=False)
    keys: Mapping[SpecPath, Span] = field(repr=False)
    problems: list[Problem] = field(default_factory=list)
    incomplete: set[SpecPath] = field(default_factory=set)
    """Mappings that lack a key which could not be read."""
    _errors: int = 0
    _broken: set[SpecPath] = field(default_factory=set)
    _inside: set[SpecPath] = field(default_factory=set)

    def add(  # noqa: PLR0913 -- the parts of a finding
        self,
        rule: Rule,
        path: SpecPath,
        message: str,
        *,
        hint: str | None = None,
        at: Literal["value", "key"] = "value",
        others: tuple[Label, ...] = (),
        fix: tuple[Edit, ...] = (),
    ) -> None:
        """Add one error about the value (or the key) at ``path``."""
        span = self.place(path, at)
        self.add_at(span, rule, message, hint=hint, others=others, fix=fix)
        if rule not in _HARMLESS:
            self.mark(path)

    def warn(
        self,
        rule: Rule,
        path: SpecPath,
        message: str,
        *,
        hint: str | None = None,
        fix: tuple[Edit, ...] = (),
    ) -> None:
        """Add one warning about the value at ``path``."""
        self.add_at(self.place(path), rule, message, hint=hint, fix=fix)

    def mark(self, path: SpecPath) -> None:
        """Mark the value at ``path`` as unreadable, which a finding already reports."""
        self._broken.add(path)
        self._inside.update(path[:length] for length in range(len(path)))

    def add_at(  # noqa: PLR0913 -- the parts of a finding
        self,
        span: Span,
        rule: Rule,
        message: str,
        *,
        hint: str | None = None,
        others: tuple[Label, ...] = (),
        fix: tuple[Edit, ...] = (),
    ) -> None:
        """Add one finding about a span of the text that is not a value by itself.

        Raises:
            TooManyFindingsError: it is an error, and there are ``MAX_FINDINGS`` of them.
        """
        found = rule.finding(self.file, span, message, hint=hint, others=others, fix=fix)
        self._errors += found.severity == "error"
        if self._errors > MAX_FINDINGS:
            raise TooManyFindingsError(self.problems)
        self.problems.append(found)

    def sound(self, *path: str | int) -> bool:
        """Return whether the value at ``path`` can be read: no error at, above or inside it."""
        return (
            path not in self._inside
            and not self.blamed(path)
            and not any(lacking[: len(path)] == path for lacking in self.incomplete)
        )

    def blamed(self, path: SpecPath) -> bool:
        """Return whether there is an error at ``path`` or at something that contains it."""
        # Called for every value, and most specs have no error at all.
        return bool(self._broken) and any(
            path[:length] in self._broken for length in range(len(path) + 1)
        )

    def failed(self) -> bool:
        """Return whether any finding is an error."""
        return self._errors > 0

    def place(self, path: SpecPath, at: Literal["value", "key"] = "value") -> Span:
        """Return where to point: at the key rather than at a value of several lines."""
        while path not in self.spans:
            path, at = path[:-1], "key"
        span = self.spans[path]
        if path in self.keys and (at == "key" or span.line != span.end_line):
            return self.keys[path]
        if path and span.line == span.end_line:
            return span
        first = self.keys.get(next((key for key in self.keys if key[:-1] == path), ()))
        return first or Span(span.line, span.column, span.line, span.column + 1)
