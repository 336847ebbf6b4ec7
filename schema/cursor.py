"""Cursor: one value of a document while it is parsed, with its path and the findings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retable.schema.findings import Findings
from retable.schema.problem import Label, Span
from retable.schema.rules import Rule
from retable.schema.spec import Expression, SpecPath


@dataclass(frozen=True, slots=True)
class Cursor:
    """A value that the JSON Schema has passed, and the path to it."""

    value: Any
    path: SpecPath
    findings: Findings

    def __contains__(self, key: str) -> bool:
        """Return whether this mapping has ``key``."""
        return key in self.value

    def __getitem__(self, key: str | int) -> "Cursor":
        """Return the value at ``key``, which must exist."""
        return Cursor(self.value[key], (*self.path, key), self.findings)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the bare value at ``key``, or ``default`` if it is absent."""
        return self.value.get(key, default)

    def items(self) -> Iterator[tuple[str, "Cursor"]]:
        """Yield the entries of a mapping."""
        mapping: Mapping[str, Any] = self.value
        for key in mapping:
            yield key, self[key]

    def entries(self, key: str) -> Iterator["Cursor"]:
        """Yield the entries of the list at ``key``; none if it is absent."""
        for index in range(len(self.value.get(key, ()))):
            yield self[key][index]

    def sound(self) -> bool:
        """Return whether this value can be parsed: no error in it prevents that."""
        return self.findings.sound(*self.path)

    def span(self) -> Span:
        """Return the position of this value."""
        return self.findings.spans[self.path]

    def label(self, text: str) -> Label:
        """Return a label at this value, for a finding about another value."""
        return Label(self.findings.place(self.path), text)

    def expression(self) -> Expression:
        """Return this string as an expression."""
        return Expression(self.value, self.span())

    def error(
        self,
        rule: Rule,
        message: str,
        *,
        hint: str | None = None,
        at: Literal["value", "key"] = "value",
        others: tuple[Label, ...] = (),
    ) -> None:
        """Add an error about this value, or about its key."""
        self.findings.add(rule, self.path, message, hint=hint, at=at, others=others)

    def warn(self, rule: Rule, message: str, *, hint: str | None = None) -> None:
        """Add a warning about this value."""
        self.findings.warn(rule, self.path, message, hint=hint)
