"""What is wrong with spec files, and what their row tests give; printing it is not done here.

Nothing here touches AWS or starts a process; a spec's own functions run only with leave.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from retable.runner.spec_functions import ALLOW, with_functions
from retable.schema import load_spec
from retable.schema.problem import Problem, SpecError
from retable.schema.spec import RowTest, Spec
from retable.transforms import compile_mapping
from retable.transforms.check import check_expressions
from retable.transforms.functions.custom import FunctionsError
from retable.transforms.rows import run_row


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSpec:
    """One spec file as far as it could be read."""

    file: str
    """How the file is called in messages."""
    spec: Spec | None
    """``None`` where the file holds no usable spec; ``problems`` says why."""
    problems: tuple[Problem, ...]
    text: str
    """The spec's text, for frames; empty where it could not be read."""

    @property
    def has_errors(self) -> bool:
        """Return whether a run would refuse this spec."""
        return any(problem.severity == "error" for problem in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """How one row test ended. ``details`` are readable lines of only what differs."""

    name: str
    line: int
    outcome: Literal["passed", "failed", "unevaluated"]
    details: tuple[str, ...] = ()


RowRunner = Callable[[RowTest], RowResult]


def load(path: Path, file: str | None = None, *, allow_functions: bool = False) -> LoadedSpec:
    """Return the spec in the file ``path``, called ``file`` in messages; never raises SpecError."""
    file = file or str(path)
    try:
        spec = with_functions(load_spec(path), allowed=allow_functions)
    except SpecError as error:
        return LoadedSpec(
            file=file, spec=None, problems=_renamed(error.problems, file), text=error.text
        )
    return LoadedSpec(
        file=file, spec=spec, problems=_renamed(spec.warnings, file), text=spec.origin.text
    )


def check(loaded: LoadedSpec) -> LoadedSpec:
    """Return ``loaded`` with what is wrong inside its expressions added, in the file's order."""
    if loaded.spec is None:
        return loaded
    inside = _renamed(check_expressions(loaded.spec), loaded.file)
    problems = sorted({*loaded.problems, *inside}, key=lambda found: (found.span, found.code))
    return replace(loaded, problems=tuple(problems))


def name_clashes(specs: Iterable[LoadedSpec]) -> dict[str, Problem]:
    """Return a problem for each file whose spec has the name of an earlier one, by file."""
    first: dict[str, str] = {}
    clashes: dict[str, Problem] = {}
    for loaded in specs:
        if loaded.spec is not None:
            earlier = first.setdefault(loaded.spec.name, loaded.file)
            if earlier != loaded.file:
                clashes[loaded.file] = name_clash(loaded.spec, loaded.file, earlier)
    return clashes


def name_clash(spec: Spec, file: str, earlier: str) -> Problem:
    """Return the problem of ``spec`` having the name of the one in the file ``earlier``."""
    return Problem(
        file=file,
        span=spec.origin.span(("name",)),
        code="MIG501",
        name="duplicate-spec-name",
        message=f"{earlier} has a spec called {spec.name!r} already",
        hint="runs are found again by the spec's name, so each needs its own",
    )


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
        details = run_row(mapping, row)
        outcome: Literal["passed", "failed"] = "failed" if details else "passed"
        return RowResult(name=row.name, line=row.span.line, outcome=outcome, details=tuple(details))

    return run


def _unevaluated(reason: str, row: RowTest) -> RowResult:
    return RowResult(name=row.name, line=row.span.line, outcome="unevaluated", details=(reason,))


def _renamed(problems: Iterable[Problem], file: str) -> tuple[Problem, ...]:
    return tuple(replace(problem, file=file) for problem in problems)
