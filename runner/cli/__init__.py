"""The ``migrate`` command. Each subcommand is imported only when it is called.

A module here reads the flags of its subcommand; where ``commands`` has a module of the same name,
that one has the use case.
"""

import importlib
import io
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

COMMANDS = {
    "init": "draft a spec for a table",
    "lint": "check specs without changing anything",
    "test": "run the row tests of specs",
    "plan": "show what a run would do",
    "run": "rebuild the table",
    "restore": "restore the table that a run deleted",
    "verify": "compare the rebuilt table with its export",
    "doctor": "check everything a run needs",
    "export": "export the source table to S3 and wait",
    "status": "list runs and their progress",
    "report": "show a run's report",
    "sandbox": "serve a seeded local AWS until Ctrl-C",
    "spec-diff": "show what changed between two specs",
    "comment": "post results to a pull request",
    "explain": "explain a linter rule",
    "schema": "print the JSON Schema of specs",
}
"""Every subcommand and its line in ``migrate --help``; the modules have the same names."""


class LazyGroup(click.Group):
    """A group whose help needs no subcommand's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the subcommands in the order of use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the subcommand ``cmd_name``."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"retable.runner.cli.{name}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of subcommands from ``COMMANDS``."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: migrate run specs/orders.migrate.yaml --sandbox",
)
@click.version_option(package_name="retable", prog_name="migrate")
def migrate() -> None:
    """Rebuild a DynamoDB table under a new key from its S3 export, as one reviewed spec describes.

    Exit codes: 0 ok; 1 findings, failed checks or a mismatch; 2 bad spec or usage, nothing changed;
    3 stopped by an external failure, resumable; 4 plan stale or already applied; 10 plan has
    changes (plan --detailed-exitcode only); 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code. The one place that prints errors."""
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        # An ASCII stream must not fail on the first other character.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = migrate.main(args=arguments, prog_name="migrate", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        sys.exit(_interrupted())
    except KeyboardInterrupt:
        sys.exit(_interrupted())
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The output pipe was closed (``| head``); nothing more can be printed.
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 -- the last place to report an error
        sys.exit(_report_error(error))


def _interrupted() -> int:
    """Report that the command was interrupted and return its exit code."""
    from retable.runner.failure import EXIT_INTERRUPTED

    sys.stderr.write("interrupted\n")
    return EXIT_INTERRUPTED


def _report_error(error: Exception) -> int:
    """Write the error to stderr and return the exit code; an unexpected error is raised again."""
    from retable.runner.failure import EXIT_STOPPED, EXIT_USAGE, Failure
    from retable.schema.problem import SpecError

    if isinstance(error, SpecError):
        from retable.runner.text.code_frame import render_problems

        sys.stderr.write(render_problems(error.problems, error.text))
        return EXIT_USAGE
    from retable.runner.text.escape import terminal_safe

    if isinstance(error, Failure):
        sys.stderr.write(f"error: {terminal_safe(error.message)}\n")
        if error.hint:
            sys.stderr.write(f"  = help: {terminal_safe(error.hint)}\n")
        return error.exit_code
    if isinstance(error, OSError):
        place = f": {terminal_safe(str(error.filename))}" if error.filename else ""
        sys.stderr.write(f"error: {error.strerror or 'the system refused'}{place}\n")
        sys.stderr.write("  = help: fix the cause, then resume with --resume\n")
        return EXIT_STOPPED
    raise error


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Treat SIGTERM, which pipelines send, like Ctrl-C."""
    del signum, frame
    raise KeyboardInterrupt
