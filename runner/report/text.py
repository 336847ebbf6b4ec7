"""The report as text for a person: the verdict first, then the figures, then how to look closer.

It shows what the report holds and computes nothing. Everything that comes from data or from the
spec is made safe for the terminal, and lines are never wrapped, so that they can be copied.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.text import Text

from retable.runner.report.escape import shortened, terminal_safe
from retable.runner.report.figures import duration, number, plural, scalar
from retable.runner.report.model import Check, Report
from retable.runner.report.terminal import NO_ENVIRONMENT, console_on, print_line

VERDICT_STYLES = {"passed": "bold green", "failed": "bold red", "incomplete": "bold yellow"}
OUTCOME_STYLES = {
    "passed": "green",
    "done": "green",
    "failed": "bold red",
    "unevaluated": "yellow",
    "stopped": "yellow",
}
CHECK_WORDS = {"passed": "ok", "failed": "FAILED", "unevaluated": "could not be evaluated"}
FIRST_DIFFERENCES = 10
"""How many differing items are shown; all are in ``diff.jsonl``."""
VALUE_CELLS = 40
SHELL_ACTIVE = frozenset('"$`\\!')
"""What a shell does not leave alone inside double quotes."""
Cell = tuple[str, str]
"""A text that is safe to print, and its style."""


def render_text(
    report: Report, stream: TextIO, environ: Mapping[str, str] = NO_ENVIRONMENT
) -> None:
    """Print ``report`` on ``stream``; in colour where that is a terminal and ``environ`` agrees."""
    console = console_on(stream, environ)
    for line in report_lines(report):
        print_line(console, line)


def report_lines(report: Report) -> Iterator[Text]:
    """Yield the report line by line, sections set off by empty lines."""
    yield _verdict(report)
    yield _subject(report)
    sections = (
        _failure(report),
        _items(report),
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
    return Text.assemble(head, (f" {report.command}  ", "bold"), _summary(report))


def _summary(report: Report) -> str:
    """Return the verdict's reason in a few words."""
    found = _found_differences(report)
    failed = [check.name for check in report.checks if check.outcome == "failed"]
    if report.verdict == "passed":
        return _passed(report)
    if found:
        return f"{found} in table {terminal_safe(report.target)}"
    if failed:
        return f"{plural(len(failed), 'check')} failed: {terminal_safe(', '.join(failed))}"
    if report.failure is not None:
        return terminal_safe(report.failure)
    return "the run has not come to its end"


def _passed(report: Report) -> str:
    if report.command == "dry-run":
        counts = report.counts
        return f"{number(counts.kept)} of {number(counts.read)} items would be loaded"
    return f"table {terminal_safe(report.target)} holds exactly what the export says it must"


def _found_differences(report: Report) -> str:
    """Return how many items differ in which way; empty if none does or nothing was compared."""
    found = report.differences
    kinds = (("missing", found.missing), ("extra", found.extra), ("different", found.different))
    if not any(count for _, count in kinds):
        return ""
    return ", ".join(f"{number(count)} {kind}" for kind, count in kinds)


def _subject(report: Report) -> Text:
    tables = f"{report.source} -> {report.target}"
    place = " · ".join(part for part in (report.account, report.region) if part)
    parts = [f"run {report.run_id}", report.spec_file, tables, place]
    return Text("  " + "  ".join(terminal_safe(part) for part in parts if part), style="dim")


def _failure(report: Report) -> Iterator[Text]:
    """Yield why the command ended and what to do, unless the first line has said all of it."""
    if report.failure is not None and _summary(report) != terminal_safe(report.failure):
        yield Text.assemble("  ", (terminal_safe(report.failure), "bold"))
    if report.hint is not None:
        yield Text.assemble(("  = help: ", "blue"), terminal_safe(report.hint))


def _items(report: Report) -> Iterator[Text]:
    counts = report.counts
    reasons = sorted(report.rejects_by_reason.items(), key=lambda entry: (-entry[1], entry[0]))
    told = " · ".join(f"{terminal_safe(reason)} {number(count)}" for reason, count in reasons)
    rows: list[tuple[str, int | None, str]] = [
        ("read", counts.read, ""),
        ("kept", counts.kept, ""),
        ("dropped", counts.dropped, ""),
        ("rejected", counts.rejected, told),
    ]
    if counts.results != counts.kept:
        rows.append(("results", counts.results, "target items, of those kept"))
    if report.command != "dry-run":
        rows.append(("loaded", counts.loaded, ""))
        rows.append(("quarantined", counts.quarantined, ""))
    rows.append(("superseded", counts.superseded, _collisions(report)))
    if all(count is None for _, count, _ in rows):
        return
    width = max(len(number(count)) for _, count, _ in rows)
    yield Text("  items", style="bold")
    for name, count, remark in rows:
        figure = number(count).rjust(width)
        yield Text(f"  {name:<12}  {figure}   {remark}".rstrip())


def _collisions(report: Report) -> str:
    found = report.collisions
    if found is None:
        return ""
    told = f"{plural(found.items, 'item')} share {plural(found.keys, 'target key')}"
    return f"{told}, {number(found.unresolved)} without a winner" if found.unresolved else told


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
    found = report.differences
    if shown:
        names = list(dict.fromkeys(name for row in shown for name in row.key))
        head: list[Cell] = [("", ""), *((shortened(name), "bold") for name in names)]
        rows: list[Sequence[Cell]] = [head]
        for row in shown:
            values = [(_key_value(row.key[name]) if name in row.key else "-", "") for name in names]
            rows.append([(row.kind, "red"), *values])
        yield from _aligned(rows)
    total = (found.missing or 0) + (found.extra or 0) + (found.different or 0)
    if total > len(shown):
        rest = f"… {number(total - len(shown))} more" if shown else plural(total, "difference")
        yield Text(f"  {rest} in {terminal_safe(report.run_folder)}/diff.jsonl")


def _key_value(typed: object) -> str:
    """Return one key attribute's value as a person writes it, shortened."""
    if isinstance(typed, Mapping) and len(typed) == 1:
        (value,) = typed.values()
        return shortened(str(value))
    return shortened(json.dumps(typed))


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
    """Return ``sql`` as one shell word, in double quotes where they do: SQL has single ones."""
    return shlex.quote(sql) if SHELL_ACTIVE.intersection(sql) else f'"{sql}"'


def _notes(report: Report) -> Iterator[Text]:
    for note in report.notes:
        yield Text.assemble(("  ! ", "yellow"), terminal_safe(note))


def _where(report: Report) -> Iterator[Text]:
    yield Text(f"  Everything is in {terminal_safe(report.run_folder)}", style="dim")


def _aligned(rows: Sequence[Sequence[Cell]]) -> Iterator[Text]:
    """Yield ``rows`` with their columns aligned by what a terminal shows, two spaces between."""
    columns = zip(*rows, strict=True)
    widths = [max(cell_len(text) for text, _ in column) for column in columns]
    for row in rows:
        line = Text("  ")
        for (text, style), width in zip(row, widths, strict=True):
            line.append(text, style)
            line.append(" " * (width - cell_len(text) + 2))
        line.rstrip()
        yield line
