"""From a spec and what was observed to a plan. Pure: it makes no calls.

The order of the steps is what makes a run safe: everything provable is proved before the
freeze, everything that must be proved is proved before the delete (I1), and the target is fenced
from its creation to the end of its verification (I9).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from retable.runner.export.manifest import Export
from retable.runner.export.windows import overlaps
from retable.runner.failure import CheckFailed, Refused
from retable.runner.plan.export_steps import Approve
from retable.runner.plan.finish_steps import TargetExport, VerifyTable
from retable.runner.plan.plan import Plan, Step
from retable.runner.plan.source_steps import ForgetTable
from retable.runner.plan.step import link, requests_of
from retable.runner.planning.compile_source import (
    backup_step,
    changes_step,
    conversion_step,
    damaged_source,
    finished_export,
    frozen_source,
    new_export,
    removal_steps,
    unfrozen_removal,
    use_export_step,
)
from retable.runner.planning.compile_target import Before, staging_steps, target_steps
from retable.runner.planning.lost_settings import lost_settings, require_no_replicas
from retable.runner.planning.lost_source import (
    as_exported,
    require_later_writes_known,
    require_own,
    require_repairable,
    unknown_settings,
)
from retable.runner.planning.observe import Observed, require_ready
from retable.runner.planning.plan_warnings import lost_with_the_source, warnings
from retable.runner.spec.unsupported import unsupported
from retable.runner.table.settings import TableSettings
from retable.runner.table.validate_requests import require_valid
from retable.schema.spec import Spec


def compile_plan(spec: Spec, observed: Observed) -> Plan:
    """Return the plan that rebuilds what ``spec`` names, given what was ``observed``.

    Raises:
        Refused: the spec cannot be carried out with what was observed.
        Stopped: the source table is not ACTIVE.
        CheckFailed: another table has the target's name.
    """
    source = observed.source
    if source is not None:
        require_no_replicas(spec, source)
    missing = (*unsupported(spec), *lost_with_the_source(spec, source))
    if missing:
        return _unfinished(spec, observed, missing)
    if source is None:
        return _recovery(spec, observed)
    require_ready(source.description, source.description.name)
    _require_unfenced(spec, observed)
    if spec.rebuild.strategy == "recover":
        return _repair(spec, observed, source)
    _refuse_taken_target(spec, observed)
    freezes = spec.rebuild.freeze == "resource-policy"
    steps = tuple((_frozen_steps if freezes else _unfrozen_steps)(spec, observed, source))
    notes = (*lost_settings(spec, source, steps), *warnings(spec, observed, source))
    return _plan(spec, observed, source, spec.rebuild.strategy, steps, notes)


def _recovery(spec: Spec, observed: Observed) -> Plan:
    """Return the plan that recreates a lost table from its export.

    There is nothing to freeze, to back up or to delete.

    Raises:
        Refused: no export of it is named, or none is available.
        CheckFailed: another table has the target's name.
    """
    named = spec.source.export.id is not None or spec.rebuild.strategy == "recover"
    if observed.export is None or not named:
        table = spec.source.table_name
        message = f"the table {table} does not exist"
        hint = "check source.table, source.region and the credentials' account; a lost table is "
        hint += "recreated from its export with strategy: recover and source.export.id"
        raise Refused(message, hint)
    if observed.target is not None:
        message = f"the target table {spec.target.table} already exists"
        raise CheckFailed(message, "name another target, or delete this one")
    require_own(spec, observed, observed.export)
    source = as_exported(spec, observed.export)
    added = tuple(export.id for export in observed.incrementals)
    export = finished_export(use_export_step(spec, "only", observed.export.id, added))
    before = Before(
        dry_run=export.dry_run,
        steps=(*staging_steps(spec, source, export.dry_run), *_forgetting(spec, observed)),
    )
    steps = (
        *export.steps,
        Approve(id="approve", dry_run=export.dry_run, deletes=None),
        *before.steps,
        *target_steps(spec, observed, source, before),
    )
    notes = (*unknown_settings(spec), *warnings(spec, observed, source))
    return _plan(spec, observed, source, "recover", steps, notes)


def _repair(spec: Spec, observed: Observed, source: TableSettings) -> Plan:
    """Return the plan that recreates a damaged table as it was at some time.

    Raises:
        Refused: the spec does not say as of which time, or the service cannot go back to it.
    """
    name, requested = source.description.name, spec.source.export
    if requested.at is None and requested.id is None:
        message = f"the table {name} exists, and the spec does not name a time before the damage"
        hint = "set source.export.at to a time before the damage, or source.export.id to an export"
        raise Refused(message, f"{hint}; an undamaged table is rebuilt with strategy: replace")
    require_repairable(spec, observed, source)
    require_later_writes_known(spec, observed, source)
    if requested.id is None:
        observed = replace(observed, export=None)
    first, before = damaged_source(spec, observed, source)
    steps = (*first, *target_steps(spec, observed, source, before))
    notes = (*lost_settings(spec, source, steps), *warnings(spec, observed, source))
    return _plan(spec, observed, source, "recover", steps, notes)


def _forgetting(spec: Spec, observed: Observed) -> Iterator[Step]:
    """Yield what removes a deleted table from the stack that still declares it."""
    if observed.stack is not None and "absent" in observed.stack.variants:
        absent = observed.stack.variants["absent"]
        yield ForgetTable(id="drop", table=spec.source.table_name, stack=absent)


def _plan(  # noqa: PLR0913, PLR0917 -- what is planned, by name
    spec: Spec,
    observed: Observed,
    source: TableSettings,
    strategy: Literal["side-by-side", "replace", "recover"],
    steps: tuple[Step, ...],
    notes: tuple[str, ...],
) -> Plan:
    """Return the plan, once every request that it will send is known to be valid.

    Raises:
        Refused: the service would reject a request that comes after the delete.
    """
    plan = Plan(
        spec_name=spec.name,
        spec_sha256=spec.origin.sha256,
        functions_sha256=_functions_sha256(spec),
        account=observed.account,
        region=observed.region,
        sandbox=observed.sandbox,
        strategy=strategy,
        source=spec.source.table_name,
        target=spec.target.table,
        key=spec.target.key,
        settings=source,
        items=_items(observed, source),
        items_are_exact=observed.export is not None and not observed.incrementals,
        steps=steps,
        notes=notes,
    )
    require_valid(requests_of(plan.steps, source.description.arn_beside(spec.target.table)))
    return plan


def compile_dry_run(
    spec: Spec, export: Export, incrementals: Sequence[Export] = (), sample: int | None = None
) -> Plan:
    """Return the plan of a dry run over a finished export, or over ``sample`` of its items.

    It writes to nothing. ``incrementals`` are applied on top of the export.
    """
    use = use_export_step(spec, "only", export.id, tuple(added.id for added in incrementals))
    notes = tuple(overlaps(export, incrementals))
    return _reading_plan(spec, "dry-run", finished_export(use, sample).steps, notes)


def compile_files_dry_run(spec: Spec, sample: int | None = None) -> Plan:
    """Return the plan of a dry run over foreign files. It writes to nothing."""
    return _reading_plan(
        spec, "dry-run", finished_export(conversion_step(spec, "only"), sample).steps
    )


def compile_verification(  # noqa: PLR0913 -- what was loaded, and how it is read back
    spec: Spec,
    export_id: str,
    incrementals: tuple[str, ...],
    location: str,
    loaded_by: str | None,
    *,
    read: TargetExport | None = None,
) -> Plan:
    """Return the plan that compares the target with a finished export in ``location``.

    ``incrementals`` are applied on top of it; ``loaded_by`` is the run that loaded the table, if
    known. ``read`` says how the target is exported, unless it is scanned.
    """
    use = replace(use_export_step(spec, "only", export_id, incrementals), location=location)
    export = finished_export(use)
    verify = VerifyTable(
        id="verify",
        table=spec.target.table,
        dry_run=export.dry_run,
        create=None,
        load=None,
        loaded_by=loaded_by,
        others=spec.target.nonempty == "accept",
        export=read,
    )
    return _reading_plan(spec, "verify", (*export.steps, verify))


def _items(observed: Observed, source: TableSettings) -> int | None:
    """Return the upper bound of the available exports, or the estimate of DescribeTable."""
    if observed.export is None:
        return source.description.item_count
    return observed.export.item_count + sum(added.item_count for added in observed.incrementals)


def _reading_plan(
    spec: Spec,
    command: Literal["dry-run", "verify"],
    steps: tuple[Step, ...],
    notes: tuple[str, ...] = (),
) -> Plan:
    """Return a plan that writes to no table."""
    return Plan(
        command=command,
        spec_name=spec.name,
        spec_sha256=spec.origin.sha256,
        functions_sha256=_functions_sha256(spec),
        account=None,
        region=spec.source.region,
        sandbox=False,
        strategy=spec.rebuild.strategy,
        source=spec.source.table_name,
        target=spec.target.table,
        key=spec.target.key,
        settings=None,
        items=None,
        items_are_exact=False,
        steps=steps,
        notes=notes,
    )


def _unfinished(spec: Spec, observed: Observed, missing: tuple[str, ...]) -> Plan:
    """Return a plan without steps that says what cannot be done yet."""
    return Plan(
        spec_name=spec.name,
        spec_sha256=spec.origin.sha256,
        functions_sha256=_functions_sha256(spec),
        account=observed.account,
        region=observed.region,
        sandbox=observed.sandbox,
        strategy=spec.rebuild.strategy,
        source=spec.source.table_name,
        target=spec.target.table,
        key=spec.target.key,
        settings=observed.source,
        items=None,
        items_are_exact=False,
        steps=(),
        unsupported=missing,
    )


def _require_unfenced(spec: Spec, observed: Observed) -> None:
    """Refuse to freeze a table that another run has frozen, or created and still fences.

    What that run has changed would be taken for the table's own settings, and either run could
    allow writes that the other has stopped.

    Raises:
        Refused: the statement of another run is in its policy.
    """
    beside = spec.rebuild.strategy == "side-by-side" and spec.rebuild.freeze == "none"
    if observed.fenced and not beside:
        table = spec.source.table_name
        message = f"another run has stopped the writes to {table}"
        hint = "resume it with --resume, or end it with --abort (migrate status lists the runs); "
        hint += "if there is none, remove the Retable... statements from the table's policy"
        raise Refused(message, hint)


def _refuse_taken_target(spec: Spec, observed: Observed) -> None:
    """Refuse to load into an existing table that has the target's name.

    Raises:
        CheckFailed: there is one, and it is not the source, which is replaced.
    """
    taken = spec.rebuild.strategy == "side-by-side" and observed.target is not None
    if taken and spec.target.nonempty == "refuse":
        message = f"the target table {spec.target.table} already exists"
        hint = "name another target, delete this one, or say target.nonempty: accept"
        raise CheckFailed(message, hint)


def _frozen_steps(spec: Spec, observed: Observed, source: TableSettings) -> Iterator[Step]:
    """Yield the steps of a run that stops the source's writers before its final export."""
    table, replaces = source.description.name, spec.rebuild.strategy == "replace"
    rehearsal = new_export(spec, observed, source, "rehearsal")
    approve = Approve(id="approve", dry_run=rehearsal.dry_run, deletes=table if replaces else None)
    backup = backup_step(source)
    backups = () if spec.rebuild.backup == "none" else (backup,)
    frozen = frozen_source(spec, observed, source, link(approve), backups)
    # Whatever a load needs beside the table exists before the old one is deleted (I1).
    staging = staging_steps(spec, source, frozen.dry_run)
    removal: Sequence[Step] = ()
    if replaces:
        removal = removal_steps(observed, source, link(backup), link(approve), frozen.successor)
    before = Before(dry_run=frozen.dry_run, steps=(*staging, *removal))
    yield from rehearsal.steps
    yield approve
    yield from frozen.steps
    yield from before.steps
    yield from target_steps(spec, observed, source, before)


