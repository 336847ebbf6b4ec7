"""Problems: what is wrong with a spec, where, and what would fix it. Nothing here prints them."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Span(NamedTuple):
    """A range of the spec's text. Lines and columns count from 1; the end is exclusive.

    A named tuple because each value of a spec has one: it costs a third of a frozen dataclass.
    """

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """Another place in the same file that a finding refers to, and what is there."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """A change to the file's text: ``text`` replaces what is at ``span``."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding about a spec.

    ``code`` is the rule (``MIG201``), ``name`` its name (``unknown-key``); ``message`` is
    lowercase, names the thing, what was expected and what was found, and ends without a full stop.
    ``label`` says in a few words what is at ``span``. ``fix`` corrects it without changing what the
    spec is meant to say.
    """

    file: str
    span: Span
    code: str
    name: str
    message: str
    hint: str | None = None
    severity: Severity = "error"
    label: str | None = None
    others: tuple[Label, ...] = ()
    fix: tuple[Edit, ...] = ()

    def __str__(self) -> str:
        """Return the concise form, one line."""
        place = f"{self.file}:{self.span.line}:{self.span.column}"
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {self.severity} {self.code} {self.name}: {self.message}{hint}"


class SpecError(Exception):
    """A spec that cannot be used; ``problems`` holds every finding about it.

    ``text`` is the spec's own text, for code frames; it is empty if the file could not be read.
    """

    def __init__(self, problems: tuple[Problem, ...], text: str = "") -> None:
        """Keep ``problems`` in the order of their positions in the file."""
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.span, problem.code)))
        self.text = text
        super().__init__("\n".join(str(problem) for problem in self.problems))
