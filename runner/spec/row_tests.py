"""What the row tests of a spec give. Its own functions run only with leave; nothing else is run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from retable.runner.spec.own_functions import ALLOW
from retable.schema.spec import RowTest, Spec
from retable.transforms import compile_mapping
from retable.transforms.functions.custom import FunctionsError
from retable.transforms.rows import MAX_SHOWN, Difference, run_row


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """How one row test ended. ``details`` are readable lines of only what differs."""

    name: str
    line: int
    outcome: Literal["passed", "failed", "unevaluated"]
    details: tuple[str, ...] = ()


RowRunner = Callable[[RowTest], RowResult]


def row_runner(spec: Spec) -> RowRunner:
    """Return what runs one row test of ``spec``, which must be free of errors."""
    try:
        mapping = compile_mapping(spec)
    except FunctionsError as error:
        return partial(_unevaluated, f"transform.functions: {error.message}")
    if own := mapping.unknown_functions:
        names = ", ".join(f"{name}()" for name in own)
        return partial(_unevaluated, f"transform.functions: {names} may not be run; add {ALLOW}")

    def run(row: RowTest) -> RowResult:
        found = run_row(mapping, row)
        outcome: Literal["passed", "failed"] = "failed" if found else "passed"
        details = tuple(_details(spec, found))
        return RowResult(name=row.name, line=row.span.line, outcome=outcome, details=details)

    return run


def _details(spec: Spec, found: Iterable[Difference]) -> Iterator[str]:
    """Yield what differs, each with the expression that made it."""
    fields = {field.name: field for one in spec.transform.templates for field in one.fields}
    told = None
    for difference in found:
        yield difference.text
        field = fields.get(difference.attribute or "")
        if field is not None and difference.attribute != told:
            yield f"  made by {_short(field.expression.text)} in line {field.expression.span.line}"
        told = difference.attribute


def _short(text: str) -> str:
    """Return ``text`` in one line, cut where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _unevaluated(reason: str, row: RowTest) -> RowResult:
    return RowResult(name=row.name, line=row.span.line, outcome="unevaluated", details=(reason,))
