"""Everything the linter reports about a spec that can be run: every pass, in order."""

from retable.runner.lint.key_advice import check_keys
from retable.runner.lint.path_advice import check_paths
from retable.runner.lint.row_advice import check_rows
from retable.runner.lint.safety_advice import check_safety
from retable.runner.lint.subject import Subject
from retable.runner.lint.verify_advice import check_verification
from retable.schema.findings import first_of
from retable.schema.problem import Problem
from retable.schema.spec import Spec

PASSES = (check_safety, check_keys, check_paths, check_verification, check_rows)


def advise(spec: Spec) -> tuple[Problem, ...]:
    """Return what a reviewer should know about ``spec``, which has no errors."""
    subject = Subject(spec)
    return tuple(first_of(problem for check in PASSES for problem in check(subject)))
