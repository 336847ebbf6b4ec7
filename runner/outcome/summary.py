"""The report of a run, from its plan and its journal. It has everything that a renderer shows."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from retable.runner.failure import CheckFailed, Failure, Stale
from retable.runner.outcome.follow_up import follow_up
from retable.runner.plan.export_steps import CheckExport, DryRun, ItemsMapped, MergeExports
from retable.runner.plan.finish_steps import (
    Compared,
    CompareSettings,
    CountItems,
    TableCompared,
    VerifyTable,
)
from retable.runner.plan.plan import Plan, Step
from retable.runner.plan.source_steps import ListChanges
from retable.runner.plan.step import StepOf
from retable.runner.plan.target_steps import AnyLoad, ItemsLoaded, LoadItems
from retable.runner.report.item_figures import (
    CollisionSummary,
    DifferenceRow,
    KeyPart,
    Moment,
    Partitions,
    Portrait,
    Rewrite,
    Sample,
)
from retable.runner.report.json import decode_differences, decode_portrait
from retable.runner.report.model import (
    Check,
    Counts,
    Differences,
    Report,
    Scalar,
    StepReport,
    Verdict,
)
from retable.runner.runs.folder import RunFolder
from retable.runner.runs.journal import (
    COMPARED,
    DONE,
    MAPPED,
    Record,
    evidence_in,
    fact_of,
    noted_in,
)
from retable.runner.runs.throughput import THROUGHPUT, Throughput
from retable.schema.spec import KeySchema, Spec

PARTITION_UNITS = 1_000
"""The most write units a second that one partition of a table takes (DynamoDB's limit)."""
K = TypeVar("K", bound=StepOf[Any])
T = TypeVar("T")


def summarize(  # noqa: PLR0913 -- everything that a report contains
    plan: Plan,
    records: list[Record],
    folder: RunFolder,
    spec: Spec,
    *,
    failure: Failure | None = None,
    notes: tuple[str, ...] = (),
) -> Report:
    """Return the report of a run according to its journal, ended by ``failure`` if by any."""
    verified = _noted_in_last(VerifyTable, COMPARED, TableCompared, plan, records)
    mapped = _noted_in_last(DryRun, MAPPED, ItemsMapped, plan, records)
    loaded = _loaded(plan, records)
    portrait = _portrait(plan, records, folder)
    partitions = _at_the_planned_rate(portrait, spec)
    verdict = _verdict(plan, records, failure)
    return Report(
        command=plan.command,
        verdict=verdict,
        run_id=folder.run_id,
        spec_name=plan.spec_name,
        spec_file=spec.origin.file,
        source=plan.source,
        target=plan.target,
        region=plan.region,
        account=plan.account,
        started=records[0].at if records else "",
        finished=records[-1].at if records else None,
        counts=_counts(mapped, loaded),
        differences=_difference_counts(verified),
        checks=tuple(_checks(plan, records)),
        steps=tuple(_step_report(step, records, failure) for step in plan.steps),
        first_differences=_differences(verified, folder),
        rejects_by_reason=mapped.rejects_by_reason if mapped else {},
        collisions=_collisions(mapped, portrait),
        notes=(
            *plan.notes,
            *_found(plan, records, folder, passed=verdict == "passed"),
            *notes,
            *_hot(partitions, spec),
        ),
        failure=failure.message if failure else None,
        hint=failure.hint if failure else None,
        run_folder=str(folder.path),
        expired=verified.expired if verified else None,
        sample=_sample(mapped),
        rewrite=_rewrite(plan, spec),
        sizes=portrait.sizes if portrait else None,
        attributes=portrait.attributes if portrait else None,
        partitions=partitions,
        rejects=portrait.rejects if portrait else (),
        throughput=tuple(_throughput(plan, records)),
        buckets=verified.buckets if verified else None,
    )


def _checks(plan: Plan, records: list[Record]) -> Iterator[Check]:
    """Yield every check, in the order of the steps."""
    verified = _noted_in_last(VerifyTable, COMPARED, TableCompared, plan, records)
    counted = _noted_in_last(CountItems, COMPARED, Compared, plan, records)
    compared = _noted_in_last(CompareSettings, COMPARED, Compared, plan, records)
    for found in (verified, counted, compared):
        yield from found.checks if found else ()


def _found(plan: Plan, records: list[Record], folder: RunFolder, *, passed: bool) -> Iterator[str]:
    """Yield what was found during the run, and the follow-up of one that passed."""
    yield from _merge_notes(plan, records)
    compared = _noted_in_last(CompareSettings, COMPARED, Compared, plan, records)
    yield from compared.remarks if compared else ()
    if passed:
        checked = _evidence_of_last(CheckExport, plan, records)
        changes = _evidence_of_last(ListChanges, plan, records)
        yield from follow_up(plan, checked, changes, str(folder.changes))


def _verdict(plan: Plan, records: list[Record], failure: Failure | None) -> Verdict:
    """Return passed only for a run whose last step is recorded."""
    if isinstance(failure, CheckFailed | Stale):
        return "failed"
    done = {record.step for record in records if record.event == DONE}
    if failure is None and all(step.id in done for step in plan.steps):
        return "passed"
    return "incomplete"


def _evidence_of_last(kind: type[StepOf[T]], plan: Plan, records: list[Record]) -> T | None:
    """Return the evidence of the latest step of ``kind`` that has finished, if one has."""
    found = [evidence_in(records, step) for step in plan.steps if isinstance(step, kind)]
    # Pyright narrows no union by a class that is a parameter.
    return next((one for one in reversed(found) if one is not None), None)  # pyright: ignore[reportReturnType]


def _loaded(plan: Plan, records: list[Record]) -> ItemsLoaded | None:
    """Return what became of the items that were loaded, if the load has finished."""
    found = (evidence_in(records, step) for step in plan.steps if isinstance(step, AnyLoad))
    return next(found, None)


def _noted_in_last(
    kind: type[StepOf[Any]], event: str, fact: type[T], plan: Plan, records: list[Record]
) -> T | None:
    """Return what the latest step of ``kind`` that recorded ``event`` noted by it, if one did."""
    found = [noted_in(records, step, event, fact) for step in plan.steps if isinstance(step, kind)]
    return next((one for one in reversed(found) if one is not None), None)


def _merge_notes(plan: Plan, records: list[Record]) -> Iterator[str]:
    """Yield what incremental exports made of the full one."""
    merged = _evidence_of_last(MergeExports, plan, records)
    if merged is not None:
        yield (
            f"{merged.full:,} items of the full export and {merged.changes:,} changes make "
            f"{merged.merged:,} items: {merged.outdated:,} lines were replaced by later "
            f"ones, {merged.deletions:,} are deletions"
        )


def _difference_counts(verified: TableCompared | None) -> Differences:
    """Return how many items differ, where they were compared."""
    if verified is None:
        return Differences()
    return Differences(missing=verified.missing, extra=verified.extra, different=verified.different)


def _counts(mapped: ItemsMapped | None, loaded: ItemsLoaded | None) -> Counts:
    """Return what became of every item, as far as it is known."""
    return Counts(
        read=mapped.read if mapped else None,
        kept=mapped.kept if mapped else None,
        dropped=mapped.dropped if mapped else None,
        rejected=mapped.rejected if mapped else None,
        results=mapped.results if mapped else None,
        loaded=loaded.loaded if loaded else None,
        superseded=mapped.superseded if mapped else None,
        quarantined=loaded.quarantined if loaded else None,
    )


def _collisions(mapped: ItemsMapped | None, portrait: Portrait | None) -> CollisionSummary | None:
    """Return how many target keys collide, if any do."""
    if mapped is None or not mapped.colliding_keys:
        return None
    return CollisionSummary(
        keys=mapped.colliding_keys,
        items=mapped.colliding_items,
        unresolved=mapped.unresolved_keys,
        examples=portrait.collisions if portrait else (),
    )


def _portrait(plan: Plan, records: list[Record], folder: RunFolder) -> Portrait | None:
    """Return what the latest dry run found out about the items, if one got that far."""
    mapped = {record.step for record in records if record.event == MAPPED}
    for step in reversed(plan.steps):
        if isinstance(step, DryRun) and step.id in mapped:
            path = folder.portrait(step.role)
            return decode_portrait(path.read_bytes()) if path.is_file() else None
    return None


def _differences(verified: TableCompared | None, folder: RunFolder) -> tuple[DifferenceRow, ...]:
    """Return the first differing items, where any were found."""
    path = folder.differences
    return decode_differences(path.read_bytes()) if verified and path.is_file() else ()


def _sample(mapped: ItemsMapped | None) -> Sample | None:
    """Return how much was read, where that was not everything."""
    if mapped is None or mapped.sample_of is None:
        return None
    return Sample(items=mapped.read, of=mapped.sample_of)


def _at_the_planned_rate(portrait: Portrait | None, spec: Spec) -> Partitions | None:
    """Return the hottest partitions with their share of the rate that the spec plans."""
    found = portrait.partitions if portrait else None
    rate = spec.load.rate
    if found is None or not isinstance(rate, int) or not found.write_units:
        return found
    hottest = (
        replace(one, units_per_second=one.write_units * rate // found.write_units)
        for one in found.hottest
    )
    return replace(found, hottest=tuple(hottest))


def _hot(partitions: Partitions | None, spec: Spec) -> Iterator[str]:
    """Yield a warning where a partition would be throttled; it names no key (I6)."""
    rates = [one.units_per_second or 0 for one in (partitions.hottest if partitions else ())]
    hot = [rate for rate in rates if rate > PARTITION_UNITS]
    if hot:
        many = "1 partition key" if len(hot) == 1 else f"{len(hot)} partition keys"
        yield (
            f"{many} of {spec.target.table} would get more than {PARTITION_UNITS:,} write units a "
            f"second at load.rate {spec.load.rate:,} (the hottest {hot[0]:,}); one partition takes "
            f"{PARTITION_UNITS:,}, so writes of these items will be throttled"
        )


def _rewrite(plan: Plan, spec: Spec) -> Rewrite:
    """Return what becomes of the key, and the expressions behind new attributes."""
    before = plan.settings.description.key if plan.settings else None
    fields: dict[str, str] = {}
    for template in spec.transform.templates:
        for field in template.fields:
            known = fields.get(field.name)
            text = field.expression.text
            fields[field.name] = text if known in (None, text) else f"{known} | {text}"
    return Rewrite(
        key_before=_key_parts(before) if before else None,
        key_after=_key_parts(plan.key),
        fields=fields,
    )


def _key_parts(key: KeySchema) -> tuple[KeyPart, ...]:
    return tuple(KeyPart(name=part.name, type=part.type) for part in key.attributes)


def _throughput(plan: Plan, records: list[Record]) -> Iterator[Moment]:
    """Yield the load's progress over all processes that took part, without the time between."""
    loads = {step.id for step in plan.steps if isinstance(step, LoadItems)}
    began = 0.0
    for record in records:
        if record.step in loads and record.event == THROUGHPUT:
            seconds = 0.0
            for seconds, items, throttled in fact_of(record, Throughput).moments:
                yield Moment(seconds=round(began + seconds, 3), items=items, throttled=throttled)
            began += seconds


def _step_report(step: Step, records: list[Record], failure: Failure | None) -> StepReport:
    """Return how ``step`` ended: done, failed, stopped or never started."""
    own = [record for record in records if record.step == step.id]
    seconds = None
    facts: dict[str, Scalar] = {}
    if not own:
        outcome = "pending"
    elif own[-1].event == DONE:
        outcome = "done"
        seconds = _seconds(own)
        facts = dict(_scalars(own[-1].data))
    elif own[-1].event == "failed":
        outcome = "failed"
    else:
        outcome = "stopped" if failure else "pending"
    return StepReport(
        id=step.id,
        kind=type(step).__name__,
        title=step.title,
        outcome=outcome,  # type: ignore[arg-type]  # one of StepOutcome's words, all above
        seconds=seconds,
        facts=facts,
    )


def _seconds(records: list[Record]) -> float | None:
    """Return how long the step took since it was last started."""
    begun = [record.at for record in records if record.event == "begun"]
    if not begun:
        return None
    return (
        datetime.fromisoformat(records[-1].at) - datetime.fromisoformat(begun[-1])
    ).total_seconds()


def _scalars(facts: Mapping[str, Any]) -> Iterator[tuple[str, Scalar]]:
    """Yield the facts that a renderer can show on a line."""
    for name, value in facts.items():
        if isinstance(value, str | int | bool) or value is None:
            yield name, value
