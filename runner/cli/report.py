"""``migrate report``: shows the report of a run, in any format."""

import os
import sys
from pathlib import Path

import click

from retable.runner.cli.options import run_dir_option, state_option

FORMATS = ("text", "json", "junit", "markdown", "html")
"""Those of ``report.formats``, which is not imported to keep ``--help`` fast."""


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to show it.",
)
@state_option
@run_dir_option
def report(*, run_id: str, form: str, state: str | None, run_dir: Path) -> None:
    """Show the report that RUN wrote when it ended.

    Markdown is truncated to GitHub's limit for a comment. Redirect the output to write a file:

    \b
        migrate report 7f3a-c21e --format html > report.html
    """  # noqa: D301 -- \b is a character here, by which click keeps the lines
    from retable.runner.commands.state_option import from_environment, looked_up, state_of
    from retable.runner.failure import Refused
    from retable.runner.report.formats import render
    from retable.runner.report.json import read_report
    from retable.runner.report.plain_text import render_text
    from retable.runner.runs.folder import open_folder

    with looked_up(state_of(state), run_dir, from_environment, run_id) as runs:
        folder = open_folder(runs, run_id)
        if not folder.report.is_file():
            message = f"run {run_id} has not written a report yet"
            raise Refused(message, f"migrate status {run_id} shows its progress")
        found = read_report(folder.report)
    if form == "text":
        render_text(found, sys.stdout, os.environ)
    else:
        # Raw bytes: a file must not depend on the terminal's encoding.
        sys.stdout.flush()
        sys.stdout.buffer.write(render(found, form))
