"""``migrate export``: exports a spec's source table and waits until that is finished."""

from pathlib import Path

import click

from retable.runner.cli.options import spec_argument


@click.command()
@spec_argument
def export(*, spec: Path) -> None:
    """Export the source table of SPEC to source.export.location and wait for it.

    A dry run and a plan use the newest finished export and never create one; this command does. A
    native export needs point-in-time recovery; kind: scan reads the table. Neither writes to it.
    """
    import os
    import random
    import sys

    from retable.runner.commands.connect import connector, environment
    from retable.runner.commands.export import export_source
    from retable.runner.report.console import progress_for
    from retable.runner.spec.checked_spec import load_checked_spec

    parsed = load_checked_spec(spec)
    token = f"{random.SystemRandom().getrandbits(64):016x}"
    with (
        environment(parsed, sandbox=False) as environ,
        progress_for(sys.stderr, os.environ) as progress,
    ):
        click.echo(export_source(parsed, connector(parsed, environ)(), token, progress))
