"""Reads the Python file with a spec's own functions. Nothing here runs it."""

from dataclasses import replace
from pathlib import Path

from retable.runner.failure import Refused
from retable.schema.problem import SpecError
from retable.schema.rules import Rule
from retable.schema.spec import Functions, Spec
from retable.transforms.functions.custom import declared_functions

MAX_FILE_BYTES = 256_000
"""More than anyone reviews."""
ALLOW = "--allow-functions"


def with_functions(spec: Spec, *, allowed: bool) -> Spec:
    """Return ``spec`` with the text of its functions, and whether they may be run.

    Raises:
        SpecError: the file does not exist, cannot be read or is outside the spec's folder.
    """
    own = spec.transform.functions
    if own is None:
        return spec
    read = Functions(file=own.file, text=_text(spec, own), allowed=allowed)
    return replace(spec, transform=replace(spec.transform, functions=read))


def signatures(spec: Spec) -> tuple[str, ...]:
    """Return the signatures of the spec's own functions."""
    own = spec.transform.functions
    return () if own is None else tuple(one.usage for one in declared_functions(own))


def require_allowed(spec: Spec) -> None:
    """Refuse to continue with functions that the user has not allowed to run.

    Raises:
        Refused: naming the file and the option.
    """
    own = spec.transform.functions
    if own is not None and not own.allowed:
        message = f"transform.functions: {own.file} contains Python that is not allowed to run"
        raise Refused(message, f"review it, then add {ALLOW}")


def _text(spec: Spec, own: Functions) -> str:
    folder = spec.origin.folder.resolve()
    path = (folder / own.file).resolve()
    if not path.is_relative_to(folder):
        raise _problem(spec, f"{own.file} leads outside the spec's folder")
    try:
        return _read(path)
    except FileNotFoundError:
        message = f"there is no file {own.file} beside the spec"
    except UnicodeDecodeError:
        message = f"{own.file} is not UTF-8 text"
    except ValueError:
        message = f"{own.file} has more than {MAX_FILE_BYTES:,} bytes"
    except OSError as error:
        message = f"{own.file} cannot be read: {error.strerror}"
    raise _problem(spec, message)


def _read(path: Path) -> str:
    with path.open("rb") as stream:
        raw = stream.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise ValueError(path)
    return raw.decode()


def _problem(spec: Spec, message: str) -> SpecError:
    span = spec.origin.span(("transform", "functions"))
    problem = Rule.FUNCTIONS_FILE.finding(spec.origin.file, span, message)
    return SpecError((problem,), spec.origin.text)
