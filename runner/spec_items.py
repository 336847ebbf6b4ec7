"""What pytest runs of a spec: ``lint``, one ``test[name]`` a row test, and what is asked for.

A spec that cannot be read is a failing ``lint`` item: collecting never fails, so one broken spec
hides no other file. Specs are not run; their own functions are, where the ini option allows it.
``dry-run`` and ``verify`` items, which read exports and tables, are there only on demand.
"""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import pytest

from retable.runner.failure import CheckFailed, Failure
from retable.runner.report.escape import terminal_safe
from retable.runner.report.frame import render_problems
from retable.runner.row_tests import RowRunner, row_runner
from retable.runner.spec_findings import LoadedSpec, check, load, name_clash
from retable.schema.spec import RowTest, Spec

NAMES = pytest.StashKey[dict[str, str]]()
"""The names of the specs collected so far, each with its file."""


class SpecFile(pytest.File):
    """One ``*.migrate.yaml`` file."""

    def collect(self) -> Iterable[pytest.Item]:
        """Yield ``lint`` and, where the spec can be read, its row tests."""
        lint: LintItem = LintItem.from_parent(self, name="lint")
        try:
            spec = self._load().spec
        except Exception as error:  # noqa: BLE001 -- whatever it is, it may not hide other files
            lint.error = error
            spec = None
        yield lint
        if spec is None:
            return
        self.session.stash.setdefault(NAMES, {}).setdefault(spec.name, self.shown)
        self._mark(lint, spec.tags)
        for row in spec.tests:
            name = f"test[{terminal_safe(row.name)}]"
            # Given as text, so that pytest takes what the brackets hold for parameters (--lf).
            nodeid = f"{self.nodeid}::{name}"
            item: RowItem = RowItem.from_parent(self, name=name, nodeid=nodeid)
            item.row = row
            item.user_properties += [("file", self.shown), ("line", row.span.line)]
            self._mark(item, spec.tags)
            yield item
        for name in ("dry-run", "verify"):
            if self.config.getoption(f"--migrate-{name}"):
                run: RunItem = RunItem.from_parent(self, name=name)
                self._mark(run, spec.tags)
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
        return check(self._load())

    @property
    def usable(self) -> Spec:
        """Return the spec, or fail the item that asks where it has errors."""
        if self.checked.spec is None or self.checked.has_errors:
            pytest.fail(f"{self.shown} has errors; its lint item tells them", pytrace=False)
        return self.checked.spec

    @cached_property
    def run_row(self) -> RowRunner:
        """Return what runs a row test; the mapping is compiled once."""
        return row_runner(self.usable)

    def _load(self) -> LoadedSpec:
        """Read the spec: to collect it, and again to run it, as hundreds may be collected."""
        allowed = bool(self.config.getini("migrate_allow_functions"))
        return load(self.path, self.shown, allow_functions=allowed)

    def _mark(self, item: pytest.Item, tags: Iterable[str]) -> None:
        for tag in tags:
            item.extra_keyword_matches.add(tag)
            if not tag.startswith("_"):  # pytest has no such marks; -k selects them
                # Registered first, so that --strict-markers holds.
                self.config.addinivalue_line("markers", f"{tag}: a tag of migration specs")
                item.add_marker(tag)


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

    row: RowTest

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the row test stands; pytest counts lines from 0."""
        return self.path, self.row.span.line - 1, self.name

    def runtest(self) -> None:
        """Fail with what differs, and nothing else."""
        file = _file_of(self)
        result = file.run_row(self.row)
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
        from retable.runner.cli.reports import Wanted  # noqa: PLC0415 -- asked for, seldom
        from retable.runner.cli.runs import dry_run_spec  # noqa: PLC0415 -- asked for, seldom
        from retable.runner.cli.verifications import verify_spec  # noqa: PLC0415 -- as above

        run_dir = self.config.getoption("--migrate-run-dir")
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
