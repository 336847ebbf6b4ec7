"""From a spec and what was observed to a plan. Pure: it asks nothing and changes nothing.

The order of the steps is the safety of the whole: everything that can be proved comes before the
freeze, everything that must be proved comes before the delete (I1), and the target is fenced from
its first moment to the end of its verification (I9).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

from retable.runner.aws.settings import TableSettings
from retable.runner.compile_target import staging_steps, target_steps
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.export.manifest import Export
from retable.runner.export.windows import overlaps
from retable.runner.failure import CheckFailed, Refused
from retable.runner.losses import losses, require_no_replicas
from retable.runner.notes import lost_with_the_source, notes
from retable.runner.observe import Observed, export_format, require_ready
from retable.runner.plan import (
    Approve,
    BackUp,
    CheckExport,
    ConvertFiles,
    DeleteTable,
    DeployStack,
    DropFromStack,
    DryRun,
    EnablePitr,
    FreezeSource,
    MakeExport,
    MergeExports,
    Plan,
    Role,
    ScanTable,
    Settle,
    Step,
    TargetExport,
    Unprotect,
    UseExport,
    VerifyTable,
)
from retable.runner.recover import as_exported, lost_settings
from retable.runner.unsupported import unsupported
from retable.schema.spec import Percentage, Spec


def compile_plan(spec: Spec, observed: Observed) -> Plan:
    """Return the plan that rebuilds what ``spec`` names, given the world as ``observed``.

    Raises:
        Refused: the spec cannot be carried out in this world.
        Stopped: the source table is being changed just now.
        CheckFailed: the target's name is taken by another table.
    """
    source = observed.source
    if source is not None:
        require_no_replicas(spec, source)
    missing = (*unsupported(spec), *lost_with_the_source(spec, source))
    if missing:
        return _unfinished(spec, observed, missing)
    if source is None:
        return _recovery(spec, observed)
    if spec.rebuild.strategy == "recover":
        message = (
            f"the table {source.description.name} is there; strategy: recover is for a lost one"
        )
        raise Refused(message, "use strategy: replace or side-by-side")
    require_ready(source.description, source.description.name)
    _refuse_taken_target(spec, observed)
    steps = tuple(_steps(spec, observed, source))
    told = (*losses(spec, source, steps), *notes(spec, observed, source))
    return _plan(spec, observed, source, spec.rebuild.strategy, steps, told)


def _recovery(spec: Spec, observed: Observed) -> Plan:
    """Return the plan that makes a lost table again from its export.

    There is nothing to freeze, to back up or to delete.

    Raises:
        Refused: no export of it is named, or none is at hand.
        CheckFailed: the target's name is taken by another table.
    """
    named = spec.source.export.id is not None or spec.rebuild.strategy == "recover"
    if observed.export is None or not named:
        table = spec.source.table_name
        message = f"the table {table} does not exist"
        hint = "check source.table, source.region and the credentials' account; a table that is "
        hint += "lost is made again from its export with strategy: recover and source.export.id"
        raise Refused(message, hint)
    if observed.target is not None:
        message = f"the target table {spec.target.table} already exists"
        raise CheckFailed(message, "name another target, or delete this one")
    source = as_exported(spec, observed.export)
    added = tuple(export.id for export in observed.incrementals)
    steps = (
        *_mapping_steps(_use_export(spec, "only", observed.export.id, added)),
        Approve(id="approve", dry_run="dry-run-only", deletes=None),
        *staging_steps(spec, source, "dry-run-only"),
        *_forgetting(observed),
        *target_steps(spec, observed, source, "dry-run-only"),
    )
    told = (*lost_settings(spec), *notes(spec, observed, source))
    return _plan(spec, observed, source, "recover", steps, told)


def _forgetting(observed: Observed) -> Iterator[Step]:
    """Yield what makes a stack forget a table: unchanged, it would not make it again."""
    if observed.stack is not None:
        yield DeployStack(id="drop", stack=observed.stack.variants["absent"], after=None)


def _plan(  # noqa: PLR0913, PLR0917 -- what is planned, by name
    spec: Spec,
    observed: Observed,
    source: TableSettings,
    strategy: Literal["side-by-side", "replace", "recover"],
    steps: tuple[Step, ...],
    told: tuple[str, ...],
) -> Plan:
    return Plan(
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
        notes=told,
    )


def compile_dry_run(
    spec: Spec, export: Export, incrementals: Sequence[Export] = (), sample: int | None = None
) -> Plan:
    """Return the plan of a dry run over a finished export, or over ``sample`` of its items.

    It names nothing that can be written. ``incrementals`` go on top of the export.
    """
    use = _use_export(spec, "only", export.id, tuple(added.id for added in incrementals))
    notes = tuple(overlaps(export, incrementals))
    return _reading_plan(spec, "dry-run", tuple(_mapping_steps(use, sample)), notes)


def compile_files_dry_run(spec: Spec, sample: int | None = None) -> Plan:
    """Return the plan of a dry run over foreign files. It names nothing that can be written."""
    return _reading_plan(spec, "dry-run", tuple(_mapping_steps(_convert(spec, "only"), sample)))


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

    ``incrementals`` go on top of it; ``loaded_by`` is the run that loaded the table, where it is
    known. ``read`` says how the target is exported, unless it is scanned.
    """
    verify = VerifyTable(
        id="verify",
        table=spec.target.table,
        dry_run="dry-run-only",
        create=None,
        load=None,
        loaded_by=loaded_by,
        others=spec.target.nonempty == "accept",
        export=read,
    )
    use = replace(_use_export(spec, "only", export_id, incrementals), location=location)
    return _reading_plan(spec, "verify", (*_mapping_steps(use), verify))


