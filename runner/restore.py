"""From a run that has deleted its source to the plan that brings it back. Pure: asks nothing.

What stands there now is kept as well: it is frozen and backed up before it makes way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from retable.runner.aws.settings import TableSettings
from retable.runner.failure import Refused
from retable.runner.journal import Record
from retable.runner.plan import (
    Approve,
    BackUp,
    CheckExport,
    CountItems,
    DeleteTable,
    FreezeSource,
    FromBackup,
    LiftFence,
    Plan,
    Removal,
    RestoreBackup,
    RestoreSettings,
    Settle,
    Step,
    Unprotect,
)
from retable.schema.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The table that a run has deleted, and what is left of it."""

    run_id: str
    settings: TableSettings
    """As they were before that run's first change (I8)."""
    backup_arn: str
    export_id: str
    exported: int
    """Items of the last export, which was made behind the same freeze as the backup."""


def lost_table(plan: Plan, records: Sequence[Record], run_id: str) -> Lost:
    """Return what the run of ``plan`` has deleted, as its journal tells it.

    Raises:
        Refused: it has deleted nothing.
    """
    removals = [step for step in plan.steps if isinstance(step, Removal)]
    begun = [step for step in removals if _has(records, step.id, "intent")]
    if plan.command != "run" or not begun or plan.settings is None:
        message = f"run {run_id} has deleted no table, so there is none to bring back"
        raise Refused(message, "migrate run SPEC --abort puts the source back as it was")
    final = [
        step.id for step in plan.steps if isinstance(step, CheckExport) and step.role == "final"
    ]
    checked = _done(records, final[0])
    return Lost(
        run_id=run_id,
        settings=plan.settings,
        backup_arn=str(_done(records, begun[0].backup)["arn"]),
        export_id=str(checked["export_id"]),
        exported=int(checked["item_count"]),
    )


def compile_restore(
    spec: Spec, run: Plan, lost: Lost, present: TableSettings | None, *, settle_seconds: int
) -> Plan:
    """Return the plan that brings ``lost`` back in place of ``present``, which ``run`` has made.

    Raises:
        Refused: the table that was lost is there.
    """
    gone = lost.settings.description
    if present is not None and present.description.table_id == gone.table_id:
        message = f"the table {gone.name} with TableId {gone.table_id} is still there"
        raise Refused(message, "migrate run SPEC --abort puts it back as it was")
    steps = (
        Approve(id="approve", dry_run=None, deletes=gone.name if present else None),
        *_making_way(present, lost, settle_seconds),
        *_coming_back(lost, replaces="delete" if present else None),
    )
    return Plan(
        command="restore",
        restores=lost.run_id,
        spec_name=run.spec_name,
        spec_sha256=spec.origin.sha256,
        functions_sha256=None,
        account=run.account,
        region=run.region,
        sandbox=run.sandbox,
        strategy=run.strategy,
        source=gone.name,
        target=gone.name,
        key=gone.key,
        settings=present,
        items=lost.exported,
        items_are_exact=True,
        steps=steps,
        notes=tuple(_notes(lost, present)),
    )


def _making_way(present: TableSettings | None, lost: Lost, settle_seconds: int) -> Iterator[Step]:
    """Yield what keeps the table that is there now, and what then makes it go."""
    if present is None:
        return
    description = present.description
    table_id = description.table_id or ""
    named: dict[str, Any] = {"table": description.name, "table_id": table_id}
    yield FreezeSource(id="freeze", table_arn=description.arn, table_id=table_id)
    yield Settle(id="settle", freeze="freeze", seconds=settle_seconds)
    yield BackUp(id="backup", **named)
    if description.deletion_protection:
        yield Unprotect(id="unprotect", **named)
    yield DeleteTable(
        id="delete",
        freeze="freeze",
        backup="backup",
        approval="approve",
        successor=FromBackup(backup_arn=lost.backup_arn),
        **named,
    )


def _coming_back(lost: Lost, replaces: str | None) -> Iterator[Step]:
    """Yield what makes the table again as it was."""
    settings, description = lost.settings, lost.settings.description
    yield RestoreBackup(
        id="create",
        table=description.name,
        backup_arn=lost.backup_arn,
        sse=description.sse,
        replaces=replaces,
    )
    yield CountItems(
        id="count", create="create", exported=lost.exported, expires=settings.ttl is not None
    )
    yield RestoreSettings(
        id="settings",
        create="create",
        ttl=settings.ttl,
        stream=description.stream,
        pitr=settings.pitr,
        pitr_days=settings.pitr_days,
        deletion_protection=description.deletion_protection,
        tags=settings.tags,
    )
    yield LiftFence(id="lift-fence", create="create", policy=settings.policy)


def _notes(lost: Lost, present: TableSettings | None) -> Iterator[str]:
    """Yield what a reader must know before agreeing."""
    name = lost.settings.description.name
    if present is not None:
        yield f"what was written to {name} since it was rebuilt is in its new backup alone"
    yield f"{name} comes back with another TableId and, if it had one, another stream"
    yield f"{name} can be written to between its restore and its fence: keep its writers stopped"
    for what in lost.settings.unkept:
        yield f"{name} had {what}, which does not come back by itself"


def _has(records: Sequence[Record], step: str, event: str) -> bool:
    return any(record.step == step and record.event == event for record in records)


def _done(records: Sequence[Record], step: str) -> Any:
    """Return what a step left behind when it was last done."""
    return [r.data for r in records if r.step == step and r.event == "done"][-1]
