"""The formats of a report by name: the renderer of each, and the files it is written to."""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from retable.runner.disk import not_written
from retable.runner.failure import Refused
from retable.runner.report.html import render_html
from retable.runner.report.json import encode_report
from retable.runner.report.junit import render_junit
from retable.runner.report.markdown import STEP_SUMMARY_BYTES, render_markdown
from retable.runner.report.model import Report
from retable.runner.report.plain_text import render_text

FORMATS = ("text", "json", "junit", "markdown", "html")


def render(report: Report, form: str) -> bytes:
    """Return ``report`` in the format called ``form``; text is without colour."""
    return _RENDERERS[form](report)


def formats_of(names: str) -> tuple[str, ...]:
    """Return the formats in a list such as ``html,json``.

    Raises:
        Refused: one of them does not exist.
    """
    found = tuple(name.strip() for name in names.split(",") if name.strip())
    for name in found:
        if name not in FORMATS:
            message = f"there is no report format {name!r}"
            raise Refused(message, f"there are {', '.join(FORMATS)}")
    return found


def write_reports(report: Report, forms: Sequence[str], folder: Path) -> None:
    """Write ``report`` into ``folder`` in each of ``forms``; create the folder.

    Raises:
        Stopped: the disk is full or not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for form in forms:
            for name, renderer in FILES[form].items():
                (folder / name).write_bytes(renderer(report))
    except OSError as error:
        raise not_written(error, folder) from error


def _text(report: Report) -> bytes:
    stream = io.StringIO()
    render_text(report, stream)
    return stream.getvalue().encode("utf-8", "backslashreplace")


def _step_summary(report: Report) -> bytes:
    return render_markdown(report, STEP_SUMMARY_BYTES)


Renderer = Callable[[Report], bytes]
_RENDERERS: Mapping[str, Renderer] = {
    "text": _text,
    "json": encode_report,
    "junit": render_junit,
    "markdown": render_markdown,
    "html": render_html,
}
FILES: Mapping[str, Mapping[str, Renderer]] = {
    "text": {"report.txt": _text},
    "json": {"report.json": encode_report},
    "junit": {"junit.xml": render_junit},
    "markdown": {"comment.md": render_markdown, "summary.md": _step_summary},
    "html": {"report.html": render_html},
}
"""What is written for each format; GitHub's comments and step summaries have different limits."""
