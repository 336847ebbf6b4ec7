"""The report of a run, from its plan and its journal. What a renderer shows is all here."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from retable.runner.explain import title
from retable.runner.failure import CheckFailed, Failure, Stale
from retable.runner.folder import RunFolder
from retable.runner.journal import RUN, Record
from retable.runner.plan import DryRun, LoadItems, MergeExports, Plan, Step, VerifyTable
from retable.runner.report.model import (
    Check,
    CollisionSummary,
    Counts,
    DifferenceRow,
    Differences,
    Report,
    Scalar,
    StepReport,
    Verdict,
)
from retable.schema.spec import Spec

Facts = Mapping[str, Any]


def summarize(  # noqa: PLR0913 -- everything that a report tells
    plan: Plan,
    records: list[Record],
    folder: RunFolder,
    spec: Spec,
    *,
    failure: Failure | None = None,
    notes: tuple[str, ...] = (),
) -> Report:
    """Return the report of a run as its journal tells it, ended by ``failure`` if by any."""
    verified = _facts_of(VerifyTable, plan, records, "compared")
    mapped = _facts_of(DryRun, plan, records, "mapped")
    return Report(
        command=plan.command,
        verdict=_verdict(plan, records, failure),
        run_id=folder.run_id,
        spec_name=plan.spec_name,
        spec_file=spec.origin.file,
        source=plan.source,
        target=plan.target,
        region=plan.region,
        account=plan.account,
        started=records[0].at if records else "",
        finished=records[-1].at if records else None,
        counts=_counts(mapped, _facts_of(LoadItems, plan, records, "done")),
        differences=Differences(
            missing=verified.get("missing"),
            extra=verified.get("extra"),
            different=verified.get("different"),
        ),
        checks=tuple(Check(**check) for check in verified.get("checks", ())),
        steps=tuple(_step_report(step, records, failure) for step in plan.steps),
        first_differences=tuple(
            DifferenceRow(**row) for row in verified.get("first_differences", ())
        ),
        rejects_by_reason=mapped.get("rejects_by_reason", {}),
        collisions=_collisions(mapped),
        notes=(*plan.notes, *_merge_notes(plan, records), *notes),
        failure=failure.message if failure else None,
        hint=failure.hint if failure else None,
        run_folder=str(folder.path),
    )


def _verdict(plan: Plan, records: list[Record], failure: Failure | None) -> Verdict:
    """Return passed only for a run whose last step is recorded."""
    if isinstance(failure, CheckFailed | Stale):
        return "failed"
    done = {record.step for record in records if record.event == "done"}
    if failure is None and all(step.id in done for step in plan.steps):
        return "passed"
    return "incomplete"


def _facts_of(kind: type[Step], plan: Plan, records: list[Record], event: str) -> Facts:
    """Return what the latest step of ``kind`` left behind, or nothing."""
    ids = {step.id for step in plan.steps if isinstance(step, kind)}
    found: Facts = {}
    for record in records:
        if record.step in ids and record.event == event:
            found = record.data
    return found


def _merge_notes(plan: Plan, records: list[Record]) -> Iterator[str]:
    """Yield what incremental exports made of the full one."""
    merged = _facts_of(MergeExports, plan, records, "done")
    if merged:
        yield (
            f"{merged['full']:,} items of the full export and {merged['changes']:,} changes make "
            f"{merged['merged']:,} items: {merged['outdated']:,} lines were overtaken by later "
            f"ones, {merged['deletions']:,} say that an item was deleted"
        )


def _counts(mapped: Facts, loaded: Facts) -> Counts:
    """Return what became of every item, as far as it is known."""
    return Counts(
        read=mapped.get("read"),
        kept=mapped.get("kept"),
        dropped=mapped.get("dropped"),
        rejected=mapped.get("rejected"),
        results=mapped.get("results"),
        loaded=loaded.get("loaded"),
        superseded=mapped.get("superseded"),
        quarantined=loaded.get("quarantined"),
    )


def _collisions(mapped: Facts) -> CollisionSummary | None:
    """Return how many target keys collide, if any do."""
    if not mapped.get("colliding_keys"):
        return None
    return CollisionSummary(
        keys=mapped["colliding_keys"],
        items=mapped["colliding_items"],
        unresolved=mapped["unresolved_keys"],
    )


def _step_report(step: Step, records: list[Record], failure: Failure | None) -> StepReport:
    """Return how ``step`` ended: done, failed, stopped or never begun."""
    own = [record for record in records if record.step == step.id]
    seconds = None
    facts: dict[str, Scalar] = {}
    if not own:
        outcome = "pending"
    elif own[-1].event == "done":
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
        title=title(step),
        outcome=outcome,  # type: ignore[arg-type]  # one of StepOutcome's words, all above
        seconds=seconds,
        facts=facts,
    )


def _seconds(records: list[Record]) -> float | None:
    """Return how long the step took from where it was last begun."""
    begun = [record.at for record in records if record.event == "begun"]
    if not begun:
        return None
    return (
        datetime.fromisoformat(records[-1].at) - datetime.fromisoformat(begun[-1])
    ).total_seconds()


def _scalars(facts: Facts) -> Iterator[tuple[str, Scalar]]:
    """Yield the facts that a renderer can show on a line."""
    for name, value in facts.items():
        if isinstance(value, str | int | bool) or value is None:
            yield name, value


def is_completed(records: list[Record]) -> bool:
    """Return whether the run came to its end."""
    return any(record.step == RUN and record.event == "completed" for record in records)


def is_ended(records: list[Record]) -> bool:
    """Return whether the run turned back, after which it cannot be resumed."""
    return any(record.step == RUN and record.event == "ended" for record in records)
