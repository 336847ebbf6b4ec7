"""The tables of a report, built once and laid out by each renderer.

Cells are raw text. A table marks its columns with key values (``keys``), since some renderers must
not show them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from retable.runner.report.item_figures import Attribute, DifferenceRow
from retable.runner.report.model import Report
from retable.runner.report.words import (
    CHECK_WORDS,
    count_rows,
    counted_note,
    differences_in_all,
    estimated,
    key_values,
    place_text,
    sample_note,
    value_text,
)
from retable.runner.text.figures import duration, number, scalar, size

Row = tuple[str, ...]
PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A titled table. ``total`` is the number of rows in all, each of which is in ``where``."""

    name: str
    title: str
    head: Row
    rows: tuple[Row, ...]
    numeric: frozenset[int] = frozenset()
    """The columns that hold figures, which are aligned right."""
    total: int = 0
    where: str = ""
    note: str = ""
    keys: frozenset[int] = frozenset()
    """The columns that hold key values."""
    code: frozenset[int] = frozenset()
    """The columns that hold names and expressions of the spec."""

    def first(self, limit: int) -> tuple[tuple[Row, ...], str]:
        """Return at most ``limit`` rows, and the note on the cut, if there is one."""
        rows = self.rows[:limit]
        total = max(self.total, len(self.rows))
        if total <= len(rows):
            return rows, ""
        place = f"; all are in {self.where}" if self.where else ""
        return rows, f"{number(len(rows))} of {number(total)} shown{place}"

    def without_keys(self) -> "Table":
        """Return the table without the columns that hold key values."""
        kept = [column for column in range(len(self.head)) if column not in self.keys]
        return replace(
            self,
            head=tuple(self.head[column] for column in kept),
            rows=tuple(tuple(row[column] for column in kept) for row in self.rows),
            numeric=frozenset(place for place, column in enumerate(kept) if column in self.numeric),
            keys=frozenset(),
        )


def checks_table(report: Report) -> Table:
    """Return every check: what was expected, what was found, how it ended."""
    rows = tuple(
        (
            check.name,
            scalar(check.expected),
            scalar(check.actual),
            CHECK_WORDS[check.outcome],
            check.message or "",
        )
        for check in report.checks
    )
    head = ("check", "expected", "actual", "outcome", "")
    return Table(name="checks", title="Checks", head=head, rows=rows)


def steps_table(report: Report) -> Table:
    """Return every step of the plan, how long it took and how it ended."""
    rows = tuple((step.title, duration(step.seconds), step.outcome) for step in report.steps)
    return Table(
        name="steps",
        title="Steps",
        head=("step", "time", "outcome"),
        rows=rows,
        numeric=frozenset([1]),
    )


def differences_table(report: Report) -> Table:
    """Return the first differing items, each with only what differs in it."""
    rows = tuple(
        (row.kind, key_values(row.key), changes_text(row), place_text(row.place or "-"))
        for row in report.first_differences
    )
    return Table(
        name="differences",
        title="First differences",
        head=("", "key", "what differs", "exported as"),
        rows=rows,
        total=differences_in_all(report),
        where=f"{report.run_folder}/diff.jsonl",
        keys=frozenset([1]),
    )


def rejects_table(report: Report) -> Table:
    """Return the most frequent kinds of rejects."""
    unlisted = sum(report.rejects_by_reason.values()) - sum(one.items for one in report.rejects)
    more = (
        f"{number(unlisted)} more items in {report.run_folder}/quarantine" if unlisted > 0 else ""
    )
    rows = tuple(
        (
            group.reason,
            group.detail,
            number(group.items),
            ", ".join(map(place_text, group.examples)),
        )
        for group in report.rejects
    )
    return Table(
        name="rejects",
        title="Rejected items",
        head=("reason", "why", "items", "for instance"),
        rows=rows,
        numeric=frozenset([2]),
        note="; ".join(filter(None, (counted_note(report), more if rows else ""))),
    )