def _unfrozen_steps(spec: Spec, observed: Observed, source: TableSettings) -> Iterator[Step]:
    """Yield the steps of a run that does not stop the source's writers."""
    table, replaces = source.description.name, spec.rebuild.strategy == "replace"
    export = new_export(spec, observed, source, "only")
    approve = Approve(id="approve", dry_run=export.dry_run, deletes=table if replaces else None)
    backup = backup_step(source)
    staging = staging_steps(spec, source, export.dry_run)
    removal: Sequence[Step] = ()
    if replaces:
        removal = unfrozen_removal(spec, observed, source, export, link(backup), link(approve))
    before = Before(dry_run=export.dry_run, steps=(*staging, *removal))
    yield from export.steps
    yield approve
    if spec.rebuild.backup != "none":
        yield backup
    yield from before.steps
    yield from target_steps(spec, observed, source, before)
    if not replaces and _lists_changes(observed, spec):
        yield changes_step(spec, observed, source, export.check, must=False)


def _lists_changes(observed: Observed, spec: Spec) -> bool:
    """Return whether an unfrozen run makes the native export that it loads, and uses no other."""
    requested = spec.source.export
    makes = observed.export is None or (requested.id is None and not requested.incrementals)
    return requested.kind == "native" and makes


def _functions_sha256(spec: Spec) -> str | None:
    own = spec.transform.functions
    return None if own is None else own.sha256
