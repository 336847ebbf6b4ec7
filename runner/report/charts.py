"""The charts of a report, each with its figures as a table for readers who cannot see it.

They show what the report holds; ``svg`` draws them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from retable.runner.report import svg
from retable.runner.report.figure_tables import (
    Table,
    buckets_table,
    counts_table,
    histogram_table,
    partitions_table,
    steps_table,
    throughput_table,
)
from retable.runner.report.item_figures import Buckets
from retable.runner.report.model import Report
from retable.runner.report.svg import Bar, Point
from retable.runner.report.words import counted_note, estimated, key_values, sample_note, size_words
from retable.runner.text.figures import duration, number, plural, size

PARTITION_UNITS = 1_000
"""The most write units per second that one partition of a table takes (DynamoDB's limit)."""
MOST_POINTS = 240
SHOWN_PARTITIONS = 12
SHOWN_REASONS = 12
STEP_KINDS = {"done": "bar", "failed": "bad", "stopped": "warn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart, its content as a sentence, and its figures as a table."""

    name: str
    title: str
    text: str
    image: Markup
    table: Table
    note: str = ""
    """What must be shown beside the figures."""


def charts(report: Report) -> dict[str, Chart]:
    """Return the charts that the report has figures for, by name."""
    made = (
        _waterfall(report),
        _steps(report),
        _reasons(report),
        _histogram(report),
        _partitions(report),
        _throughput(report),
        _buckets(report),
    )
    return {chart.name: chart for chart in made if chart is not None}


def _waterfall(report: Report) -> Chart | None:
    """Return the chart of the items' outcomes, from what was read to what the table holds."""
    if not report.counts.read:
        return None
    title = "What became of the items"
    rows = [
        Bar(name, abs(change), _signed(change), kind, start)
        for name, change, start, kind in _stages(report)
    ]
    text = ", ".join(f"{row.figure} {row.label}" for row in rows if row.value)
    return Chart(
        name="counts",
        title=title,
        text=text,
        image=svg.bars(title, text, rows),
        table=counts_table(report),
        note=sample_note(report),
    )


def _stages(report: Report) -> Iterator[tuple[str, int, int, str]]:
    """Yield each stage: name, items left or (negative) removed, where its bar starts, bar kind."""
    counts = report.counts

    def figure(count: int | None) -> int:
        return estimated(report, count) or 0

    level = figure(counts.read)
    yield "exported", level, 0, "total"
    for name, count in (("dropped", counts.dropped), ("rejected", counts.rejected)):
        level -= figure(count)
        yield name, -figure(count), level, "bad" if name == "rejected" else "off"
    level = figure(counts.kept)
    if counts.results is not None and counts.results != counts.kept:
        yield "kept", level, 0, "total"
        level = figure(counts.results)
        yield "made of them", level, 0, "total"
    if counts.superseded:
        level -= figure(counts.superseded)
        yield "superseded", -figure(counts.superseded), level, "off"
    if counts.quarantined:
        level -= counts.quarantined
        yield "quarantined", -counts.quarantined, level, "bad"
    if report.command == "dry-run":
        yield "to load", level, 0, "total"
        return
    if counts.loaded is not None:
        yield "loaded", counts.loaded, 0, "total"
    if report.buckets is not None:
        yield "in the table", sum(report.buckets.actual), 0, "good"


def _steps(report: Report) -> Chart | None:
    rows = [
        Bar(
            step.title,
            step.seconds or 0,
            duration(step.seconds) if step.seconds is not None else step.outcome,
            STEP_KINDS.get(step.outcome, "off"),
        )
        for step in report.steps
    ]
    if not rows:
        return None
    title = "Steps"
    text = f"{plural(len(rows), 'step')} in {duration(sum(row.value for row in rows))}"
    return Chart(
        name="steps",
        title=title,
        text=text,
        image=svg.bars(title, text, rows),
        table=steps_table(report),
    )


def _reasons(report: Report) -> Chart | None:
    ordered = sorted(report.rejects_by_reason.items(), key=lambda entry: (-entry[1], entry[0]))
    if not ordered:
        return None
    title = "Rejected by reason"
    rows = [Bar(name, count, number(count), "bad") for name, count in ordered[:SHOWN_REASONS]]
    text = "; ".join(f"{row.label} {row.figure}" for row in rows)
    table = Table(
        name="reasons",
        title=title,
        head=("reason", "items"),
        rows=tuple((name, number(count)) for name, count in ordered),
        numeric=frozenset([1]),
        note=counted_note(report),
    )
    return Chart(
        name="reasons",
        title=title,
        text=text,
        image=svg.bars(title, text, rows),
        table=table,
        note=counted_note(report),
    )


def _histogram(report: Report) -> Chart | None:
    sizes = report.sizes
    if sizes is None or not sizes.histogram:
        return None
    title = "Item sizes"
    cells = [
        Bar(size(bar.up_to).replace(".0 ", " "), bar.items, number(bar.items))
        for bar in sizes.histogram
    ]
    text = size_words(report)
    return Chart(
        name="histogram",
        title=title,
        text=text,
        image=svg.columns(title, text, cells),
        table=histogram_table(report),
        note=counted_note(report),
    )


def _partitions(report: Report) -> Chart | None:
    found = report.partitions
    if found is None or not found.hottest:
        return None
    title = "Hottest target partitions"
    shown = found.hottest[:SHOWN_PARTITIONS]
    rates = [one.units_per_second for one in shown]
    if any(rate is None for rate in rates):
        rows = [Bar(key_values(one.key), one.write_units, number(one.write_units)) for one in shown]
        text = f"write units of {len(rows)} of {plural(found.keys, 'partition key')}"
        image = svg.bars(title, text, rows)
    else:
        rows = [
            Bar(
                key_values(one.key),
                one.units_per_second or 0,
                f"{number(one.units_per_second)}/s",
                "bad" if (one.units_per_second or 0) > PARTITION_UNITS else "bar",
            )
            for one in shown
        ]
        text = (
            f"write units a second at the planned rate for {len(rows)} of "
            f"{plural(found.keys, 'partition key')}; one partition takes {PARTITION_UNITS:,}"
        )
        image = svg.bars(title, text, rows, (PARTITION_UNITS, "1,000/s: one partition's limit"))
    return Chart(
        name="partitions",
        title=title,
        text=text,
        image=image,
        table=partitions_table(report),
        note=counted_note(report),
    )


def _throughput(report: Report) -> Chart | None:
    moments = report.throughput
    if len(moments) < 2:  # noqa: PLR2004 -- a line needs two points
        return None
    title = "Items loaded a second"
    points = []
    for before, moment in pairwise(moments):
        took = moment.seconds - before.seconds
        rate = (moment.items - before.items) / took if took > 0 else 0.0
        points.append(Point(moment.seconds, max(rate, 0.0), moment.throttled))
    throttled = sum(moment.throttled for moment in moments)
    last, top = moments[-1], max(point.y for point in points)
    text = f"{plural(last.items, 'item')} in {duration(last.seconds)}, at most {top:,.0f} a second"
    text += (
        f"; shaded: writes were throttled ({throttled} of {len(moments)} intervals)"
        if throttled
        else ""
    )
    image = svg.line(
        title,
        text,
        svg.thinned(points, MOST_POINTS),
        (f"{top:,.0f} items/s", "0 s", duration(last.seconds)),
    )
    return Chart(
        name="throughput", title=title, text=text, image=image, table=throughput_table(report)
    )


def _buckets(report: Report) -> Chart | None:
    found = report.buckets
    if found is None:
        return None
    title = "Digest buckets"
    apart = len(found.differing)
    words = f"{plural(apart, 'bucket')} differ" if apart != 1 else "1 bucket differs"
    text = f"{words} of {len(found.expected)}" if apart else f"all {len(found.expected)} agree"
    return Chart(
        name="buckets",
        title=title,
        text=text,
        image=svg.squares(title, text, _both(found), found.differing, 32),
        table=buckets_table(report),
    )


def _both(buckets: Buckets) -> list[int]:
    return [sum(pair) for pair in zip(buckets.expected, buckets.actual, strict=True)]


def _signed(change: int) -> str:
    return f"-{number(-change)}" if change < 0 else number(change)
