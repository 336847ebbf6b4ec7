"""What commands do with the reports they make: the options that ask for files, and writing them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_REPORT_DIR = Path("reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The reports that the command line asks for beside the text on stdout."""

    formats: tuple[str, ...] = ()
    folder: Path = DEFAULT_REPORT_DIR
    only_key: str | None = None
    """The canonical key of the only item to verify."""
    show_values: bool = False
    """Whether reports may hold values of items that differ."""


def report_options(command: Command) -> Command:
    """Add ``--report``, ``--report-dir`` and ``--show-values``."""
    formats = click.option(
        "--report",
        "report_formats",
        default="",
        metavar="FORMATS",
        help="Write reports: html, json, junit, markdown, text; several with commas.",
    )
    folder = click.option(
        "--report-dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_REPORT_DIR,
        show_default=True,
        help="Where --report writes them.",
    )
    values = click.option(
        "--show-values",
        is_flag=True,
        help="Let reports hold the values in which items differ, not only their keys.",
    )
    return formats(folder(values(command)))


def wanted(report_formats: str, report_dir: Path, *, show_values: bool) -> Wanted:
    """Return what the report options ask for.

    Raises:
        Refused: a format does not exist.
    """
    from retable.runner.report.formats import formats_of

    formats = formats_of(report_formats)
    return Wanted(formats=formats, folder=report_dir, show_values=show_values)
