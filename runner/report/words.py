"""The texts that every renderer shares, so that no two word them differently.

The texts hold raw data: each renderer makes them safe.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retable.runner.report.model import ONE_ITEM, Report
from retable.runner.text.figures import number, plural, size

CHECK_WORDS = {"passed": "ok", "failed": "FAILED", "unevaluated": "could not be evaluated"}
COMMANDS = {"run": "Run", "dry-run": "Dry run", "verify": "Verification", "restore": "Restore"}


@dataclass(frozen=True, slots=True)
class CountRow:
    """One line of the account of items: a name, a number, and a remark."""

    name: str
    count: int | None
    remark: str = ""


def summary(report: Report) -> str:
    """Return the reason for the verdict in a few words."""
    found = found_differences(report)
    failed = [check.name for check in report.checks if check.outcome == "failed"]
    if report.verdict == "passed":
        return _passed(report)
    if found:
        return f"{found} in table {report.target}"
    if failed:
        return f"{plural(len(failed), 'check')} failed: {', '.join(failed)}"
    if report.failure is not None:
        return report.failure
    return "the run has not finished"


def failure_words(report: Report) -> str:
    """Return why the command ended, unless the summary says it all."""
    failure = report.failure or ""
    return "" if failure == summary(report) else failure


def found_differences(report: Report) -> str:
    """Return the number of differing items by kind; empty if there are none."""
    found = report.differences
    kinds = (("missing", found.missing), ("extra", found.extra), ("different", found.different))
    if not any(count for _, count in kinds):
        return ""
    return ", ".join(f"{number(count)} {kind}" for kind, count in kinds)


def differences_in_all(report: Report) -> int:
    """Return the number of items that differ in any way."""
    found = report.differences
    return (found.missing or 0) + (found.extra or 0) + (found.different or 0)


def subject(report: Report) -> tuple[str, ...]:
    """Return the subject of the report: run, spec file, tables, account and region."""
    tables = f"{report.source} -> {report.target}"
    place = " · ".join(part for part in (report.account, report.region) if part)
    parts = (f"run {report.run_id}", report.spec_file, tables, place)
    return tuple(part for part in parts if part)


def count_rows(report: Report) -> tuple[CountRow, ...]:
    """Return the account of items (I3) as far as it is known; empty if nothing is known."""
    rows = tuple(_count_rows(report))
    return rows if any(row.count is not None for row in rows) else ()


def counted_note(report: Report) -> str:
    """Return the note for every figure counted in a sample; empty if all items were read."""
    if report.sample is None:
        return ""
    items, whole = number(report.sample.items), number(report.sample.of)
    return f"estimated: counted in a sample of {items} of {whole} items"


def sample_note(report: Report) -> str:
    """Return the note for every figure extrapolated from a sample; empty if all items were read."""
    if report.sample is None:
        return ""
    return f"estimated, from {number(report.sample.items)} of {number(report.sample.of)} items"


def estimated(report: Report, count: int | None) -> int | None:
    """Return ``count``, of a sample, extrapolated to all items: in proportion, rounded down."""
    sample = report.sample
    if count is None or sample is None or not sample.items:
        return count
    return count * sample.of // sample.items


def value_text(typed: Any) -> str:
    """Return a typed value as people write it: strings and numbers bare, the rest as JSON."""
    if isinstance(typed, Mapping) and len(typed) == 1:
        ((kind, value),) = typed.items()
        if kind in {"S", "N", "B"} and isinstance(value, str):
            return value or '""'
        if kind == "NULL":
            return "null"
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(typed, ensure_ascii=False)


def key_values(key: Mapping[str, Any]) -> str:
    """Return the values of a key, the partition key's first."""
    return ", ".join(value_text(typed) for typed in key.values())


def place_text(place: str) -> str:
    """Return the place of an exported line without the folders, which all places share."""
    return place.rpartition("/")[2]


def _passed(report: Report) -> str:
    counts = report.counts
    if report.command != "dry-run":
        if [check.name for check in report.checks] == [ONE_ITEM]:
            return f"the item is in table {report.target} as the export says it must be"
        return f"table {report.target} holds exactly what the export says it must"
    if report.sample is None:
        return f"{number(counts.kept)} of {number(counts.read)} items would be loaded"
    kept, all_ = estimated(report, counts.kept), number(report.sample.of)
    return f"about {number(kept)} of {all_} items would be loaded ({sample_note(report)})"


def _count_rows(report: Report) -> Iterator[CountRow]:
    counts = report.counts
    reasons = sorted(report.rejects_by_reason.items(), key=lambda entry: (-entry[1], entry[0]))
    remark = " · ".join(f"{reason} {number(count)}" for reason, count in reasons)
    yield CountRow("read", counts.read)
    yield CountRow("kept", counts.kept)
    yield CountRow("dropped", counts.dropped)
    yield CountRow("rejected", counts.rejected, remark)
    if counts.results != counts.kept:
        yield CountRow("results", counts.results, "target items from those kept")
    if report.command != "dry-run":
        yield CountRow("loaded", counts.loaded)
        yield CountRow("quarantined", counts.quarantined)
    yield CountRow("superseded", counts.superseded, _collisions(report))
    if report.expired:
        yield CountRow("expired", report.expired, "deleted since by time to live")


def _collisions(report: Report) -> str:
    found = report.collisions
    if found is None:
        return ""
    shared = f"{plural(found.items, 'item')} share {plural(found.keys, 'target key')}"
    return f"{shared}, {number(found.unresolved)} without a winner" if found.unresolved else shared


def size_words(report: Report) -> str:
    """Return the sizes of the items to load and the write units they take, in one line."""
    sizes = report.sizes
    if sizes is None or not sizes.items:
        return ""
    mean = sizes.bytes // sizes.items
    whole, units = (estimated(report, count) for count in (sizes.bytes, sizes.write_units))
    words = (
        f"{size(whole or 0)} in all · {size(mean)} on average · largest {size(sizes.largest)} · "
        f"{number(units)} write units for the table alone"
    )
    note = sample_note(report)
    return f"{words} ({note})" if note else words
