"""``migrate report``: shows the report of a run again."""

import os
import sys
from pathlib import Path

import click

from retable.runner.cli.options import run_dir_option, state_option


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to show it.",
)
@state_option
@run_dir_option
def report(*, run_id: str, form: str, state: str | None, run_dir: Path) -> None:
    """Show the report that RUN wrote when it ended."""
    from retable.runner.cli.state import asked_state, from_environment, looked_up
    from retable.runner.failure import Refused
    from retable.runner.folder import open_folder
    from retable.runner.report.json import read_report
    from retable.runner.report.text import render_text

    with looked_up(asked_state(state), run_dir, from_environment, run_id) as runs:
        folder = open_folder(runs, run_id)
        if not folder.report.is_file():
            message = f"run {run_id} has not written a report yet"
            raise Refused(message, f"migrate status {run_id} shows where it stands")
        if form == "json":
            click.echo(folder.report.read_text("utf-8"), nl=False)
        else:
            render_text(read_report(folder.report), sys.stdout, os.environ)
