"""Verification: the table is read back and both sides are compared with the ledger (I4)."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from retable.runner.disk import write_durably
from retable.runner.export.spool import held
from retable.runner.failure import CheckFailed
from retable.runner.ledger.item_account import account
from retable.runner.ledger.questions import Ledger
from retable.runner.load.quarantine import kept_existing
from retable.runner.plan.bounds import checksum_attributes, max_rejects
from retable.runner.plan.export_steps import DryRun
from retable.runner.plan.finish_steps import TableCompared, TableVerified, VerifyTable
from retable.runner.report.item_figures import Buckets
from retable.runner.report.json import encode_part
from retable.runner.report.model import ONE_ITEM, Check, Scalar
from retable.runner.runs.journal import COMPARED
from retable.runner.steps.check_export import holder_of
from retable.runner.steps.create_table import require_created_table
from retable.runner.steps.load_items import load_quarantine
from retable.runner.steps.merge_exports import merged_files
from retable.runner.steps.read_back import read_back
from retable.runner.steps.world import World
from retable.runner.verify.compare import Comparison, compare
from retable.runner.verify.drill import Drill
from retable.runner.verify.expire import write_expired
from retable.runner.verify.explore import write_explorable
from retable.runner.verify.one_item import differs
from retable.runner.verify.sample_keys import count_equal, pick
from retable.runner.verify.source_items import reads_source, source_files
from retable.runner.verify.spec_queries import run_queries

SHOWN_DIFFERENCES = 50
"""How many differences a report names and drills into; ``diff.jsonl`` has them all."""
SAMPLED_ITEMS = 50
"""How many items are also read one by one, which takes about a second."""


def verify(step: VerifyTable, world: World) -> TableVerified:
    """Compare the table with what the export says it must hold, and run the spec's queries.

    Raises:
        CheckFailed: an item is missing, extra or different, a query failed, or an item has no
            account (I3).
    """
    if step.create is not None:
        # CloudFormation may have generated the name of the table.
        step = replace(step, table=require_created_table(step.create, world).name)
    elif world.aws.tables.describe(step.table) is None:
        message = f"the target table {step.table} does not exist"
        raise CheckFailed(message, "run the migration first")
    if world.only_key is not None:
        return _verify_one(step, world, world.only_key)
    found = _compare(step, world)
    comparison = found.comparison
    sampled = _sampled_check(step, found, world)
    checks = (
        *found.read,
        *_comparison_checks(comparison),
        sampled,
        *_query_checks(step, world),
    )
    rows = found.drill.rows(
        comparison.first[:SHOWN_DIFFERENCES],
        checksum_attributes(world.spec),
        show_values=world.show_values,
    )
    # It holds keys, and values where the user requested them: it stays out of the journal.
    write_durably(world.folder.differences, encode_part(rows))
    mapped = _mapped(step, world)
    files = merged_files(mapped.check, world)
    write_explorable(world.folder, mapped.role, files, _quarantined(step, world))
    compared = TableCompared(
        checks=checks,
        missing=comparison.missing,
        extra=comparison.extra,
        different=comparison.different,
        expected=comparison.expected_count,
        actual=comparison.actual_count,
        expired=found.expired,
        buckets=Buckets(
            expected=tuple(comparison.buckets_expected),
            actual=tuple(comparison.buckets_actual),
            differing=tuple(comparison.buckets_differing),
        ),
    )
    world.journal.note(step, COMPARED, compared)
    _require_account(step, world)
    _require_passed(step, comparison, checks)
    return TableVerified(
        missing=compared.missing,
        extra=compared.extra,
        different=compared.different,
        expected=compared.expected,
        actual=compared.actual,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the comparison found, and what reads single items of both sides."""

    comparison: Comparison
    drill: Drill
    expired: int
    """How many missing items time to live has deleted."""
    read: tuple[Check, ...]
    """The checks of the reading itself."""


def _compare(step: VerifyTable, world: World) -> Found:
    """Read the table into a fresh ledger and compare it with the expected one."""
    world.folder.expired.unlink(missing_ok=True)
    read = read_back(step, world)
    drill = _drill(step, world)
    comparison = _compared(step, world)
    expired = _expired(step, drill, world) if comparison.missing else 0
    if expired:
        comparison = _compared(step, world)
    return Found(comparison=comparison, drill=drill, expired=expired, read=read)


def _drill(step: VerifyTable, world: World) -> Drill:
    """Return what reads single items of both sides."""
    check = _mapped(step, world).check
    return Drill(
        world.aws.tables,
        step.table,
        world.plan.key,
        files=merged_files(check, world),
        holder=holder_of(check, world),
        mapping=world.mapping,
    )


def _verify_one(step: VerifyTable, world: World, key: str) -> TableVerified:
    """Verify a single item.

    Raises:
        CheckFailed: the table does not hold it as expected.
    """
    drill, attributes = _drill(step, world), checksum_attributes(world.spec)
    expected, actual, difference = differs(
        key,
        world.folder.expected(_mapped(step, world).role),
        drill,
        attributes,
        quarantined=_quarantined(step, world),
        expired=None,
    )
    if expected is None and actual is None:
        message = f"there is no such item, neither expected of {step.table} nor in it"
        raise CheckFailed(message, "the key is case-sensitive; numbers may be written in any form")
    rows = [difference] if difference else []
    shown = drill.rows(rows, attributes, show_values=world.show_values)
    write_durably(world.folder.differences, encode_part(shown))
    check = Check(
        name=ONE_ITEM,
        outcome="failed" if difference else "passed",
        expected=expected,
        actual=actual,
    )
    kinds = [row.kind for row in rows]
    found = TableVerified(
        missing=kinds.count("missing"),
        extra=kinds.count("extra"),
        different=kinds.count("different"),
    )
    compared = TableCompared(
        checks=(check,), missing=found.missing, extra=found.extra, different=found.different
    )
    world.journal.note(step, COMPARED, compared)
    if difference:
        message = f"the item is {difference.kind} in {step.table}"
        raise CheckFailed(message, "--show-values shows the values in which it differs")
    return found


