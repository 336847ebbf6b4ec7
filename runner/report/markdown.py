"""The report as Markdown for GitHub: a pull request's comment, a job's step summary.

Both have a size limit, so tables are cut until everything fits, and every cut is announced. No item
is named, by key or by value: comments stay, and many people may read them. Data is set as code, in
which GitHub renders nothing, links nothing and notifies nobody.
"""

import re
from collections.abc import Iterator

from retable.runner.report.figure_tables import (
    Table,
    attributes_table,
    checks_table,
    collisions_table,
    counts_table,
    histogram_table,
    indexes_table,
    partitions_table,
    rejects_table,
    rewrite_table,
    steps_table,
    throughput_table,
)
from retable.runner.report.model import Report
from retable.runner.report.words import COMMANDS, failure_words, size_words, subject, summary
from retable.runner.text.escape import shortened, terminal_safe

COMMENT_BYTES = 65_000
"""GitHub refuses a comment of more than 65,536 characters; a text never has fewer bytes."""
STEP_SUMMARY_BYTES = 1_000_000
"""GitHub drops a step's summary of more than 1 MiB."""
ROW_LIMITS = (500, 100, 50, 20, 10, 5, 1, 0)
"""The row limits to try, one after the other, until everything fits."""
CELL = 120
SQL_CELLS = 2_000
MARKS = {"passed": "✅", "failed": "❌", "incomplete": "⚠️"}
ZERO_WIDTH = "\u200b"


def render_markdown(report: Report, budget: int = COMMENT_BYTES) -> bytes:
    """Return ``report`` as Markdown of at most ``budget`` bytes (a few thousand at least)."""
    for limit in ROW_LIMITS:
        text = "\n\n".join(_blocks(report, limit)).encode("utf-8", "backslashreplace") + b"\n"
        if len(text) <= budget:
            return text
    note = b"\n\n(cut to fit; all of it is in report.json)\n"
    return text[: budget - len(note)].decode("utf-8", "ignore").encode() + note


def _blocks(report: Report, limit: int) -> Iterator[str]:
    """Yield the document's blocks with at most ``limit`` rows a table."""
    yield f"### {MARKS[report.verdict]} {COMMANDS[report.command]} {report.verdict}"
    yield prose(summary(report))
    if failure_words(report):
        yield f"> {prose(failure_words(report))}"
    if report.hint is not None:
        yield f"> **Next:** {prose(report.hint)}"
    yield "<sub>" + " · ".join(map(code, subject(report))) + "</sub>"
    for table in (counts_table(report), checks_table(report), rejects_table(report)):
        yield from _table(table, limit)
    if report.command == "dry-run" and size_words(report):
        yield prose(size_words(report))
    yield from _folded(report, limit)
    yield from _sql(report, limit)
    for note in report.notes[:limit]:
        yield f"- ⚠️ {prose(note)}"
    if len(report.notes) > limit:
        yield f"{limit} of {len(report.notes):,} notes shown; all are in report.json"


def _folded(report: Report, limit: int) -> Iterator[str]:
    """Yield the sections that a reader can open."""
    tables = (
        rewrite_table(report),
        steps_table(report),
        collisions_table(report),
        histogram_table(report),
        partitions_table(report),
        attributes_table(report),
        indexes_table(report),
        throughput_table(report),
    )
    for table in tables:
        blocks = list(_table(table, limit, titled=False))
        if blocks:
            yield f"<details><summary>{prose(table.title)}</summary>"
            yield from blocks
            yield "</details>"


def _table(table: Table, limit: int, *, titled: bool = True) -> Iterator[str]:
    """Yield a table without its keys, and the notes on it."""
    bare = table.without_keys()
    rows, cut = bare.first(limit)
    if not bare.rows:
        return
    if titled:
        yield f"**{prose(table.title)}**"
    if rows:
        aligned = ["---:" if place in bare.numeric else "---" for place in range(len(bare.head))]
        lines = [[prose(name) for name in bare.head], aligned]
        lines += [[code(cell) if cell else "" for cell in row] for row in rows]
        yield "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    for note in filter(None, (table.note, cut)):
        yield f"<sub>{prose(note)}</sub>"


def _sql(report: Report, limit: int) -> Iterator[str]:
    """Yield the SQL behind each check that did not pass."""
    failed = [check for check in report.checks if check.outcome != "passed" and check.sql]
    for check in failed[:limit]:
        lines = (check.sql or "").splitlines()
        text = "\n".join(terminal_safe(line) for line in lines)
        cut = "\n-- cut; all of it is in report.json" if len(text) > SQL_CELLS else ""
        fence = _fence(text, 3)
        yield f"<details><summary>SQL of {prose(check.name)}</summary>"
        yield f"{fence}sql\n{text[:SQL_CELLS]}{cut}\n{fence}"
        yield "</details>"
    if len(failed) > limit:
        yield f"SQL of {limit} of {len(failed):,} checks shown; all of it is in report.json"


def code(text: str) -> str:
    """Return ``text`` as a code span on one line, also inside a table, cut if it is long."""
    shown = shortened(text, CELL).strip() or " "
    fence = _fence(shown, 1)
    # GitHub takes a pipe for a cell's end even inside code, unless it is escaped.
    inside = shown.replace("|", "\\|")
    room = " " if "`" in (inside[0], inside[-1]) else ""
    return f"{fence}{room}{inside}{room}{fence}"


def prose(text: str) -> str:
    """Return ``text`` on one line with nothing in it that Markdown or GitHub would interpret."""
    shown = shortened(text, SQL_CELLS)
    shown = re.sub(r"([\\`*_{}\[\]#|~!$^+])", r"\\\1", shown)
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Mentions, references and links are found in the finished text: escaping does not stop them.
    return re.sub(r"(?<=[@#])|(?=://)|(?<=GH)(?=-)|(?<=www)(?=\.)", ZERO_WIDTH, shown)


def _fence(text: str, least: int) -> str:
    """Return more backticks than ``text`` has in a row anywhere."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(least, longest + 1)
