"""Collects the findings about spec files. It prints nothing and runs nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from retable.runner.lint.advise import advise
from retable.runner.lint.suppress import suppress
from retable.runner.spec.own_functions import with_functions
from retable.runner.spec.row_files import with_rows
from retable.schema import load_spec
from retable.schema.load import read_spec
from retable.schema.problem import Problem, SpecError
from retable.schema.rules import Rule
from retable.schema.spec import Spec
from retable.transforms.check import check_expressions


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSpec:
    """One spec file, as far as it could be read."""

    file: str
    """The name of the file in messages."""
    spec: Spec | None
    """``None`` if the file is not a usable spec; ``problems`` says why."""
    problems: tuple[Problem, ...]
    text: str
    """The spec's text, for code frames; empty if it could not be read."""

    @property
    def has_errors(self) -> bool:
        """Return whether a run would refuse this spec."""
        return any(problem.severity == "error" for problem in self.problems)


def load(
    path: Path,
    file: str | None = None,
    *,
    allow_functions: bool = False,
    raw: bytes | None = None,
) -> LoadedSpec:
    """Return the spec in the file ``path``, called ``file`` in messages; never raises SpecError.

    ``raw`` is used instead of the file's content.
    """
    file = file or str(path)
    try:
        read = load_spec(path) if raw is None else read_spec(path, raw)
        spec = with_rows(with_functions(read, allowed=allow_functions))
    except SpecError as error:
        return LoadedSpec(
            file=file, spec=None, problems=_renamed(error.problems, file), text=error.text
        )
    return LoadedSpec(
        file=file, spec=spec, problems=_renamed(spec.warnings, file), text=spec.origin.text
    )


def check(loaded: LoadedSpec) -> LoadedSpec:
    """Return ``loaded`` with the findings of the later passes added, in the file's order."""
    if loaded.spec is None:
        return _ordered(loaded)
    found = check_expressions(loaded.spec)
    if not any(problem.severity == "error" for problem in found):
        found += advise(loaded.spec)
    inside = _renamed(found, loaded.file)
    return _ordered(replace(loaded, problems=(*loaded.problems, *inside)))


def _ordered(loaded: LoadedSpec) -> LoadedSpec:
    """Return ``loaded`` with its problems in the file's order, without those it asks to ignore."""
    problems = suppress(tuple(dict.fromkeys(loaded.problems)), loaded.file, loaded.text)
    ordered = sorted(problems, key=lambda found: (found.span, found.code))
    return replace(loaded, problems=tuple(ordered))


def with_clashes(specs: Iterable[LoadedSpec]) -> list[LoadedSpec]:
    """Return ``specs``, with a problem added to those that have the name of an earlier one."""
    first: dict[str, str] = {}
    found = []
    for loaded in specs:
        problems = loaded.problems
        if loaded.spec is not None:
            earlier = first.setdefault(loaded.spec.name, loaded.file)
            if earlier != loaded.file:
                problems = (*problems, name_clash(loaded.spec, loaded.file, earlier))
        found.append(replace(loaded, problems=problems))
    return found


def name_clash(spec: Spec, file: str, earlier: str) -> Problem:
    """Return the problem that ``spec`` has the same name as the one in the file ``earlier``."""
    return Rule.DUPLICATE_SPEC_NAME.finding(
        file,
        spec.origin.span(("name",)),
        f"{earlier} already has a spec called {spec.name!r}",
        hint="runs are looked up by the spec's name, so each needs its own",
    )


def _renamed(problems: Iterable[Problem], file: str) -> tuple[Problem, ...]:
    return tuple(replace(problem, file=file) for problem in problems)