def collisions_table(report: Report) -> Table:
    """Return the first target keys that several items share, and which item wins."""
    found = report.collisions
    examples = () if found is None else found.examples
    rows = tuple(
        (
            key_values(example.key),
            number(example.items),
            _first(example.places, example.items),
            place_text(example.winner or "none"),
        )
        for example in examples
    )
    return Table(
        name="collisions",
        title="Colliding target keys",
        head=("target key", "items", "exported as", "wins"),
        rows=rows,
        numeric=frozenset([1]),
        total=0 if found is None else found.keys,
        where=f"{report.run_folder}/ledger",
        note=counted_note(report),
        keys=frozenset([0]),
    )


def histogram_table(report: Report) -> Table:
    """Return the number of items by size."""
    bars = () if report.sizes is None else report.sizes.histogram
    rows = tuple((f"up to {size(bar.up_to)}", number(bar.items)) for bar in bars)
    return Table(
        name="histogram",
        title="Item sizes",
        head=("size", "items"),
        rows=rows,
        numeric=frozenset([1]),
        note=counted_note(report),
    )


def largest_table(report: Report) -> Table:
    """Return the largest items to load."""
    items = () if report.sizes is None else report.sizes.largest_items
    rows = tuple((key_values(item.key), size(item.bytes), place_text(item.place)) for item in items)
    return Table(
        name="largest",
        title="Largest items",
        head=("target key", "size", "exported as"),
        rows=rows,
        numeric=frozenset([1]),
        total=0 if report.sizes is None else report.sizes.items,
        note=counted_note(report),
        keys=frozenset([0]),
    )


def partitions_table(report: Report) -> Table:
    """Return the target partition keys that take the greatest share of the load."""
    found = report.partitions
    hottest = () if found is None else found.hottest
    whole = 0 if found is None else found.write_units
    rows = tuple(
        (
            key_values(one.key),
            number(one.items),
            number(one.write_units),
            percentage(one.write_units, whole),
            number(one.units_per_second),
        )
        for one in hottest
    )
    return Table(
        name="partitions",
        title="Hottest target partitions",
        head=("partition key", "items", "write units", "share", "units a second"),
        rows=rows,
        numeric=frozenset([1, 2, 3, 4]),
        total=0 if found is None else found.keys,
        note=counted_note(report),
        keys=frozenset([0]),
    )


def attributes_table(report: Report) -> Table:
    """Return every attribute with its types and how many items have it, before and after."""
    found = report.attributes
    if found is None:
        return Table(name="attributes", title="Attributes", head=(), rows=())
    before = {one.name: one for one in found.before}
    after = {one.name: one for one in found.after}
    rows = tuple(
        (
            name,
            *_coverage(before.get(name), found.items_before),
            *_coverage(after.get(name), found.items_after),
        )
        for name in dict.fromkeys((*after, *before))
    )
    return Table(
        name="attributes",
        title="Attributes",
        head=("attribute", "before", "in items", "after", "in items"),
        rows=rows,
        numeric=frozenset([2, 4]),
        code=frozenset([0]),
        total=max(found.names_before, found.names_after, len(rows)),
        note=_counted_over(report),
    )


def indexes_table(report: Report) -> Table:
    """Return how many items each index has; the others lack a key attribute of it."""
    found = report.attributes
    rows: tuple[Row, ...] = ()
    if found is not None:
        rows = tuple(
            (
                one.index,
                ", ".join(one.attributes),
                number(one.items),
                percentage(one.items, found.items_after),
            )
            for one in found.indexes
        )
    return Table(
        name="indexes",
        title="Items in each index",
        head=("index", "keyed by", "items", "of all"),
        rows=rows,
        numeric=frozenset([2, 3]),
        note=_counted_over(report) if rows else "",
    )


def throughput_table(report: Report) -> Table:
    """Return the load's progress: the items loaded by time, and where writes were throttled."""
    rows = tuple(
        (duration(moment.seconds), number(moment.items), "throttled" if moment.throttled else "")
        for moment in report.throughput
    )
    return Table(
        name="throughput",
        title="Throughput",
        head=("after", "items loaded", ""),
        rows=rows,
        numeric=frozenset([0, 1]),
    )


