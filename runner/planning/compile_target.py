"""The second half of a plan: the target, its items, their proof and its settings."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from retable.runner.aws.bulk import require_bulk_put
from retable.runner.cdk.survey import SurveyedStack
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.failure import Refused
from retable.runner.plan.plan import (
    AdoptTable,
    ClearStage,
    CreateTable,
    DeployStack,
    DeployTable,
    EnablePitr,
    LiftFence,
    LoadItems,
    RestoreSettings,
    StageItems,
    Step,
    TargetExport,
    UseTable,
    VerifyTable,
)
from retable.runner.plan.plan_settings import CompareSettings
from retable.runner.planning.costs import no_import, writes_a_second
from retable.runner.planning.observe import Observed, require_ready
from retable.runner.table.carried_over import attached_to_target
from retable.runner.table.creation import create_request
from retable.runner.table.settings import Attached, TableDescription, TableSettings
from retable.schema.policy import policy_text
from retable.schema.spec import CdkProvision, Percentage, Spec

STAGE = "stage"
LEAST_BULK_UNITS = 1_024
"""MaxWriteRequestUnits' least value, in botocore's model."""
EXPORT_EDGE_SECONDS = 120
"""An export surely has what was written a minute before it was asked for; this is twice that."""


def target_steps(
    spec: Spec, observed: Observed, source: TableSettings, dry_run: str
) -> Iterator[Step]:
    """Yield the new table, its items, their proof and its settings."""
    if observed.target is not None and spec.target.nonempty == "accept":
        yield from _steps_into(spec, observed, observed.target, dry_run)
        return
    request = create_request(spec.target, source)
    loader = spec.load.with_
    yield _creation(spec, observed, request)
    yield LoadItems(
        id="load",
        create="create",
        dry_run=dry_run,
        rate=_rate(spec, request),
        loader=loader,
        stage=None if loader == "batch-write" else STAGE,
    )
    export = target_export(spec, sandbox=observed.sandbox)
    if export is not None:
        # A new table never has it; the settings that come after put it as it shall stay.
        yield EnablePitr(id="pitr-target", table=spec.target.table, create="create")
    yield VerifyTable(
        id="verify",
        table=spec.target.table,
        dry_run=dry_run,
        create="create",
        load="load",
        export=export,
    )
    declared = observed.stack is not None and not observed.stack.adopts
    policy = None if declared else _policy(spec, source)
    lifting = LiftFence(id="lift-fence", create="create", policy=policy, declared=declared)
    # Beside the source the last deployment may be the cut-over: who moves over then has to write.
    cuts_over = declared and spec.rebuild.strategy == "side-by-side"
    if cuts_over:
        yield lifting
    yield from _last_deployments(observed.stack)
    # What a stack declares of these are resources of its own, which its deployment makes.
    wanted = attached_to_target(spec, source, request)
    recovers = observed.stack is not None and observed.stack.recovers
    yield _restored(spec, source, Attached() if declared else wanted, recovers=recovers)
    if not cuts_over:
        yield lifting
    yield CompareSettings(
        id="compare-settings",
        create="create",
        settings="settings",
        fence="lift-fence",
        attached=wanted,
    )
    yield from _clearing(spec)


def _creation(
    spec: Spec, observed: Observed, request: Mapping[str, Any]
) -> CreateTable | DeployTable:
    """Return the step that makes the target: by API, or by deploying its stack."""
    stack = observed.stack
    gone = "delete" if stack is None or stack.retains else "drop"
    if stack is None or stack.adopts:
        return CreateTable(
            id="create",
            request=request,
            replaces=gone if spec.rebuild.strategy == "replace" else None,
            imports=STAGE if spec.load.with_ == "import-table" else None,
        )
    return DeployTable(
        id="create",
        stack=stack.variants["present"],
        after="drop" if "absent" in stack.variants else None,
        logical_id=stack.logical_id,
        request=request,
        named=stack.named,
        replaces=gone if spec.rebuild.strategy == "replace" else None,
    )


def _last_deployments(stack: SurveyedStack | None) -> Iterator[Step]:
    """Yield what takes the table into its stack, and brings the stack to what it shall be."""
    if stack is None:
        return
    if stack.adopts:
        yield AdoptTable(
            id="adopt",
            stack=stack.variants["present"],
            after="drop" if "absent" in stack.variants else None,
            create="create",
            logical_id=stack.logical_id,
        )
    after = "adopt" if stack.adopts else "create"
    if "final" in stack.variants:
        yield DeployStack(id="deploy-final", stack=stack.variants["final"], after=after)
    elif stack.adopts:
        # An import takes the table and nothing else, and the drop took what went with it.
        yield DeployStack(id="deploy-final", stack=stack.variants["present"], after=after)


def staging_steps(spec: Spec, source: TableSettings, dry_run: str) -> Iterator[StageItems]:
    """Yield the step that stages the items in the declared S3 prefix, for loaders that read there.

    Raises:
        Refused: no S3 prefix is declared, or the loader cannot do what the spec says.
    """
    loader = spec.load.with_
    if loader == "batch-write":
        return
    _require_loader(spec, source)
    wanted = spec.source.export
    location = parse_location(wanted.location or ".", spec.origin.folder)
    if not isinstance(location, S3Prefix):
        message = f"load.with: {loader} writes from S3, and no S3 prefix is declared"
        raise Refused(message, "give source.export.location as s3://bucket/prefix")
    yield StageItems(
        id=STAGE,
        dry_run=dry_run,
        bucket=location.bucket,
        prefix=location.prefix,
        bucket_owner=wanted.bucket_owner,
        kms_key=wanted.kms_key,
    )


def _require_loader(spec: Spec, source: TableSettings) -> None:
    """Refuse what one of DynamoDB's own loaders cannot do, before anything is touched."""
    request = create_request(spec.target, source)
    if spec.load.with_ == "bulk-put":
        require_bulk_put()
        rate = _rate(spec, request)
        if rate is not None and rate < LEAST_BULK_UNITS:
            message = (
                f"load.with: bulk-put takes a rate of {LEAST_BULK_UNITS:,} or more; found {rate:,}"
            )
            raise Refused(message, "raise load.rate, leave it out, or use batch-write")
        if spec.load.on_conflict != "overwrite":
            message = f"load.with: bulk-put overwrites; found on_conflict: {spec.load.on_conflict}"
            raise Refused(message, "use batch-write")
        return
    why = no_import(request)
    provision = spec.rebuild.provision
    if isinstance(provision, CdkProvision) and not provision.adopts:
        why = "an import makes a table of its own, and the spec has CDK make it"
    if spec.target.nonempty == "accept":
        why = "an import makes a new table, and nonempty: accept takes one that is there"
    if why is not None:
        message = f"load.with: import-table cannot make {spec.target.table}: {why}"
        raise Refused(message, "use batch-write")


