"""What pytest runs for a spec: ``lint``, one ``test[name]`` per row test, and items on request.

Collecting reads only names and never fails: errors in a spec become a failing ``lint`` item, so one
broken spec hides no other file. Specs are not run; their own functions are, if the ini option
allows it. ``dry-run`` and ``verify``, which read exports and tables, are added only on request.
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
        """Yield ``lint`` and, if names can be read, the row tests."""
        lint: LintItem = LintItem.from_parent(self, name="lint")
        try:
            names = outline(read_text(self.path))
        except SpecError:
            names = Outline()  # the lint item finds and reports the same
        except Exception as error:  # noqa: BLE001 -- no error may hide other files
            lint.error = error
            names = Outline()
        if names.name is not None:
            self.session.stash.setdefault(NAMES, {}).setdefault(names.name, self.shown)
        # pytest allows no marks with a leading underscore; -k selects them.
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
            # Passed explicitly, so that pytest reads the part in brackets as parameters (--lf).
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
        """Return the spec with all its findings."""
        allowed = bool(self.config.getini("migrate_allow_functions"))
        return check(load(self.path, self.shown, allow_functions=allowed))

    @property
    def usable(self) -> Spec:
        """Return the spec; fail the calling item if it has errors."""
        if self.checked.spec is None or self.checked.has_errors:
            pytest.fail(f"{self.shown} has errors; see its lint item", pytrace=False)
        return self.checked.spec

    @cached_property
    def run_row(self) -> Callable[[str], RowResult]:
        """Return a function that runs a row test by name; the mapping is compiled once."""
        rows = {row.name: row for row in self.usable.tests}
        run = row_runner(self.usable)
        return lambda name: run(rows[name])


class LintItem(pytest.Item):
    """Is the spec free of errors?"""

    error: Exception | None = None
    """Why the file could not be read, if that is not a finding about the spec."""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the item's position; pytest counts lines from 0."""
        return self.path, 0, self.name

    def runtest(self) -> None:
        """Fail with a code frame for each error; warnings are shown in the report."""
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
    """Does the mapping turn one item into what the spec expects?"""

    row: OutlinedRow

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the row test's position; pytest counts lines from 0."""
        return self.path, self.row.span.line - 1, self.name

    def runtest(self) -> None:
        """Fail with only what differs."""
        file = _file_of(self)
        result = file.run_row(self.row.name)
        if result.outcome != "passed":
            word = "failed" if result.outcome == "failed" else "could not be evaluated"
            head = f"{file.shown}:{result.line}: row test {result.name!r} {word}"
            details = (f"  {line}" for line in result.details)
            pytest.fail("\n".join(map(terminal_safe, [head, *details])), pytrace=False)


class RunItem(pytest.Item):
    """Does the mapping accept the export, or does the table match the export?"""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the item's position; pytest counts lines from 0."""
        return self.path, 0, self.name

    def runtest(self) -> None:
        """Run it like the command; its report is the captured output."""
        failure = self._failure(_file_of(self).usable)
        if failure is not None:
            word = "failed" if isinstance(failure, CheckFailed) else "could not be run"
            lines = [f"{_file_of(self).shown}: {self.name} {word}", f"  {failure.message}"]
            lines += [f"  = help: {failure.hint}"] if failure.hint else []
            pytest.fail("\n".join(map(terminal_safe, lines)), pytrace=False)

    def _failure(self, spec: Spec) -> Failure | None:
        """Run it and return the failure, if there is one."""
        from retable.runner.commands.dry_run import dry_run_spec  # noqa: PLC0415 -- only on request
        from retable.runner.commands.report_files import ReportOptions  # noqa: PLC0415 -- only on request
        from retable.runner.commands.verify import verify_spec  # noqa: PLC0415 -- as above

        run_dir: Path = self.config.option.migrate_run_dir
        try:
            if self.name == "verify":
                verify_spec(spec, run_dir, None, ReportOptions())
            else:
                dry_run_spec(spec, run_dir, ReportOptions(), sandbox=False)
        except Failure as failure:
            return failure
        return None


def _file_of(item: pytest.Item) -> SpecFile:
    file = item.getparent(SpecFile)
    if file is None:  # pragma: no cover -- only a SpecFile makes these items
        message = f"{item.nodeid} is not part of a spec"
        raise AssertionError(message)
    return file
