"""The reports that a command was asked to write, beside the text that it prints."""

from dataclasses import dataclass
from pathlib import Path

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


def wanted(report_formats: str, report_dir: Path, *, show_values: bool) -> Wanted:
    """Return what the report options ask for.

    Raises:
        Refused: a format does not exist.
    """
    from retable.runner.report.formats import formats_of

    formats = formats_of(report_formats)
    return Wanted(formats=formats, folder=report_dir, show_values=show_values)
