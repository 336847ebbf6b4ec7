"""The reports that a command writes, beside the text that it prints."""

from dataclasses import dataclass
from pathlib import Path

DEFAULT_REPORT_DIR = Path("reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """The reports that the command line requests, beside the text on stdout."""

    formats: tuple[str, ...] = ()
    folder: Path = DEFAULT_REPORT_DIR
    only_key: str | None = None
    """The canonical key of the only item to verify."""
    show_values: bool = False
    """Whether reports may hold values of items that differ."""


def requested_reports(report_formats: str, report_dir: Path, *, show_values: bool) -> ReportOptions:
    """Return the reports that the options request.

    Raises:
        Refused: a format does not exist.
    """
    from retable.runner.report.formats import formats_of

    formats = formats_of(report_formats)
    return ReportOptions(formats=formats, folder=report_dir, show_values=show_values)
