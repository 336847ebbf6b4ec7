"""From a run that deleted its source to the plan that restores it. Pure: it makes no calls.

The table that exists now is kept as well: it is frozen and backed up before it is replaced.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from retable.runner.cdk.restore_stack import StackToRestore
from retable.runner.failure import CheckFailed, Refused
from retable.runner.plan.export_steps import Approve
from retable.runner.plan.finish_steps import (
    CompareSettings,
    CountItems,
    LiftFence,
    RestoreSettings,
)
from retable.runner.plan.plan import Plan, Step
from retable.runner.plan.source_steps import (
    BackUp,
    DeleteTable,
    DropFromStack,
    ForgetTable,
    FreezeSource,
    FromBackup,
    FromExport,
    Removal,
    Settle,
    Unprotect,
)
from retable.runner.plan.step import Link, link
from retable.runner.plan.target_steps import AdoptTable, DeployStack, RestoreBackup
from retable.runner.planning.compile_target import drop_in, removal_in
from retable.runner.runs.journal import INTENT, Record, evidence_in
from retable.runner.table.creation import create_request
from retable.runner.table.settings import Attached, TableSettings
from retable.schema.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The table that a run deleted, and what is left of it."""

    run_id: str
    settings: TableSettings
    """As they were before that run's first change (I8)."""
    backup_arn: str
    export_id: str
    """The export that the run loads."""
    exported: int | None
    """Items of that export, where it was made behind the same freeze as the backup."""


def lost_table(plan: Plan, records: Sequence[Record], run_id: str) -> Lost:
    """Return what the run of ``plan`` deleted, according to its journal.

    Raises:
        Refused: it has deleted nothing.
        CheckFailed: its journal is inconsistent.
    """
    begun = [
        step for step in plan.steps if isinstance(step, Removal) and _has(records, step.id, INTENT)
    ]
    successor = begun[0].successor if begun else None
    if plan.settings is None or successor is None or isinstance(successor, FromBackup):
        message = f"run {run_id} has deleted no table, so there is none to restore"
        raise Refused(message, "migrate run SPEC --abort rolls the run back")
    checked = evidence_in(records, plan.at(successor.check))
    backup = evidence_in(records, plan.at(begun[0].backup))
    if checked is None or backup is None:
        message = f"the journal of run {run_id} deletes a table before its export and its backup"
        raise CheckFailed(message, "the journal was altered; restore the file")
    return Lost(
        run_id=run_id,
        settings=plan.settings,
        backup_arn=backup.arn,
        export_id=checked.export_id,
        exported=checked.item_count if isinstance(successor, FromExport) else None,
    )


def compile_restore(  # noqa: PLR0913 -- what was lost, and what exists now
    spec: Spec,
    run: Plan,
    lost: Lost,
    present: TableSettings | None,
    stack: StackToRestore | None,
    *,
    settle_seconds: int,
) -> Plan:
    """Return the plan that restores ``lost`` in place of ``present``, which ``run`` created.

    ``stack`` is the stack that the table was in, into which it is imported again.

    Raises:
        Refused: the lost table still exists.
    """
    deleted = lost.settings.description
    if present is not None and present.description.table_id == deleted.table_id:
        message = f"the table {deleted.name} with TableId {deleted.table_id} still exists"
        raise Refused(message, "migrate run SPEC --abort rolls the run back")
    approve = Approve(id="approve", dry_run=None, deletes=deleted.name if present else None)
    removal = tuple(_removal(present, lost, stack, settle_seconds, link(approve)))
    steps = (approve, *removal, *_restoring(spec, lost, stack, removal))
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
        source=deleted.name,
        target=deleted.name,
        key=deleted.key,
        settings=present,
        items=lost.exported,
        items_are_exact=lost.exported is not None,
        steps=steps,
        notes=tuple(_notes(lost, present)),
    )


