"""Runs a spec's row tests. Its own functions run only with consent; nothing else is run."""

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
    """The result of one row test. ``details`` are readable lines of only what differs."""

    name: str
    line: int
    outcome: Literal["passed", "failed", "unevaluated"]
    details: tuple[str, ...] = ()


RowRunner = Callable[[RowTest], RowResult]


def row_runner(spec: Spec) -> RowRunner:
    """Return a function that runs one row test of ``spec``, which must have no errors."""
    try:
        mapping = compile_mapping(spec)
    except FunctionsError as error:
        return partial(_unevaluated, f"transform.functions: {error.message}")
    if own := mapping.unknown_functions:
        names = ", ".join(f"{name}()" for name in own)
        return partial(
            _unevaluated, f"transform.functions: not allowed to run {names}; add {ALLOW}"
        )

    def run(row: RowTest) -> RowResult:
        found = run_row(mapping, row)
        outcome: Literal["passed", "failed"] = "failed" if found else "passed"
        details = tuple(_details(spec, found))
        return RowResult(name=row.name, line=row.span.line, outcome=outcome, details=details)

    return run


def _details(spec: Spec, found: Iterable[Difference]) -> Iterator[str]:
    """Yield each difference with the expression that produced it."""
    fields = {field.name: field for one in spec.transform.templates for field in one.fields}
    shown = None
    for difference in found:
        yield difference.text
        field = fields.get(difference.attribute or "")
        if field is not None and difference.attribute != shown:
            expression = field.expression
            yield f"  produced by {_short(expression.text)} in line {expression.span.line}"
        shown = difference.attribute


def _short(text: str) -> str:
    """Return ``text`` in one line, shortened if it is long."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _unevaluated(reason: str, row: RowTest) -> RowResult:
    return RowResult(name=row.name, line=row.span.line, outcome="unevaluated", details=(reason,))
