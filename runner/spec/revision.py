"""Loads a spec from a path, or from a git revision: ``main:specs/a.migrate.yaml``."""

import re
import subprocess
from pathlib import Path

from retable.runner.failure import Refused
from retable.schema import load_spec
from retable.schema.load import MAX_BYTES, read_spec
from retable.schema.spec import Spec

# Neither may be mistaken for a git option.
_REVISION = re.compile(r"(?P<revision>[^-:][^:]*):(?P<path>.+)")
SECONDS = 30


def load_revision(name: str) -> Spec:
    """Return the spec called ``name``: a file, else ``REVISION:PATH`` as git accepts it.

    Raises:
        SpecError: it is not a valid spec.
        Refused: there is no such file and no such revision, or no git.
    """
    found = _REVISION.fullmatch(name)
    if Path(name).exists() or found is None:
        return load_spec(name)
    return read_spec(name, _show(found["revision"], found["path"]))


def _show(revision: str, path: str) -> bytes:
    command = ("git", "show", "--end-of-options", f"{revision}:{path}")
    try:
        done = subprocess.run(  # noqa: S603 -- git itself, with one argument that is no option
            command, capture_output=True, check=False, timeout=SECONDS, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        message = f"{revision}:{path} names a revision, but git is not installed"
        raise Refused(message, "pass a file") from None
    except subprocess.TimeoutExpired:
        message = f"git took more than {SECONDS} s to show {revision}:{path}"
        raise Refused(message) from None
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        message = f"git has no {revision}:{path}: {reason[-1] if reason else 'no reason given'}"
        raise Refused(message, "the path is relative to the repository's root")
    return done.stdout[: MAX_BYTES + 1]
