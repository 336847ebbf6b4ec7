"""The findings of a pass over several specs, for any output format."""

from collections.abc import Sequence
from dataclasses import dataclass

from retable.runner.lint.spec_findings import LoadedSpec
from retable.runner.text.figures import plural
from retable.schema.problem import Problem


@dataclass(frozen=True, slots=True)
class LintResult:
    """The specs that were read, in the order of their files, each with its findings."""

    specs: Sequence[LoadedSpec]

    @property
    def problems(self) -> list[Problem]:
        """Return every finding, file by file."""
        return [problem for loaded in self.specs for problem in loaded.problems]

    @property
    def errors(self) -> int:
        """Return how many findings are errors."""
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        """Return how many findings are warnings."""
        return len(self.problems) - self.errors

    @property
    def summary(self) -> str:
        """Return the figures in one line."""
        counted = (("file", len(self.specs)), ("error", self.errors), ("warning", self.warnings))
        return ", ".join(plural(count, noun) for noun, count in counted)

    def fails(self, fail_on: str) -> bool:
        """Return whether the exit code is 1, given ``--fail-on``."""
        return bool(self.errors or (fail_on == "warning" and self.problems))