def buckets_table(report: Report) -> Table:
    """Return the buckets that differ, with both sides' counts."""
    found = report.buckets
    rows: tuple[Row, ...] = ()
    if found is not None:
        rows = tuple(
            (f"0x{bucket:02x}", number(found.expected[bucket]), number(found.actual[bucket]))
            for bucket in found.differing
        )
    return Table(
        name="buckets",
        title="Digest buckets that differ",
        head=("bucket", "expected items", "actual items"),
        rows=rows,
        numeric=frozenset([1, 2]),
    )


def rewrite_table(report: Report) -> Table:
    """Return how the key changes, and the expressions of the new attributes."""
    found = report.rewrite
    if found is None:
        return Table(name="rewrite", title="Key", head=(), rows=())
    roles = ("partition key", "sort key")
    before = found.key_before or ()
    rows: list[Row] = []
    for place, role in enumerate(roles[: max(len(before), len(found.key_after))]):
        old, new = (
            f"{parts[place].name} {parts[place].type}" if place < len(parts) else "-"
            for parts in (before, found.key_after)
        )
        name = found.key_after[place].name if place < len(found.key_after) else ""
        unknown = "" if found.key_before is None else old
        rows.append((role, unknown, new, found.fields.get(name, "")))
    keyed = {part.name for part in found.key_after}
    rows += [
        ("attribute", "", name, text) for name, text in found.fields.items() if name not in keyed
    ]
    return Table(
        name="rewrite",
        title="What changes",
        head=("", "before", "after", "made by"),
        rows=tuple(rows),
        code=frozenset([1, 2, 3]),
    )


def counts_table(report: Report) -> Table:
    """Return the account of items; in a sample, with the estimate for all of them."""
    rows = count_rows(report)
    if report.sample is None:
        cells: tuple[Row, ...] = tuple((row.name, number(row.count), row.remark) for row in rows)
        head: Row = ("items", "count", "")
        return Table(name="counts", title="Items", head=head, rows=cells, numeric=frozenset([1]))
    cells = tuple(
        (row.name, number(row.count), f"≈ {number(estimated(report, row.count))}", row.remark)
        for row in rows
    )
    return Table(
        name="counts",
        title="Items",
        head=("items", "in the sample", "estimated in all", ""),
        rows=cells,
        numeric=frozenset([1, 2]),
        note=sample_note(report),
    )


def changes_text(row: DifferenceRow) -> str:
    """Return what differs in one item, expected and actual: types, and values if present."""
    return "; ".join(
        f"{change.name}: {side_text(change.expected_type, change.expected)} -> "
        f"{side_text(change.actual_type, change.actual)}"
        for change in row.changes
    )


def side_text(kind: str | None, value: object) -> str:
    """Return one side of a change."""
    if kind is None:
        return "absent"
    return kind if value is None else f"{kind} {value_text(value)}"


def percentage(part: int, whole: int) -> str:
    """Return ``part`` of ``whole`` in percent with one decimal, rounded down; or a dash."""
    if not whole:
        return "-"
    tenths = part * 10 * PERCENT // whole
    return f"{tenths // 10}.{tenths % 10} %"


def _counted_over(report: Report) -> str:
    """Return the note on how many items the attributes were counted over."""
    found = report.attributes
    note = f"counted over {number(found.items_before)} items" if found else ""
    return counted_note(report) or note


def _coverage(attribute: Attribute | None, items: int) -> tuple[str, str]:
    if attribute is None:
        return "-", "-"
    types = sorted(attribute.types.items(), key=lambda entry: (-entry[1], entry[0]))
    return " ".join(kind for kind, _ in types), percentage(attribute.items, items)


def _first(places: Sequence[str], items: int) -> str:
    shown = ", ".join(map(place_text, places))
    return f"{shown}, … {number(items - len(places))} more" if items > len(places) else shown