def _compared(step: VerifyTable, world: World) -> Comparison:
    """Compare both ledgers, as far as what is expected is known."""
    return compare(
        world.folder.expected(_mapped(step, world).role),
        quarantined=_quarantined(step, world),
        expired=world.folder.expired,
        actual=world.folder.actual,
        diff=world.folder.diff,
        others=step.others,
    )


def _expired(step: VerifyTable, drill: Drill, world: World) -> int:
    """Find which missing items have expired, so that they are no longer expected."""
    settings = world.aws.tables.settings(step.table)
    if settings is None or settings.ttl is None:
        return 0
    now = int(world.aws.tables.service_time(step.table).timestamp())
    return write_expired(world.folder.actual, drill, settings.ttl, now, world.folder.expired)


def _sampled_check(step: VerifyTable, found: Found, world: World) -> Check:
    """Read some items one by one, consistently, and check how many are as expected."""
    sampled = pick(
        world.folder.expected(_mapped(step, world).role),
        SAMPLED_ITEMS,
        world.folder.run_id,
        quarantined=_quarantined(step, world),
        expired=world.folder.expired,
    )
    equal = count_equal(sampled, found.drill, checksum_attributes(world.spec))
    passed = equal == len(sampled)
    return Check(
        name="items read one by one",
        outcome="passed" if passed else "failed",
        expected=len(sampled),
        actual=equal,
        message=None if passed else "by consistent GetItem of items picked by their hash",
    )


def _mapped(step: VerifyTable, world: World) -> DryRun:
    """Return the dry run whose ledger is what the table must hold."""
    return world.plan.at(step.dry_run)


def _quarantined(step: VerifyTable, world: World) -> Any:
    """Return the file of items that the load could not write."""
    if step.loaded_by is None:
        return load_quarantine(world.folder.quarantine)
    return load_quarantine(world.folder.path.parent / step.loaded_by / "quarantine")


def _comparison_checks(comparison: Comparison) -> Iterator[Check]:
    """Yield the checks of counts, checksum and items."""
    differing = comparison.missing + comparison.extra + comparison.different
    pairs = (
        ("row count", comparison.expected_count, comparison.actual_count),
        ("checksum", comparison.expected_checksum, comparison.actual_checksum),
        ("differing items", 0, differing),
    )
    for name, expected, actual in pairs:
        passed = expected == actual
        yield Check(
            name=name,
            outcome="passed" if passed else "failed",
            expected=expected,
            actual=actual,
            sql=None if passed else comparison.sql.get(name),
        )


def _query_checks(step: VerifyTable, world: World) -> Iterator[Check]:
    """Yield the outcome of each of the spec's own queries."""
    queries = world.spec.verify.queries
    if not queries:
        return
    files = merged_files(_mapped(step, world).check, world)
    holder = holder_of(_mapped(step, world).check, world)
    with ExitStack() as stack:
        # A query may read any of them, so all are kept here, however much space that takes.
        for file in files if reads_source(queries) else ():
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
        yield Check(
            name=result.name,
            outcome=result.outcome,
            expected=_scalar(result.expected),
            actual=_shown(result.actual, result.expected),
            sql=None if result.outcome == "passed" else result.sql,
            line=result.line,
            message=result.message,
        )


def _shown(actual: Any, expected: Any) -> Scalar:
    """Return the result of a query, as a report may hold it.

    A string may be from an item; only its length is shown, unless the spec itself names it (I6).
    """
    if isinstance(actual, str) and actual != expected:
        return f"another string, of {len(actual):,} characters"
    return _scalar(actual)


def _scalar(value: Any) -> Scalar:
    """Return ``value`` as a report holds it: exact decimals as strings."""
    return value if isinstance(value, str | int | bool) or value is None else str(value)


def _require_account(step: VerifyTable, world: World) -> None:
    """Require that every item is accounted for (I3).

    Raises:
        CheckFailed: the sums do not agree.
    """
    if step.load is None:
        return
    loaded = world.evidence(step.load)
    counts = Ledger(world.folder.expected(_mapped(step, world).role)).counts()
    account(
        counts,
        superseded=loaded.superseded,
        quarantined=loaded.quarantined,
        loaded=loaded.loaded,
    )
    allowed = max_rejects(world.spec, counts.read)
    # Existing items that were kept, as the spec requests, are not rejects.
    refused = loaded.quarantined - kept_existing(load_quarantine(world.folder.quarantine))
    if counts.rejected + refused > allowed:
        message = (
            f"{refused:,} items were refused by the table; "
            f"transform.max_rejects allows {allowed:,} in all"
        )
        raise CheckFailed(message, f"they are in {load_quarantine(world.folder.quarantine)}")


def _require_passed(step: VerifyTable, comparison: Comparison, checks: Sequence[Check]) -> None:
    """Require that every check passed.

    Raises:
        CheckFailed: naming the first that did not.
    """
    if comparison.missing or comparison.extra or comparison.different:
        message = (
            f"{step.table} differs from its export: {comparison.missing:,} items missing, "
            f"{comparison.extra:,} extra, {comparison.different:,} different"
        )
        raise CheckFailed(message, "diff.jsonl in the run folder names every one")
    failed = [check for check in checks if check.outcome != "passed"]
    if failed:
        word = "failed" if failed[0].outcome == "failed" else "could not be evaluated"
        message = f"check {failed[0].name!r} {word}: {len(failed)} of {len(checks)} did not pass"
        raise CheckFailed(message)
