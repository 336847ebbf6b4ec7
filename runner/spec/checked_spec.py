"""A spec that is ready to run: loaded, with its expressions checked too."""

from pathlib import Path

from retable.runner.spec.own_functions import with_functions
from retable.runner.spec.row_files import with_rows
from retable.schema import load_spec
from retable.schema.problem import SpecError
from retable.schema.spec import Spec
from retable.transforms.check import check_expressions


def load_checked_spec(path: str | Path, *, allow_functions: bool = False) -> Spec:
    """Load the spec in the file ``path``; ``allow_functions`` permits running its own functions.

    Raises:
        SpecError: with every error, those inside expressions too.
    """
    spec = with_rows(with_functions(load_spec(path), allowed=allow_functions))
    errors = tuple(problem for problem in check_expressions(spec) if problem.severity == "error")
    if errors:
        raise SpecError(errors, spec.origin.text)
    return spec
