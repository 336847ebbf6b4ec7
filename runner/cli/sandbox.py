"""``migrate sandbox``: serves a seeded sandbox to other programs. It runs no migration."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retable.runner.cli.options import spec_argument

if TYPE_CHECKING:
    from retable.runner.sandbox.seed import SeedReport


@click.command()
@spec_argument
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port to listen on; 0 picks a free one.",
)
@click.option(
    "--writer",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="RATE",
    help="Simulate an application that keeps writing to the source table, writes per second.",
)
@click.option(
    "--policy-delay",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long a resource policy is visible before it takes effect.",
)
def sandbox(*, spec: Path, port: int, writer: float, policy_delay: float) -> None:
    """Serve a local stand-in for AWS that contains the source table of SPEC, until Ctrl-C.

    Evaluate the lines on stdout in a shell, and this program and any AWS SDK use it. The port opens
    once the data is seeded. Nothing is kept when it stops.
    """
    import threading

    from retable.runner.commands.sandbox_app import deploy_app
    from retable.runner.sandbox.sandbox_options import SandboxOptions
    from retable.runner.sandbox.seed import seed
    from retable.runner.sandbox.server import SandboxServer
    from retable.runner.spec.checked_spec import load_checked_spec

    parsed = load_checked_spec(spec)
    options = SandboxOptions(writer_rate=writer, policy_delay_seconds=policy_delay)
    try:
        with SandboxServer(options=options) as server:
            # Seeded over a private port, so the public one opens only once everything is seeded.
            report = seed(server.endpoint, parsed, deploy_app)
            server.open(port)
            for line in _described(report):
                click.echo(line, err=True)
            for name, value in server.environment().items():
                click.echo(f"export {name}={value}")
            threading.Event().wait()
    except KeyboardInterrupt:
        # Ctrl-C and SIGTERM end it.
        return


def _described(report: "SeedReport") -> Iterator[str]:
    """Yield one line for each thing that was seeded."""
    from retable.runner.text.escape import terminal_safe

    yield terminal_safe(f"sandbox: table {report.table} with {report.items:,} items")
    if report.guessed is not None:
        yield terminal_safe(f"sandbox: guessed that {report.guessed} is its key; see sandbox.key")
    if report.export_id is not None:
        yield f"sandbox: export {report.export_id} is finished"
    yield "sandbox: Ctrl-C stops it"
