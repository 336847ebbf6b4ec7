"""The first half of a plan: the export, its proof, the freeze, and the old table's end."""

from collections.abc import Iterator
from typing import Any

from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.failure import Refused
from retable.runner.plan.plan import (
    CheckExport,
    ConvertFiles,
    DryRun,
    EnablePitr,
    MakeExport,
    MergeExports,
    Role,
    ScanTable,
    Step,
    UseExport,
)
from retable.runner.plan.source_steps import (
    Approve,
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
from retable.runner.planning.compile_target import staging_steps
from retable.runner.planning.observe import Observed, export_format
from retable.runner.table.settings import TableSettings
from retable.schema.spec import Spec

LEAST_WINDOW_SECONDS = 15 * 60
"""What an incremental export covers at least; ExportTableToPointInTime in the guide."""


def use_export(spec: Spec, role: Role, export_id: str, incrementals: tuple[str, ...]) -> UseExport:
    """Return the step that takes finished exports where the spec says they are."""
    return UseExport(
        id=f"export-{role}",
        location=spec.source.export.location or "",
        export_id=export_id,
        incrementals=incrementals,
        role=role,
    )


def mapping_steps(use: UseExport | ConvertFiles, sample: int | None = None) -> Iterator[Step]:
    """Yield the reading, checking, merging and mapping of finished exports."""
    yield use
    yield CheckExport(id="check-only", export=use.id, table_id=None, role="only")
    if isinstance(use, UseExport) and use.incrementals:
        yield MergeExports(id="merge-only", check="check-only", role="only")
    yield DryRun(id="dry-run-only", check="check-only", role="only", bounds=None, sample=sample)


def export_steps(
    spec: Spec, observed: Observed, source: TableSettings, role: Role
) -> Iterator[Step]:
    """Yield the making, checking and mapping of one export."""
    yield from _export_itself(spec, observed, source, role)
    # An export that the spec names by id may be of an earlier table: nothing is deleted for it.
    wanted = spec.source.export
    named = role == "only" and (wanted.id is not None or wanted.kind == "files")
    table_id = None if named else source.description.table_id
    yield CheckExport(id=f"check-{role}", export=f"export-{role}", table_id=table_id, role=role)
    if observed.incrementals and role != "final":
        yield MergeExports(id=f"merge-{role}", check=f"check-{role}", role=role)
    bounds = "approve" if role == "final" else None
    yield DryRun(id=f"dry-run-{role}", check=f"check-{role}", role=role, bounds=bounds)


def _export_itself(
    spec: Spec, observed: Observed, source: TableSettings, role: Role
) -> Iterator[Step]:
    """Yield the step that makes an export, or takes the one at hand.

    A rehearsal takes what is there. The export that is loaded is made anew, unless the spec names
    one by id, or incremental ones on top of one, and nothing is frozen for a later one.
    """
    wanted = spec.source.export
    named = wanted.id is not None or bool(wanted.incrementals)
    takes = role == "rehearsal" or (role == "only" and named)
    if takes and observed.export is not None:
        added = tuple(export.id for export in observed.incrementals)
        yield use_export(spec, role, observed.export.id, added)
        return
    if wanted.kind == "files":
        yield convert_files(spec, role)
        return
    if wanted.kind == "scan":
        yield _scan(spec, source, role)
        return
    location = _place(spec)
    if not source.pitr and role != "final":
        yield EnablePitr(id="pitr", table=source.description.name)
    yield MakeExport(
        id=f"export-{role}",
        table_arn=source.description.arn,
        table_id=source.description.table_id or "",
        bucket=location.bucket,
        prefix=location.prefix,
        format=export_format(wanted),
        bucket_owner=wanted.bucket_owner,
        kms_key=wanted.kms_key,
        at=None if wanted.at is None else wanted.at.isoformat(),
        role=role,
    )


def convert_files(spec: Spec, role: Role) -> ConvertFiles:
    """Return the step that makes an export of foreign files."""
    wanted = spec.source.export
    return ConvertFiles(
        id=f"export-{role}", location=wanted.location or "", format=wanted.format, role=role
    )


def _scan(spec: Spec, source: TableSettings, role: Role) -> ScanTable:
    """Return the step that reads the source by scan."""
    description, wanted = source.description, spec.source.export
    return ScanTable(
        id=f"export-{role}",
        table=description.name,
        table_arn=description.arn,
        table_id=description.table_id,
        location=wanted.location,
        segments=wanted.segments,
        rate=wanted.rate,
        consistent=wanted.consistent,
        role=role,
    )


def freeze_steps(spec: Spec, observed: Observed, source: TableSettings) -> Iterator[Step]:
    """Yield freeze, backup, settling and the final export."""
    description = source.description
    yield FreezeSource(id="freeze", table_arn=description.arn, table_id=description.table_id or "")
    if spec.rebuild.backup != "none":
        yield back_up(source)
    yield Settle(id="settle", freeze="freeze", seconds=_settle_seconds(spec, observed))
    yield from export_steps(spec, observed, source, "final")


def back_up(source: TableSettings) -> BackUp:
    """Return the step that backs the source up."""
    description = source.description
    return BackUp(id="backup", table=description.name, table_id=description.table_id or "")


def from_final_export(spec: Spec, observed: Observed) -> FromExport:
    """Return what a table that is replaced gives way to."""
    return FromExport(
        final_export="export-final",
        final_check="check-final",
        final_dry_run="dry-run-final",
        settle_seconds=_settle_seconds(spec, observed),
    )


def damaged_steps(spec: Spec, observed: Observed, source: TableSettings) -> Iterator[Step]:
    """Yield what is done to a damaged table, up to its end: all that is lost by it is told first.

    Raises:
        Refused: there is no export to go back to, or no place for one.
    """
    description = source.description
    yield from export_steps(spec, observed, source, "only")
    yield Approve(id="approve", dry_run="dry-run-only", deletes=description.name)
    yield FreezeSource(id="freeze", table_arn=description.arn, table_id=description.table_id or "")
    yield Settle(id="settle", freeze="freeze", seconds=_settle_seconds(spec, observed))
    yield back_up(source)
    accepted = "later-writes" in spec.rebuild.accept
    yield list_changes(spec, observed, source, must=True, accepted=accepted)
    yield from staging_steps(spec, source, "dry-run-only")
    successor = FromEarlier(
        check="check-only",
        dry_run="dry-run-only",
        changes="changes",
        settle_seconds=_settle_seconds(spec, observed),
    )
    yield from delete_steps(observed, source, successor)


def unfrozen_end(spec: Spec, observed: Observed, source: TableSettings) -> Iterator[Step]:
    """Yield the end of a table whose writers nothing stops: what they wrote is told first.

    Whoever starts the run allows that by the table's name.
    """
    accepted = "later-writes" in spec.rebuild.accept
    yield list_changes(spec, observed, source, must=True, accepted=accepted)
    successor = FromEarlier(
        check="check-only", dry_run="dry-run-only", changes="changes", settle_seconds=0
    )
    yield from delete_steps(observed, source, successor, freeze=None)


def list_changes(
    spec: Spec, observed: Observed, source: TableSettings, *, must: bool, accepted: bool = False
) -> ListChanges:
    """Return the step that lists what was written after the export that is loaded.

    Raises:
        Refused: the spec names no place in S3 for exports.
    """
    place, wanted = _place(spec), spec.source.export
    return ListChanges(
        id="changes",
        table_arn=source.description.arn,
        table_id=source.description.table_id or "",
        since="check-only",
        bucket=place.bucket,
        prefix=place.prefix,
        bucket_owner=wanted.bucket_owner,
        kms_key=wanted.kms_key,
        least_seconds=0 if observed.sandbox else LEAST_WINDOW_SECONDS,
        ttl=source.ttl,
        must=must,
        accepted=accepted,
    )


def _place(spec: Spec) -> S3Prefix:
    location = parse_location(spec.source.export.location or "", spec.origin.folder)
    if not isinstance(location, S3Prefix):
        message = "an export can only be made into S3; "
        message += f"source.export.location is {spec.source.export.location}"
        raise Refused(message, "give an s3:// location, or source.export.id and freeze: none")
    return location


def _settle_seconds(spec: Spec, observed: Observed) -> int:
    """Return how long the fence must have held; the sandbox's policies need no time to spread."""
    return 0 if observed.sandbox else spec.rebuild.settle_seconds


def delete_steps(
    observed: Observed,
    source: TableSettings,
    successor: FromExport | FromEarlier,
    freeze: str | None = "freeze",
) -> Iterator[Step]:
    """Yield what makes the old table go, behind the step ``freeze`` where writers are stopped."""
    description = source.description
    table_id = description.table_id or ""
    if description.deletion_protection:
        yield Unprotect(id="unprotect", table=description.name, table_id=table_id)
    removal: dict[str, Any] = {
        "table": description.name,
        "table_id": table_id,
        "freeze": freeze,
        "backup": "backup",
        "approval": "approve",
        "successor": successor,
    }
    stack = observed.stack
    if stack is not None:
        yield DropFromStack(
            id="drop",
            stack=stack.variants["absent"],
            retains=stack.retains,
            original=stack.variants["original"],
            logical_id=stack.old or "",
            **removal,
        )
    if stack is None or stack.retains:
        yield DeleteTable(id="delete", **removal)
