"""The CDK command line: which one to run, and its version."""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from retable.runner.failure import Refused

NAME = "cdk"
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)\b")
MAJOR = 2
"""Another major version reads other assemblies, and may have other options."""
INSTALL = "npm install aws-cdk@2 beside the app, or put cdk on the PATH"


@dataclass(frozen=True, slots=True)
class Program:
    """The command line as arguments: one, or npx and its options."""

    arguments: tuple[str, ...]

    def __str__(self) -> str:
        """Return the command as a string."""
        return " ".join(self.arguments)


def find_program(app: Path, environ: Mapping[str, str]) -> Program:
    """Return the command line for the app in ``app``.

    The one installed beside the app comes first, since its version was chosen with the app's
    library; then the one on the PATH; then what npx has cached, without an installation.

    Raises:
        Refused: there is none.
    """
    for folder in _bins(app):
        if shutil.which(NAME, path=str(folder)):
            return Program((str(folder / NAME),))
    path = environ.get("PATH", "")
    if found := shutil.which(NAME, path=path):
        return Program((str(Path(found).absolute()),))
    if found := shutil.which("npx", path=path):
        return Program((found, "--no-install", NAME))
    message = f"there is no CDK command line: looked in node_modules/.bin of {app} and of the "
    message += "folders above it, on the PATH, and for npx"
    raise Refused(message, INSTALL)


def require_version(program: Program, lines: tuple[str, ...], code: int) -> str:
    """Return the version that ``cdk --version`` printed.

    Raises:
        Refused: it printed none, or an unsupported one.
    """
    found = next((match for line in reversed(lines) if (match := VERSION.match(line))), None)
    if code or found is None:
        message = f"{program} --version ended with exit code {code} and printed no version"
        raise Refused(message, INSTALL)
    if int(found[1]) != MAJOR:
        message = f"{program} is version {found[0]}, expected {MAJOR}.x"
        raise Refused(message, INSTALL)
    return found[0]


def _bins(app: Path) -> Iterator[Path]:
    """Yield the folders where npm installs programs for the app, nearest first."""
    here = app.absolute()
    for folder in (here, *here.parents):
        yield folder / "node_modules" / ".bin"
