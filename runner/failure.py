"""The failures that end a command, and the exit codes.

A wrong spec is ``retable.schema.problem.SpecError`` (exit 2). This module has the rest.
"""

EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_STOPPED = 3
EXIT_STALE = 4
EXIT_CHANGES = 10
"""Only with ``migrate plan --detailed-exitcode``."""
EXIT_INTERRUPTED = 130


class Failure(Exception):  # noqa: N818 -- the subclasses name the kind
    """A command that stops with a clear message.

    ``message`` names the thing, what was expected and what was found; ``hint`` says what to do.
    Neither ever holds an item's value or a secret.
    """

    exit_code = EXIT_FINDINGS

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep the message and the hint apart, so renderers can format them separately."""
        self.message = message
        self.hint = hint
        super().__init__(message if hint is None else f"{message}\n  {hint}")


class CheckFailed(Failure):
    """The data or the table is wrong: a digest, a count, a verification. A result, exit 1."""


class Refused(Failure):
    """The command cannot be carried out as given; nothing was changed. Exit 2."""

    exit_code = EXIT_USAGE


class Stopped(Failure):
    """An external failure: network, credentials, throttling, disk. Resumable, exit 3."""

    exit_code = EXIT_STOPPED


class Stale(Failure):
    """The plan does not match the current state, or was already applied. Exit 4."""

    exit_code = EXIT_STALE