def checksum_attributes(spec: Spec) -> frozenset[str] | None:
    """Return the attributes that digests are taken over, the key's among them; ``None`` is all."""
    if spec.verify.checksum == "all":
        return None
    return frozenset([*spec.verify.checksum, *(one.name for one in spec.target.key.attributes)])


def max_rejects(spec: Spec, items: int) -> int:
    """Return how many of ``items`` may be rejected, a percentage rounded down."""
    allowed = spec.transform.max_rejects
    if isinstance(allowed, Percentage):
        return math.floor(items * allowed.percent / 100)
    return allowed


def _use_export(spec: Spec, role: Role, export_id: str, incrementals: tuple[str, ...]) -> UseExport:
    """Return the step that takes finished exports where the spec says they are."""
    return UseExport(
        id=f"export-{role}",
        location=spec.source.export.location or "",
        export_id=export_id,
        incrementals=incrementals,
        role=role,
    )


def _mapping_steps(use: UseExport | ConvertFiles, sample: int | None = None) -> Iterator[Step]:
    """Yield the reading, checking, merging and mapping of finished exports."""
    yield use
    yield CheckExport(id="check-only", export=use.id, table_id=None, role="only")
    if isinstance(use, UseExport) and use.incrementals:
        yield MergeExports(id="merge-only", check="check-only", role="only")
    yield DryRun(id="dry-run-only", check="check-only", role="only", bounds=None, sample=sample)


def _items(observed: Observed, source: TableSettings) -> int | None:
    """Return how many items there are at most, by the exports at hand, or about, by the table."""
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


def _refuse_taken_target(spec: Spec, observed: Observed) -> None:
    """Refuse to load into a table that is there already under the target's name.

    Raises:
        CheckFailed: there is one, and it is not the source that makes way.
    """
    taken = spec.rebuild.strategy == "side-by-side" and observed.target is not None
    if taken and spec.target.nonempty == "refuse":
        message = f"the target table {spec.target.table} already exists"
        hint = "name another target, delete this one, or say target.nonempty: accept"
        raise CheckFailed(message, hint)


def _steps(spec: Spec, observed: Observed, source: TableSettings) -> Iterator[Step]:
    """Yield the steps in their order."""
    table = source.description.name
    replaces = spec.rebuild.strategy == "replace"
    freezes = spec.rebuild.freeze == "resource-policy"
    role: Role = "rehearsal" if freezes else "only"
    yield from _export_steps(spec, observed, source, role)
    yield Approve(id="approve", dry_run=f"dry-run-{role}", deletes=table if replaces else None)
    last = role
    if freezes:
        yield from _freeze_steps(spec, observed, source)
        last = "final"
    elif spec.rebuild.backup != "none":
        yield _backup(source)
    # Whatever a load needs beside the table is there before the old one goes (I1).
    yield from staging_steps(spec, source, f"dry-run-{last}")
    if replaces:
        yield from _delete_steps(spec, observed, source)
    yield from target_steps(spec, observed, source, f"dry-run-{last}")


def _export_steps(
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
        yield _use_export(spec, role, observed.export.id, added)
        return
    if wanted.kind == "files":
        yield _convert(spec, role)
        return
    if wanted.kind == "scan":
        yield _scan(spec, source, role)
        return
    location = parse_location(wanted.location or "", spec.origin.folder)
    if not isinstance(location, S3Prefix):
        message = f"an export can only be made into S3; source.export.location is {wanted.location}"
        raise Refused(message, "give an s3:// location, or source.export.id and freeze: none")
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
        role=role,
    )


def _convert(spec: Spec, role: Role) -> ConvertFiles:
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


def _freeze_steps(spec: Spec, observed: Observed, source: TableSettings) -> Iterator[Step]:
    """Yield freeze, backup, settling and the final export."""
    description = source.description
    yield FreezeSource(id="freeze", table_arn=description.arn, table_id=description.table_id or "")
    if spec.rebuild.backup != "none":
        yield _backup(source)
    yield Settle(id="settle", freeze="freeze", seconds=_settle_seconds(spec, observed))
    yield from _export_steps(spec, observed, source, "final")


def _backup(source: TableSettings) -> BackUp:
    """Return the step that backs the source up."""
    description = source.description
    return BackUp(id="backup", table=description.name, table_id=description.table_id or "")


def _settle_seconds(spec: Spec, observed: Observed) -> int:
    """Return how long the fence must have held; the sandbox's policies need no time to spread."""
    return 0 if observed.sandbox else spec.rebuild.settle_seconds


def _delete_steps(spec: Spec, observed: Observed, source: TableSettings) -> Iterator[Step]:
    """Yield what makes the old table go."""
    description = source.description
    table_id = description.table_id or ""
    if description.deletion_protection:
        yield Unprotect(id="unprotect", table=description.name, table_id=table_id)
    proofs: dict[str, Any] = {
        "table": description.name,
        "table_id": table_id,
        "freeze": "freeze",
        "backup": "backup",
        "final_export": "export-final",
        "final_check": "check-final",
        "final_dry_run": "dry-run-final",
        "approval": "approve",
        "settle_seconds": _settle_seconds(spec, observed),
    }
    stack = observed.stack
    if stack is not None:
        absent = stack.variants["absent"]
        yield DropFromStack(id="drop", stack=absent, retains=stack.retains, **proofs)
    if stack is None or stack.retains:
        yield DeleteTable(id="delete", **proofs)


def _functions_sha256(spec: Spec) -> str | None:
    own = spec.transform.functions
    return None if own is None else own.sha256
