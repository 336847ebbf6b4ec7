"""The report as one self-contained HTML page: no network, no script, no font.

The template lays out the tables of ``figure_tables`` and the charts of ``charts``; jinja2 escapes
every text, and a content security policy in the page blocks whatever might get past that. Control
characters are shown as escapes.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from retable.runner.report import figure_tables
from retable.runner.report.charts import Chart, charts
from retable.runner.report.model import Report
from retable.runner.report.words import (
    COMMANDS,
    failure_words,
    place_text,
    sample_note,
    subject,
    summary,
    value_text,
)
from retable.runner.text.escape import shortened, terminal_safe
from retable.runner.text.figures import duration, number

CELL = 200
"""How many cells of a value are shown; a value may have 400 KB."""
ROWS = 500
MAX_SQL = 20_000
ORDER = (
    *("rewrite", "counts", "checks", "differences", "buckets", "sql", "reasons", "rejects"),
    *("collisions", "histogram", "largest", "partitions", "throughput", "attributes", "indexes"),
    "steps",
)
"""The page's sections."""


def render_html(report: Report) -> bytes:
    """Return ``report`` as one HTML page in UTF-8."""
    drawn, tables = charts(report), _tables(report)
    page = _template().render(
        report=report,
        command=COMMANDS[report.command],
        summary=summary(report),
        subject=subject(report),
        sample=sample_note(report),
        failure=failure_words(report),
        seconds=sum(step.seconds or 0 for step in report.steps),
        charts=drawn,
        tables=tables,
        contents=[(name, title) for name, title in _sections(report, drawn, tables) if title],
        differences=figure_tables.differences_table(report),
        failed=[check for check in report.checks if check.outcome != "passed" and check.sql],
        style=Markup(_text("page.css")),  # noqa: S704 -- a file of ours
        rows=ROWS,
        shows_values=any(
            change.expected or change.actual
            for row in report.first_differences
            for change in row.changes
        ),
    )
    return page.encode("utf-8", "backslashreplace")


def _tables(report: Report) -> dict[str, figure_tables.Table]:
    """Return every table without a chart, by name."""
    made: tuple[Callable[[Report], figure_tables.Table], ...] = (
        figure_tables.rewrite_table,
        figure_tables.checks_table,
        figure_tables.rejects_table,
        figure_tables.collisions_table,
        figure_tables.largest_table,
        figure_tables.attributes_table,
        figure_tables.indexes_table,
    )
    return {table.name: table for table in (make(report) for make in made)}


def _sections(
    report: Report, drawn: Mapping[str, Chart], tables: Mapping[str, figure_tables.Table]
) -> Iterator[tuple[str, str]]:
    """Yield the page's sections in order, each with its title; an empty section has no title."""
    own = {"differences": "First differences" if report.first_differences else ""}
    failed = any(check.outcome != "passed" and check.sql for check in report.checks)
    own["sql"] = "Run the checks yourself" if failed else ""
    for name in ORDER:
        if name in own:
            yield name, own[name]
        elif name in drawn:
            yield name, drawn[name].title
        elif name in tables and tables[name].rows:
            yield name, tables[name].title


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        cell=_cell,
        duration=duration,
        lines=_lines,
        moment=_moment,
        number=number,
        place=place_text,
        value=value_text,
    )
    return environment.from_string(_text("page.html"))


def _text(name: str) -> str:
    return resources.files("retable.runner.report").joinpath(name).read_text("utf-8")


def _moment(text: str) -> str:
    """Return an ISO 8601 time to the minute; any other text unchanged."""
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M %Z")
    except ValueError:
        return _cell(text)


def _cell(text: Any, cells: int = CELL) -> str:
    """Return a text on one line, cut if it is long, with control characters escaped."""
    return shortened(str(text), cells)


def _lines(text: str) -> str:
    """Return a text with its line breaks."""
    shown = "\n".join(terminal_safe(line) for line in text[:MAX_SQL].splitlines())
    return shown if len(text) <= MAX_SQL else f"{shown}\n… cut; all of it is in report.json"
