"""The report as text for people: the verdict first, then the figures, then how to find out more.

It shows what the report holds and computes nothing. Everything from data or from the spec is made
safe for the terminal, and lines are never wrapped, so that they can be copied.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.text import Text

from retable.runner.report.figure_tables import (
    Table,
    attributes_table,
    changes_text,
    collisions_table,
    histogram_table,
    indexes_table,
    largest_table,
    partitions_table,
    rejects_table,
)
from retable.runner.report.model import Check, Report
from retable.runner.report.words import (
    CHECK_WORDS,
    count_rows,
    differences_in_all,
    estimated,
    failure_words,
    sample_note,
    size_words,
    subject,
    summary,
    value_text,
)
from retable.runner.text.escape import shortened, terminal_safe
from retable.runner.text.figures import duration, number, plural, scalar
from retable.runner.text.terminal import NO_ENVIRONMENT, console_on, print_line

VERDICT_STYLES = {"passed": "bold green", "failed": "bold red", "incomplete": "bold yellow"}
OUTCOME_STYLES = {
    "passed": "green",
    "done": "green",
    "failed": "bold red",
    "unevaluated": "yellow",
    "stopped": "yellow",
}
FIRST_DIFFERENCES = 10
"""How many differing items are shown; all are in ``diff.jsonl``."""
FIRST_ROWS = 20
"""How many rows of a table about the items are shown; the other formats show more."""
FIRST_FEW = 5
VALUE_CELLS = 40
SHELL_ACTIVE = frozenset('"$`\\!')
"""Characters that a shell interprets inside double quotes."""
Cell = tuple[str, str]
"""A text that is safe to print, and its style."""


def render_text(
    report: Report, stream: TextIO, environ: Mapping[str, str] = NO_ENVIRONMENT
) -> None:
    """Print ``report`` on ``stream``; in colour if that is a terminal and ``environ`` allows it."""
    console = console_on(stream, environ)
    for line in report_lines(report):
        print_line(console, line)


def report_lines(report: Report) -> Iterator[Text]:
    """Yield the report line by line, sections separated by empty lines."""
    yield _verdict(report)
    yield _subject(report)
    sections = (
        _failure(report),
        _items(report),
        *_item_sections(report),
        _checks(report.checks),
        _differences(report),
        _steps(report),
        _reproduce(report),
        _notes(report),
        _where(report),
    )
    for section in sections:
        lines = list(section)
        if lines:
            yield Text()
            yield from lines


def _verdict(report: Report) -> Text:
    head = (report.verdict.upper(), VERDICT_STYLES[report.verdict])
    return Text.assemble(head, (f" {report.command}  ", "bold"), terminal_safe(summary(report)))


def _subject(report: Report) -> Text:
    return Text("  " + "  ".join(map(terminal_safe, subject(report))), style="dim")


def _failure(report: Report) -> Iterator[Text]:
    """Yield why the command ended, unless the first line says it all, and what to do."""
    if failure_words(report):
        yield Text.assemble("  ", (terminal_safe(failure_words(report)), "bold"))
    if report.hint is not None:
        yield Text.assemble(("  = help: ", "blue"), terminal_safe(report.hint))


def _items(report: Report) -> Iterator[Text]:
    rows = count_rows(report)
    if not rows:
        return
    figures = [number(row.count) for row in rows]
    if report.sample is not None:
        figures = [f"≈ {number(estimated(report, row.count))}" for row in rows]
    width = max(map(len, figures))
    yield Text.assemble(("  items", "bold"), f"  {sample_note(report)}".rstrip())
    for row, figure in zip(rows, figures, strict=True):
        line = f"  {row.name:<12}  {figure.rjust(width)}   {terminal_safe(row.remark)}"
        yield Text(line.rstrip())
    words = size_words(report)
    if words and report.command == "dry-run":
        yield Text(f"  {words}")


def _item_sections(report: Report) -> Iterator[Iterator[Text]]:
    """Yield the sections about the items; most of them only for a dry run, which is about them."""
    for make in (rejects_table, collisions_table):
        yield _table(make(report), FIRST_ROWS)
    if report.command == "dry-run":
        for make in (histogram_table, attributes_table, indexes_table):
            yield _table(make(report), FIRST_ROWS)
        for make in (largest_table, partitions_table):
            yield _table(make(report), FIRST_FEW)


def _table(table: Table, limit: int) -> Iterator[Text]:
    """Yield the first ``limit`` rows of a table with its title, unless it has none."""
    rows, cut = table.first(limit)
    if not rows:
        return
    note = "; ".join(filter(None, (table.note, cut)))
    yield Text.assemble((f"  {table.title.lower()}", "bold"), f"  {terminal_safe(note)}".rstrip())
    cells: list[Sequence[Cell]] = [[(name, "bold") for name in table.head]]
    cells += [[(shortened(text), "") for text in row] for row in rows]
    yield from _aligned(cells, table.numeric)


def _checks(checks: Sequence[Check]) -> Iterator[Text]:
    if not checks:
        return
    rows: list[Sequence[Cell]] = [
        [("check", "bold"), ("expected", "bold"), ("actual", "bold"), ("", "")]
    ]
    for check in checks:
        word = (CHECK_WORDS[check.outcome], OUTCOME_STYLES[check.outcome])
        both = (scalar(check.expected), scalar(check.actual))
        values = [(shortened(value, VALUE_CELLS), "") for value in both]
        rows.append([(shortened(check.name), ""), *values, word])
    head, *lines = _aligned(rows)
    yield head
    for line, check in zip(lines, checks, strict=True):
        if check.message:
            line.append(f"  {terminal_safe(check.message)}")
        yield line


def _differences(report: Report) -> Iterator[Text]:
    shown = report.first_differences[:FIRST_DIFFERENCES]
    if shown:
        names = list(dict.fromkeys(name for row in shown for name in row.key))
        head: list[Cell] = [("", ""), *((shortened(name), "bold") for name in names), ("", "")]
        rows: list[Sequence[Cell]] = [head]
        for row in shown:
            values = [
                (shortened(value_text(row.key[name])) if name in row.key else "-", "")
                for name in names
            ]
            changes = [(shortened(text), "") for text in (changes_text(row),)]
            rows.append([(row.kind, "red"), *values, *changes])
        yield from _aligned(rows)
    total = differences_in_all(report)
    if total > len(shown):
        rest = f"… {number(total - len(shown))} more" if shown else plural(total, "difference")
        yield Text(f"  {rest} in {terminal_safe(report.run_folder)}/diff.jsonl")


def _steps(report: Report) -> Iterator[Text]:
    if not report.steps:
        return
    rows: list[Sequence[Cell]] = [[("step", "bold"), ("time", "bold"), ("", "")]]
    for step in report.steps:
        outcome = (step.outcome, OUTCOME_STYLES.get(step.outcome, "dim"))
        rows.append([(terminal_safe(step.title), ""), (duration(step.seconds), ""), outcome])
    yield from _aligned(rows)


def _reproduce(report: Report) -> Iterator[Text]:
    failed = [check for check in report.checks if check.outcome != "passed" and check.sql]
    if not failed:
        return
    yield Text("  Reproduce with", style="bold")
    for check in failed:
        # A shell keeps line breaks inside quotes; each line is made safe by itself.
        command = f"duckdb -c {_quoted((check.sql or '').strip())}"
        for line in command.splitlines():
            yield Text(f"    {terminal_safe(line)}")


def _quoted(sql: str) -> str:
    """Return ``sql`` as one shell word, in double quotes if possible, since SQL has single ones."""
    return shlex.quote(sql) if SHELL_ACTIVE.intersection(sql) else f'"{sql}"'


def _notes(report: Report) -> Iterator[Text]:
    for note in report.notes:
        yield Text.assemble(("  ! ", "yellow"), terminal_safe(note))


def _where(report: Report) -> Iterator[Text]:
    folder = terminal_safe(report.run_folder)
    explore = f"; explore it with duckdb {folder}/explore.duckdb" if report.sizes else ""
    yield Text(f"  Everything is in {folder}{explore}", style="dim")


def _aligned(
    rows: Sequence[Sequence[Cell]], numeric: frozenset[int] = frozenset()
) -> Iterator[Text]:
    """Yield ``rows`` with their columns aligned by terminal width, two spaces between them.

    Columns in ``numeric`` are aligned right, including their heads.
    """
    columns = zip(*rows, strict=True)
    widths = [max(cell_len(text) for text, _ in column) for column in columns]
    for row in rows:
        line = Text("  ")
        for column, ((text, style), width) in enumerate(zip(row, widths, strict=True)):
            room = " " * (width - cell_len(text))
            line.append(room if column in numeric else "")
            line.append(text, style)
            line.append("  " if column in numeric else room + "  ")
        line.rstrip()
        yield line
