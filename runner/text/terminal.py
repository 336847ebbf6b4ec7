"""Consoles on the streams of a command: colour on a terminal, plain lines elsewhere.

These consoles have no markup, emoji codes or highlighting, so data cannot style itself.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NoReturn, TextIO

from rich.console import Console
from rich.text import Text

NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})


class PlainConsole(Console):
    """A console that lets the command decide what to do when its reader closes (``| head``)."""

    def on_broken_pipe(self) -> NoReturn:
        """Raise the error again; rich itself would exit, and a run must not exit over a line."""
        self.quiet = True
        raise BrokenPipeError


def console_on(stream: TextIO, environ: Mapping[str, str] = NO_ENVIRONMENT) -> Console:
    """Return a console that writes to ``stream``.

    ``environ`` is the process's environment: ``NO_COLOR``, ``FORCE_COLOR`` and ``TERM`` count.
    """
    return PlainConsole(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        force_jupyter=False,
        # FORCE_COLOR, which many CI systems set, would turn animation on as well.
        force_interactive=False if in_ci(environ) else None,
        _environ=environ,
    )


def in_ci(environ: Mapping[str, str]) -> bool:
    """Return whether the process runs in continuous integration, by the usual variable."""
    return environ.get("CI", "").lower() not in {"", "0", "false"}


def print_line(console: Console, line: Text) -> None:
    """Print one line unchanged: never wrapped or cut, so that it can be copied and searched."""
    console.print(line, soft_wrap=True)
