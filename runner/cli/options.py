"""The options that several commands share, so they mean the same everywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from retable.runner.commands.report_files import DEFAULT_REPORT_DIR

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_RUN_DIR = Path(".migrate")

spec_argument = click.argument("spec", type=click.Path(path_type=Path))


allow_functions_option = click.option(
    "--allow-functions",
    is_flag=True,
    help="Allow running the Python file in transform.functions; review it first.",
)


def run_dir_option(command: Command) -> Command:
    """Add ``--run-dir``."""
    option = click.option(
        "--run-dir",
        type=click.Path(path_type=Path),
        default=DEFAULT_RUN_DIR,
        show_default=True,
        help="The folder that contains the run folders.",
    )
    return option(command)


def state_option(command: Command) -> Command:
    """Add ``--state``."""
    option = click.option(
        "--state",
        metavar="s3://BUCKET/PREFIX",
        help="Keep runs in S3, so another machine can resume them; ?owner=ACCOUNT&kms-key=KEY.",
    )
    return option(command)


def sandbox_option(command: Command) -> Command:
    """Add ``--sandbox``."""
    option = click.option(
        "--sandbox",
        is_flag=True,
        help="Use a local AWS in this process, seeded from the spec; needs no AWS account.",
    )
    return option(command)


def report_options(command: Command) -> Command:
    """Add ``--report``, ``--report-dir`` and ``--show-values``."""
    formats = click.option(
        "--report",
        "report_formats",
        default="",
        metavar="FORMATS",
        help="Reports to write, comma-separated: html, json, junit, markdown, text.",
    )
    folder = click.option(
        "--report-dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_REPORT_DIR,
        show_default=True,
        help="The folder for --report.",
    )
    values = click.option(
        "--show-values",
        is_flag=True,
        help="Include the differing values of items in reports, not only their keys.",
    )
    return formats(folder(values(command)))