def _removal(
    present: TableSettings | None,
    lost: Lost,
    stack: StackToRestore | None,
    settle_seconds: int,
    approval: Link[Approve],
) -> Iterator[Step]:
    """Yield what backs up the table that exists now, and what then deletes it."""
    if present is None:
        yield from _forgetting(lost.settings.description.name, stack)
        return
    description = present.description
    table_id = description.table_id or ""
    named: dict[str, Any] = {"table": description.name, "table_id": table_id}
    freeze = FreezeSource(id="freeze", table_arn=description.arn, table_id=table_id)
    backup = BackUp(id="backup", **named)
    yield freeze
    yield Settle(id="settle", freeze=link(freeze), seconds=settle_seconds)
    yield backup
    if description.deletion_protection:
        yield Unprotect(id="unprotect", **named)
    removal: dict[str, Any] = {
        "backup": link(backup),
        "approval": approval,
        "successor": FromBackup(freeze=link(freeze), backup_arn=lost.backup_arn),
        **named,
    }
    drops = stack is not None and stack.absent is not None
    if stack is not None and stack.absent is not None:
        yield DropFromStack(
            id="drop",
            stack=stack.absent,
            retains=stack.retains,
            original=stack.original,
            logical_id=stack.logical_id,
            **removal,
        )
    if not drops or (stack is not None and stack.retains):
        yield DeleteTable(id="delete", **removal)


def _forgetting(table: str, stack: StackToRestore | None) -> Iterator[Step]:
    """Yield what removes a deleted table from its stack, so that another can be imported."""
    if stack is not None and stack.absent is not None:
        yield ForgetTable(id="drop", table=table, stack=stack.absent)


def _restoring(
    spec: Spec, lost: Lost, stack: StackToRestore | None, removal: Sequence[Step]
) -> Iterator[Step]:
    """Yield what recreates the table as it was, and imports it into its stack."""
    settings = lost.settings
    # Autoscaling is a resource of its own, which the stack itself recreates.
    own = settings.attached
    attached = own if stack is None else replace(own, scaling=())
    create = RestoreBackup(
        id="create",
        backup_arn=lost.backup_arn,
        request=_request(spec, lost),
        replaces=removal_in(removal),
    )
    yield create
    if lost.exported is not None:
        yield CountItems(
            id="count",
            create=link(create),
            exported=lost.exported,
            expires=settings.ttl is not None,
        )
    restore = _restored(settings, attached, link(create))
    yield restore
    if stack is not None:
        # Other resources of the stack may read the table's stream, which is on again by now.
        adopt = AdoptTable(
            id="adopt",
            stack=stack.original,
            after=drop_in(removal),
            create=link(create),
            logical_id=stack.logical_id,
        )
        yield adopt
        yield DeployStack(id="deploy-original", stack=stack.original, after=link(adopt))
    lift = LiftFence(id="lift-fence", create=link(create), policy=settings.policy)
    yield lift
    yield CompareSettings(
        id="compare-settings",
        create=link(create),
        settings=link(restore),
        fence=link(lift),
        attached=settings.attached,
    )


def _restored(
    settings: TableSettings, attached: Attached, create: Link[RestoreBackup]
) -> RestoreSettings:
    """Return the step that gives the restored table the settings that it had."""
    return RestoreSettings(
        id="settings",
        create=create,
        ttl=settings.ttl,
        stream=settings.description.stream,
        pitr=settings.pitr,
        pitr_days=settings.pitr_days,
        deletion_protection=settings.description.deletion_protection,
        tags=settings.tags,
        attached=attached,
    )


def _request(spec: Spec, lost: Lost) -> dict[str, Any]:
    """Return the CreateTable request for the table as it was."""
    deleted = lost.settings.description
    as_it_was: dict[str, Any] = {"indexes": "keep", "billing": "keep", "settings": "keep"}
    target = replace(spec.target, table=deleted.name, key=deleted.key, **as_it_was)
    return create_request(target, lost.settings)


def _notes(lost: Lost, present: TableSettings | None) -> Iterator[str]:
    """Yield what to know before approving."""
    name = lost.settings.description.name
    if present is not None:
        yield f"what was written to {name} since it was rebuilt is only in its new backup"
    yield f"{name} is restored with a new TableId and, if it had a stream, a new stream"
    yield f"{name} can be written to between its restore and its fence: keep its writers stopped"
    for what in lost.settings.unkept:
        yield f"{name} had {what}, which is not restored"


def _has(records: Sequence[Record], step: str, event: str) -> bool:
    return any(record.step == step and record.event == event for record in records)
