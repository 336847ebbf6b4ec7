"""The first half of a plan: the export, its checks, the freeze and the old table's deletion."""

from dataclasses import dataclass
from typing import Any

from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.failure import Refused
from retable.runner.plan.export_steps import (
    AnyExport,
    Approve,
    CheckExport,
    ConvertFiles,
    DryRun,
    EnablePitr,
    MakeExport,
    MergeExports,
    Role,
    ScanTable,
    UseExport,
)
from retable.runner.plan.plan import Step
from retable.runner.plan.source_steps import (
    BackUp,
    DeleteTable,
    DropFromStack,
    FreezeSource,
    FromEarlier,
    FromExport,
    ListChanges,
    Settle,
    Unprotect,
)
from retable.runner.plan.step import Link, link
from retable.runner.planning.compile_target import Before, staging_steps
from retable.runner.planning.observe import Observed, export_format
from retable.runner.table.settings import TableSettings
from retable.schema.spec import Spec

LEAST_WINDOW_SECONDS = 15 * 60
"""What an incremental export covers at least; ExportTableToPointInTime in the guide."""


def use_export_step(
    spec: Spec, role: Role, export_id: str, incrementals: tuple[str, ...]
) -> UseExport:
    """Return the step that uses finished exports where the spec says they are."""
    return UseExport(
        id=f"export-{role}",
        location=spec.source.export.location or "",
        export_id=export_id,
        incrementals=incrementals,
        role=role,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedExport:
    """The steps that provide one export, check it and map it."""

    steps: tuple[Step, ...]
    check: Link[CheckExport]
    dry_run: Link[DryRun]


def finished_export(use: UseExport | ConvertFiles, sample: int | None = None) -> MappedExport:
    """Return the reading, checking, merging and mapping of finished exports."""
    merges = isinstance(use, UseExport) and bool(use.incrementals)
    return _mapped((use,), use, table_id=None, merges=merges, sample=sample)


def new_export(
    spec: Spec,
    observed: Observed,
    source: TableSettings,
    role: Role,
    bounds: Link[Approve] | None = None,
) -> MappedExport:
    """Return the making, checking and mapping of one export; ``bounds`` are those of a final one.

    A rehearsal uses the export that is available. One that is loaded is always made by the run,
    unless the spec names it, and may then be of any table: nothing is deleted for it.
    """
    *before, export = _export_itself(spec, observed, source, role)
    requested = spec.source.export
    named = role == "only" and (requested.id is not None or requested.kind == "files")
    return _mapped(
        (*before, export),
        export,
        table_id=None if named else source.description.table_id,
        merges=bool(observed.incrementals) and role != "final",
        bounds=bounds,
    )


def _mapped(  # noqa: PLR0913 -- what differs between one export and another
    given: tuple[Step, ...],
    export: AnyExport,
    *,
    table_id: str | None,
    merges: bool,
    bounds: Link[Approve] | None = None,
    sample: int | None = None,
) -> MappedExport:
    """Return the steps that check and map ``export``, after the steps ``given``."""
    role = export.role
    check = CheckExport(id=f"check-{role}", export=link(export), table_id=table_id, role=role)
    merge = MergeExports(id=f"merge-{role}", check=link(check), role=role)
    dry_run = DryRun(
        id=f"dry-run-{role}", check=link(check), role=role, bounds=bounds, sample=sample
    )
    steps = (*given, check, *((merge,) if merges else ()), dry_run)
    return MappedExport(steps=steps, check=link(check), dry_run=link(dry_run))


def _export_itself(
    spec: Spec, observed: Observed, source: TableSettings, role: Role
) -> tuple[*tuple[Step, ...], AnyExport]:
    """Return the step that makes an export or uses an available one, after its prerequisites.

    A rehearsal uses what is available. The export that is loaded is new, unless the spec names
    one by id, or incremental ones on top of one, and the source is not frozen for a later one.
    """
    requested = spec.source.export
    named = requested.id is not None or bool(requested.incrementals)
    takes = role == "rehearsal" or (role == "only" and named)
    if takes and observed.export is not None:
        added = tuple(export.id for export in observed.incrementals)
        return (use_export_step(spec, role, observed.export.id, added),)
    if requested.kind == "files":
        return (conversion_step(spec, role),)
    if requested.kind == "scan":
        return (_scan(spec, source, role),)
    made = _make_export(spec, source, role)
    if source.pitr or role == "final":
        return (made,)
    return (EnablePitr(id="pitr", table=source.description.name), made)


def _make_export(spec: Spec, source: TableSettings, role: Role) -> MakeExport:
    """Return the step that makes a native export."""
    requested, location = spec.source.export, _place(spec)
    return MakeExport(
        id=f"export-{role}",
        table_arn=source.description.arn,
        table_id=source.description.table_id or "",
        bucket=location.bucket,
        prefix=location.prefix,
        format=export_format(requested),
        bucket_owner=requested.bucket_owner,
        kms_key=requested.kms_key,
        at=None if requested.at is None else requested.at.isoformat(),
        role=role,
    )


def conversion_step(spec: Spec, role: Role) -> ConvertFiles:
    """Return the step that makes an export of foreign files."""
    requested = spec.source.export
    return ConvertFiles(
        id=f"export-{role}", location=requested.location or "", format=requested.format, role=role
    )


def _scan(spec: Spec, source: TableSettings, role: Role) -> ScanTable:
    """Return the step that reads the source with a scan."""
    description, requested = source.description, spec.source.export
    return ScanTable(
        id=f"export-{role}",
        table=description.name,
        table_arn=description.arn,
        table_id=description.table_id,
        location=requested.location,
        segments=requested.segments,
        rate=requested.rate,
        consistent=requested.consistent,
        role=role,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSource:
    """The steps that freeze the source, back it up and make its final export."""

    steps: tuple[Step, ...]
    dry_run: Link[DryRun]
    successor: FromExport


def frozen_source(
    spec: Spec,
    observed: Observed,
    source: TableSettings,
    approval: Link[Approve],
    backups: tuple[BackUp, ...],
) -> FrozenSource:
    """Return freeze, ``backups``, settling and the final export, within the bounds approved."""
    freeze = _freeze(source)
    seconds = _settle_seconds(spec, observed)
    settle = Settle(id="settle", freeze=link(freeze), seconds=seconds)
    final = new_export(spec, observed, source, "final", approval)
    return FrozenSource(
        steps=(freeze, *backups, settle, *final.steps),
        dry_run=final.dry_run,
        successor=FromExport(
            freeze=link(freeze),
            check=final.check,
            dry_run=final.dry_run,
            settle_seconds=seconds,
        ),
    )


def _freeze(source: TableSettings) -> FreezeSource:
    """Return the step that denies writes to the source."""
    described = source.description
    return FreezeSource(id="freeze", table_arn=described.arn, table_id=described.table_id or "")


def backup_step(source: TableSettings) -> BackUp:
    """Return the step that backs the source up."""
    description = source.description
    return BackUp(id="backup", table=description.name, table_id=description.table_id or "")


def damaged_source(
    spec: Spec, observed: Observed, source: TableSettings
) -> tuple[tuple[Step, ...], Before]:
    """Return the steps on a damaged table up to its deletion; all that is lost is listed first.

    Raises:
        Refused: there is no export to go back to, or no location for one.
    """
    export = new_export(spec, observed, source, "only")
    approve = Approve(id="approve", dry_run=export.dry_run, deletes=source.description.name)
    freeze = _freeze(source)
    seconds = _settle_seconds(spec, observed)
    settle = Settle(id="settle", freeze=link(freeze), seconds=seconds)
    backup = backup_step(source)
    changes = changes_step(spec, observed, source, export.check, must=True)
    staging = staging_steps(spec, source, export.dry_run)
    successor = FromEarlier(
        freeze=link(freeze),
        check=export.check,
        dry_run=export.dry_run,
        changes=link(changes),
        settle_seconds=seconds,
    )
    removal = removal_steps(observed, source, link(backup), link(approve), successor)
    steps = (*export.steps, approve, freeze, settle, backup, changes, *staging, *removal)
    return steps, Before(dry_run=export.dry_run, steps=(*staging, *removal))


def unfrozen_removal(  # noqa: PLR0913, PLR0917 -- what must be done before
    spec: Spec,
    observed: Observed,
    source: TableSettings,
    export: MappedExport,
    backup: Link[BackUp],
    approval: Link[Approve],
) -> tuple[Step, ...]:
    """Return the deletion of a table whose writers are not stopped; their writes are listed first.

    Whoever starts the run approves that by naming the table.
    """
    changes = changes_step(spec, observed, source, export.check, must=True)
    successor = FromEarlier(
        freeze=None,
        check=export.check,
        dry_run=export.dry_run,
        changes=link(changes),
        settle_seconds=0,
    )
    return (changes, *removal_steps(observed, source, backup, approval, successor))


def changes_step(
    spec: Spec, observed: Observed, source: TableSettings, since: Link[CheckExport], *, must: bool
) -> ListChanges:
    """Return the step that lists what was written after the export that is loaded.

    ``must``: the source may be deleted only with the list.

    Raises:
        Refused: the spec names no location in S3 for exports.
    """
    place, requested = _place(spec), spec.source.export
    return ListChanges(
        id="changes",
        table_arn=source.description.arn,
        table_id=source.description.table_id or "",
        since=since,
        bucket=place.bucket,
        prefix=place.prefix,
        bucket_owner=requested.bucket_owner,
        kms_key=requested.kms_key,
        least_seconds=0 if observed.sandbox else LEAST_WINDOW_SECONDS,
        ttl=source.ttl,
        must=must,
        accepted=must and "later-writes" in spec.rebuild.accept,
    )


def _place(spec: Spec) -> S3Prefix:
    location = parse_location(spec.source.export.location or "", spec.origin.folder)
    if not isinstance(location, S3Prefix):
        message = "DynamoDB exports only to S3; "
        message += f"source.export.location is {spec.source.export.location}"
        raise Refused(message, "give an s3:// location, or source.export.id and freeze: none")
    return location


def _settle_seconds(spec: Spec, observed: Observed) -> int:
    """Return how long the freeze must have held; the sandbox's policies take effect at once."""
    return 0 if observed.sandbox else spec.rebuild.settle_seconds


def removal_steps(
    observed: Observed,
    source: TableSettings,
    backup: Link[BackUp],
    approval: Link[Approve],
    successor: FromExport | FromEarlier,
) -> tuple[Unprotect | DropFromStack | DeleteTable, ...]:
    """Return what deletes the old table: its stack, the API, or both where the stack retains it."""
    description, stack = source.description, observed.stack
    table_id = description.table_id or ""
    removal: dict[str, Any] = {
        "table": description.name,
        "table_id": table_id,
        "backup": backup,
        "approval": approval,
        "successor": successor,
    }
    steps: list[Unprotect | DropFromStack | DeleteTable] = []
    if description.deletion_protection:
        steps.append(Unprotect(id="unprotect", table=description.name, table_id=table_id))
    if stack is not None:
        drop = DropFromStack(
            id="drop",
            stack=stack.variants["absent"],
            retains=stack.retains,
            original=stack.variants["original"],
            logical_id=stack.old or "",
            **removal,
        )
        steps.append(drop)
    if stack is None or stack.retains:
        steps.append(DeleteTable(id="delete", **removal))
    return tuple(steps)
