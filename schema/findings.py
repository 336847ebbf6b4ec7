"""Collects what is wrong with one spec, so that everything is said at once. It judges nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from retable.schema.problem import Edit, Label, Problem, Span
from retable.schema.rules import Rule
from retable.schema.spec import SpecPath

MAX_FINDINGS = 1_000
"""Told of one file by one pass: a file in which everything is wrong should not take minutes."""
# Findings after which the value they stand at can still be read.
_HARMLESS = {Rule.UNKNOWN_KEY, Rule.DUPLICATE_KEY, Rule.REPEATED_ENTRY}


class TooManyFindingsError(Exception):
    """More is wrong with a file than anyone reads; ``problems`` is what was found first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep ``problems``; the last of them says that there are more."""
        *first, last = problems
        self.problems = (*first, _cut_short(last))
        super().__init__(f"more than {MAX_FINDINGS:,} findings")


def first_of(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the first ``MAX_FINDINGS`` of ``problems``; of more, the last one says so."""
    rest = iter(problems)
    yield from islice(rest, MAX_FINDINGS - 1)
    for last in islice(rest, 1):
        yield last if next(rest, None) is None else _cut_short(last)


def _cut_short(last: Problem) -> Problem:
    return replace(last, hint=f"more is wrong than these {MAX_FINDINGS:,} findings")


@dataclass(slots=True)
class Findings:
    """The findings about one file; ``spans`` and ``keys`` place values and keys by their path."""

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
        """Mark the value at ``path`` as one that cannot be read, which a finding says already."""
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
        """Add one finding about a stretch of the text that is no value of its own.

        Raises:
            TooManyFindingsError: it is an error, and there are ``MAX_FINDINGS`` of them.
        """
        found = rule.finding(self.file, span, message, hint=hint, others=others, fix=fix)
        self._errors += found.severity == "error"
        if self._errors > MAX_FINDINGS:
            raise TooManyFindingsError(self.problems)
        self.problems.append(found)

    def sound(self, *path: str | int) -> bool:
        """Say whether the value at ``path`` can be read: no error at it, above it or inside it."""
        return (
            path not in self._inside
            and not self.blamed(path)
            and not any(lacking[: len(path)] == path for lacking in self.incomplete)
        )

    def blamed(self, path: SpecPath) -> bool:
        """Say whether there is an error at ``path`` or at something that contains it."""
        # Asked of every value, and most specs have no error at all.
        return bool(self._broken) and any(
            path[:length] in self._broken for length in range(len(path) + 1)
        )

    def failed(self) -> bool:
        """Say whether any finding is an error."""
        return self._errors > 0

    def place(self, path: SpecPath, at: Literal["value", "key"] = "value") -> Span:
        """Return where to point: never at a whole block of lines where its key says it better."""
        while path not in self.spans:
            path, at = path[:-1], "key"
        span = self.spans[path]
        if path in self.keys and (at == "key" or span.line != span.end_line):
            return self.keys[path]
        if path and span.line == span.end_line:
            return span
        first = self.keys.get(next((key for key in self.keys if key[:-1] == path), ()))
        return first or Span(span.line, span.column, span.line, span.column + 1)
