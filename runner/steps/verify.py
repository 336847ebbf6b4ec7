"""Verification: the table is read back and both sides are compared with the ledger (I4)."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from retable.runner.compile import max_rejects
from retable.runner.export.spool import held
from retable.runner.failure import CheckFailed
from retable.runner.ledger.account import account
from retable.runner.ledger.query import Ledger
from retable.runner.load.quarantine import kept_existing
from retable.runner.plan import DryRun, VerifyTable
from retable.runner.steps.create import require_created_table
from retable.runner.steps.export import holder_of
from retable.runner.steps.load import load_quarantine
from retable.runner.steps.merge import merged_files
from retable.runner.verify.compare import Comparison, compare
from retable.runner.verify.queries import run_queries
from retable.runner.verify.read import read_table
from retable.runner.verify.source import asks_for_source, source_files
from retable.runner.world import Evidence, World

SEGMENTS = 8
"""Scan segments read side by side."""
SHOWN_DIFFERENCES = 10
"""How many differences a report shows; ``diff.jsonl`` has them all."""


def verify(step: VerifyTable, world: World) -> Evidence:
    """Compare the table with what the export says it must hold, and run the spec's queries.

    Raises:
        CheckFailed: an item is missing, extra or different, a query failed, or an item has no
            account (I3).
    """
    if step.create is not None:
        require_created_table(step.create, world)
    elif world.aws.tables.describe(step.table) is None:
        message = f"the target table {step.table} does not exist"
        raise CheckFailed(message, "run the migration first")
    comparison = _compare(step, world)
    checks = [*_comparison_checks(comparison), *_query_checks(step, world)]
    facts = {
        "expected": comparison.expected_count,
        "actual": comparison.actual_count,
        "missing": comparison.missing,
        "extra": comparison.extra,
        "different": comparison.different,
        "checks": checks,
        "first_differences": [
            {"kind": row.kind, "key": row.key} for row in comparison.first[:SHOWN_DIFFERENCES]
        ],
    }
    world.journal.record(step.id, "compared", facts)
    _require_account(step, world)
    _require_passed(step, comparison, checks)
    return {name: facts[name] for name in ("expected", "actual", "missing", "extra", "different")}


def _compare(step: VerifyTable, world: World) -> Comparison:
    """Read the table into a fresh ledger and compare it with the expected one."""
    shutil.rmtree(world.folder.actual, ignore_errors=True)
    world.folder.actual.mkdir(parents=True)
    read_table(
        world.aws.tables,
        step.table,
        world.plan.key,
        world.folder.actual,
        segments=SEGMENTS,
        items=world.folder.actual / "items" if world.spec.verify.queries else None,
        progress=world.progress,
    )
    expected = world.folder.expected(_mapped(step, world).role)
    return compare(
        expected,
        quarantined=_quarantined(step, world),
        actual=world.folder.actual,
        diff=world.folder.diff,
        others=step.others,
    )


def _mapped(step: VerifyTable, world: World) -> DryRun:
    """Return the dry run whose ledger is what the table must hold."""
    mapped = world.plan.step(step.dry_run)
    if not isinstance(mapped, DryRun):
        raise TypeError(step.dry_run)
    return mapped


def _quarantined(step: VerifyTable, world: World) -> Any:
    """Return the file of items that the load could not write."""
    if step.loaded_by is None:
        return load_quarantine(world.folder.quarantine)
    return load_quarantine(world.folder.path.parent / step.loaded_by / "quarantine")


def _comparison_checks(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Yield the checks of counts, checksum and items."""
    differing = comparison.missing + comparison.extra + comparison.different
    pairs = (
        ("row count", comparison.expected_count, comparison.actual_count),
        ("checksum", comparison.expected_checksum, comparison.actual_checksum),
        ("differing items", 0, differing),
    )
    for name, expected, actual in pairs:
        passed = expected == actual
        yield {
            "name": name,
            "outcome": "passed" if passed else "failed",
            "expected": expected,
            "actual": actual,
            "sql": None if passed else comparison.sql.get(name),
        }


def _query_checks(step: VerifyTable, world: World) -> Iterator[dict[str, Any]]:
    """Yield the outcome of each of the spec's own queries."""
    queries = world.spec.verify.queries
    if not queries:
        return
    files = merged_files(_mapped(step, world).check, world)
    holder = holder_of(_mapped(step, world).check, world)
    with ExitStack() as stack:
        # A query may read any of them, so all are at hand, however much room that takes.
        for file in files if asks_for_source(queries) else ():
            stack.enter_context(held(holder, file))
        results = run_queries(
            queries,
            files=list(source_files(queries, files, world.folder.source)),
            expected=world.folder.expected(_mapped(step, world).role),
            items=world.folder.actual / "items",
            folder=world.folder.ledger,
            quarantined=_quarantined(step, world),
        )
    for result in results:
        yield {
            "name": result.name,
            "outcome": result.outcome,
            "expected": _scalar(result.expected),
            "actual": _shown(result.actual, result.expected),
            "sql": None if result.outcome == "passed" else result.sql,
            "message": result.message,
        }


def _shown(actual: Any, expected: Any) -> str | int | bool | None:
    """Return what a query gave, as a report may hold it.

    Text may be an item's own; what is told is how long it is, unless the spec names it itself (I6).
    """
    if isinstance(actual, str) and actual != expected:
        return f"another text, of {len(actual):,} characters"
    return _scalar(actual)


def _scalar(value: Any) -> str | int | bool | None:
    """Return ``value`` as a report holds it: exact decimals as text."""
    return value if isinstance(value, str | int | bool) or value is None else str(value)


def _require_account(step: VerifyTable, world: World) -> None:
    """Hold every item to account (I3).

    Raises:
        CheckFailed: the sums do not agree.
    """
    if step.load is None:
        return
    loaded = world.evidence(step.load)
    counts = Ledger(world.folder.expected(_mapped(step, world).role)).counts()
    account(
        counts,
        superseded=loaded["superseded"],
        quarantined=loaded["quarantined"],
        loaded=loaded["loaded"],
    )
    allowed = max_rejects(world.spec, counts.read)
    # What was kept as the spec asks for is no fault of the items.
    refused = loaded["quarantined"] - kept_existing(load_quarantine(world.folder.quarantine))
    if counts.rejected + refused > allowed:
        message = (
            f"{refused:,} items were refused by the table; "
            f"transform.max_rejects allows {allowed:,} in all"
        )
        raise CheckFailed(message, f"they are in {load_quarantine(world.folder.quarantine)}")


def _require_passed(
    step: VerifyTable, comparison: Comparison, checks: list[dict[str, Any]]
) -> None:
    """Stop where any check did not pass.

    Raises:
        CheckFailed: with the first of them.
    """
    if comparison.missing or comparison.extra or comparison.different:
        message = (
            f"{step.table} differs from its export: {comparison.missing:,} items missing, "
            f"{comparison.extra:,} extra, {comparison.different:,} different"
        )
        raise CheckFailed(message, "diff.jsonl in the run folder names every one")
    failed = [check for check in checks if check["outcome"] != "passed"]
    if failed:
        word = "failed" if failed[0]["outcome"] == "failed" else "could not be evaluated"
        message = f"check {failed[0]['name']!r} {word}: {len(failed)} of {len(checks)} did not pass"
        raise CheckFailed(message)