def target_export(spec: Spec, *, sandbox: bool) -> TargetExport | None:
    """Return how the target is exported to be verified; ``None`` where it is scanned.

    Raises:
        Refused: no S3 prefix is declared.
    """
    if spec.verify.read == "scan":
        return None
    wanted = spec.source.export
    location = parse_location(wanted.location or ".", spec.origin.folder)
    if not isinstance(location, S3Prefix):
        message = "verify.read: export makes a second export, and no S3 prefix is declared"
        raise Refused(message, "give source.export.location as s3://bucket/prefix, or read: scan")
    return TargetExport(
        bucket=location.bucket,
        prefix=location.prefix,
        bucket_owner=wanted.bucket_owner,
        kms_key=wanted.kms_key,
        settle_seconds=0 if sandbox else EXPORT_EDGE_SECONDS,
    )


def _steps_into(
    spec: Spec, observed: Observed, target: TableDescription, dry_run: str
) -> Iterator[Step]:
    """Yield the loading of a table that is there, whose settings and policy are its own.

    Raises:
        Refused: it has another key, or cannot be exported as it is.
        Stopped: it is being changed just now.
    """
    require_ready(target, target.name)
    if target.key != spec.target.key:
        message = f"the table {target.name} is there with another key than the spec's"
        raise Refused(message, "nonempty: accept needs the same key")
    if observed.target_channels and "stream-replay" not in spec.rebuild.accept:
        message = f"the table {target.name} has {' and '.join(observed.target_channels)}: the load "
        message += "would send every item there as an INSERT"
        raise Refused(message, "accept: [stream-replay] under rebuild lets it")
    export = target_export(spec, sandbox=observed.sandbox)
    if export is not None and not observed.target_pitr:
        message = f"the table {target.name} has no point-in-time recovery, which an export needs"
        raise Refused(message, "turn it on for the table, or say verify.read: scan")
    yield UseTable(id="create", table=target.name, table_id=target.table_id)
    rate = spec.load.rate if isinstance(spec.load.rate, int) else None
    yield LoadItems(
        id="load",
        create="create",
        dry_run=dry_run,
        rate=rate,
        on_conflict=spec.load.on_conflict,
        loader=spec.load.with_,
        stage=None if spec.load.with_ == "batch-write" else STAGE,
    )
    yield VerifyTable(
        id="verify",
        table=target.name,
        dry_run=dry_run,
        create="create",
        load="load",
        others=True,
        export=export,
    )
    yield from _clearing(spec)


def _clearing(spec: Spec) -> Iterator[ClearStage]:
    """Yield the step that takes away what was staged, if anything was."""
    if spec.load.with_ != "batch-write":
        yield ClearStage(id="clear-stage", stage=STAGE)


def _rate(spec: Spec, request: Mapping[str, Any]) -> int | None:
    """Return the write units a second that a load may take; a share is one of the new table's."""
    rate = spec.load.rate
    if not isinstance(rate, Percentage):
        return rate
    return max(1, math.floor(writes_a_second(request) * rate.percent / 100))


def _restored(
    spec: Spec, source: TableSettings, attached: Attached, *, recovers: bool
) -> RestoreSettings:
    """Return the settings step: the source's own values, and over them what the spec says.

    ``recovers``: the table's stack turns point-in-time recovery on, whatever the source has.
    """
    own = {} if spec.target.settings == "keep" else dict(spec.target.settings)
    said = {name: value for name, value in own.items() if value != "keep"}
    return RestoreSettings(
        id="settings",
        create="create",
        ttl=said.get("ttl", source.ttl) or None,
        stream=said.get("stream", source.description.stream) or None,
        pitr=bool(said.get("point_in_time_recovery", source.pitr or recovers)),
        pitr_days=source.pitr_days,
        deletion_protection=bool(
            said.get("deletion_protection", source.description.deletion_protection)
        ),
        tags=dict(said.get("tags", source.tags)),
        attached=attached,
    )


def _policy(spec: Spec, source: TableSettings) -> str | None:
    """Return the resource policy the target shall end with."""
    settings = spec.target.settings
    own: Any = "keep" if settings == "keep" else settings.get("policy", "keep")
    if own != "keep":
        return policy_text(own) if own else None
    if source.policy is None or spec.target.table == source.description.name:
        return source.policy
    # Its statements name the source by ARN; the target is another table.
    described = source.description
    return source.policy.replace(described.arn, described.arn_beside(spec.target.table))
