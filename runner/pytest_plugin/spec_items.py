"""What pytest runs of a spec: ``lint``, one ``test[name]`` a row test, and what is asked for.

Collecting reads names only and never fails: what is wrong with a spec is a failing ``lint`` item,
so one broken spec hides no other file. Specs are not run; their own functions are, where the ini
option allows it. ``dry-run`` and ``verify``, which read exports and tables, are there on demand.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path

import pytest

from retable.runner.failure import CheckFailed, Failure
from retable.runner.lint.spec_findings import LoadedSpec, check, load, name_clash
from retable.runner.spec.row_tests import RowResult, row_runner
from retable.runner.text.code_frame import render_problems
from retable.runner.text.escape import terminal_safe
from retable.schema.load import read_text
from retable.schema.outline import Outline, OutlinedRow, outline
from retable.schema.problem import SpecError
from retable.schema.spec import Spec

NAMES = pytest.StashKey[dict[str, str]]()
"""The names of the specs collected so far, each with its file."""


class SpecFile(pytest.File):
    """One ``*.migrate.yaml`` file."""

    def collect(self) -> Iterable[pytest.Item]:
        """Yield ``lint`` and, where the spec has any names, its row tests."""
        lint: LintItem = LintItem.from_parent(self, name="lint")
        try:
            names = outline(read_text(self.path))
        except SpecError:
            names = Outline()  # the lint item finds the same, and tells it
        except Exception as error:  # noqa: BLE001 -- whatever it is, it may not hide other files
            lint.error = error
            names = Outline()
        if names.name is not None:
            self.session.stash.setdefault(NAMES, {}).setdefault(names.name, self.shown)
        # pytest has no marks that begin so; -k selects them.
        marks = [tag for tag in names.tags if not tag.startswith("_")]
        for mark in marks:
            # Registered first, so that --strict-markers holds.
            self.config.addinivalue_line("markers", f"{mark}: a tag of migration specs")
        for item in (lint, *self._rows(names), *self._runs(names)):
            item.extra_keyword_matches.update(names.tags)
            for mark in marks:
                item.add_marker(mark)
            yield item

    def _rows(self, names: Outline) -> Iterator[pytest.Item]:
        for row in names.rows:
            name = f"test[{terminal_safe(row.name)}]"
            # Given as text, so that pytest takes what the brackets hold for parameters (--lf).
            nodeid = f"{self.nodeid}::{name}"
            item: RowItem = RowItem.from_parent(self, name=name, nodeid=nodeid)
            item.row = row
            item.user_properties += [("file", self.shown), ("line", row.span.line)]
            yield item

    def _runs(self, names: Outline) -> Iterator[pytest.Item]:
        for name in ("dry-run", "verify"):
            if names.name is not None and self.config.getoption(f"--migrate-{name}"):
                run: RunItem = RunItem.from_parent(self, name=name)
                yield run

    @cached_property
    def shown(self) -> str:
        """Return the file's name as the user would type it."""
        folder = self.config.invocation_params.dir
        inside = self.path.is_relative_to(folder)
        return str(self.path.relative_to(folder) if inside else self.path)

    @cached_property
    def checked(self) -> LoadedSpec:
        """Return the spec with everything that is wrong with it."""
        allowed = bool(self.config.getini("migrate_allow_functions"))
        return check(load(self.path, self.shown, allow_functions=allowed))

    @property
    def usable(self) -> Spec:
        """Return the spec, or fail the item that asks where it has errors."""
        if self.checked.spec is None or self.checked.has_errors:
            pytest.fail(f"{self.shown} has errors; its lint item tells them", pytrace=False)
        return self.checked.spec

    @cached_property
    def run_row(self) -> Callable[[str], RowResult]:
        """Return what runs the row test of a name; the mapping is compiled once."""
        rows = {row.name: row for row in self.usable.tests}
        run = row_runner(self.usable)
        return lambda name: run(rows[name])


class LintItem(pytest.Item):
    """Is the spec free of errors?"""

    error: Exception | None = None
    """What kept the file from being read, where it is no finding about the spec."""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the item stands; pytest counts lines from 0."""
        return self.path, 0, self.name

    def runtest(self) -> None:
        """Fail with a frame for each error; warnings are shown in the report."""
        if self.error is not None:
            raise self.error
        file = _file_of(self)
        problems = file.checked.problems
        errors = [problem for problem in problems if problem.severity == "error"]
        warnings = [problem for problem in problems if problem.severity == "warning"]
        spec = file.checked.spec
        if spec is not None:
            earlier = self.session.stash[NAMES][spec.name]
            if earlier != file.shown:
                errors.append(name_clash(spec, file.shown, earlier))
        if warnings:
            text = render_problems(warnings, file.checked.text)
            self.add_report_section("call", "warnings", text)
        if errors:
            pytest.fail(render_problems(errors, file.checked.text), pytrace=False)


class RowItem(pytest.Item):
    """Does the mapping make of one item what the spec says?"""

    row: OutlinedRow

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the row test stands; pytest counts lines from 0."""
        return self.path, self.row.span.line - 1, self.name

    def runtest(self) -> None:
        """Fail with what differs, and nothing else."""
        file = _file_of(self)
        result = file.run_row(self.row.name)
        if result.outcome != "passed":
            word = "failed" if result.outcome == "failed" else "could not be evaluated"
            head = f"{file.shown}:{result.line}: row test {result.name!r} {word}"
            details = (f"  {line}" for line in result.details)
            pytest.fail("\n".join(map(terminal_safe, [head, *details])), pytrace=False)


class RunItem(pytest.Item):
    """Does the export pass through the mapping, or does the table hold what the export says?"""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the item stands; pytest counts lines from 0."""
        return self.path, 0, self.name

    def runtest(self) -> None:
        """Carry it out as the command would; its report is the captured output."""
        failure = self._failure(_file_of(self).usable)
        if failure is not None:
            word = "failed" if isinstance(failure, CheckFailed) else "could not be carried out"
            lines = [f"{_file_of(self).shown}: {self.name} {word}", f"  {failure.message}"]
            lines += [f"  = help: {failure.hint}"] if failure.hint else []
            pytest.fail("\n".join(map(terminal_safe, lines)), pytrace=False)

    def _failure(self, spec: Spec) -> Failure | None:
        """Carry it out and return how it ended, if not well."""
        from retable.runner.commands.dry_run import dry_run_spec  # noqa: PLC0415 -- asked for, seldom
        from retable.runner.commands.report_files import Wanted  # noqa: PLC0415 -- asked for, seldom
        from retable.runner.commands.verify import verify_spec  # noqa: PLC0415 -- as above

        run_dir: Path = self.config.option.migrate_run_dir
        try:
            if self.name == "verify":
                verify_spec(spec, run_dir, None, Wanted())
            else:
                dry_run_spec(spec, run_dir, Wanted(), sandbox=False)
        except Failure as failure:
            return failure
        return None


def _file_of(item: pytest.Item) -> SpecFile:
    file = item.getparent(SpecFile)
    if file is None:  # pragma: no cover -- only a SpecFile makes these items
        message = f"{item.nodeid} is not part of a spec"
        raise AssertionError(message)
    return file
