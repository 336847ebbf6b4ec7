"""The second half of a plan: the target, its items, their verification and its settings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retable.runner.aws.bulk import require_bulk_put
from retable.runner.cdk.survey import SurveyedStack
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.failure import Refused
from retable.runner.plan.export_steps import DryRun
from retable.runner.plan.finish_steps import (
    ClearStage,
    CompareSettings,
    LiftFence,
    RestoreSettings,
    TargetExport,
    VerifyTable,
)
from retable.runner.plan.plan import Step
from retable.runner.plan.source_steps import DropFromStack, ForgetTable, Removal
from retable.runner.plan.step import Link, link
from retable.runner.plan.target_steps import (
    AccountForImport,
    AdoptTable,
    AnyLoad,
    AnyTable,
    BulkPutItems,
    CreateTable,
    DeployStack,
    DeployTable,
    EnableTargetPitr,
    ImportTable,
    LoadItems,
    NewTable,
    StageItems,
    UseTable,
)
from retable.runner.planning.costs import load_rate, no_import
from retable.runner.planning.observe import Observed, require_ready
from retable.runner.table.carried_over import attached_to_target
from retable.runner.table.creation import create_request
from retable.runner.table.settings import Attached, TableDescription, TableSettings
from retable.schema.policy import policy_text
from retable.schema.spec import CdkProvision, Spec

LEAST_BULK_UNITS = 1_024
"""MaxWriteRequestUnits' least value, in botocore's model."""
EXPORT_EDGE_SECONDS = 120
"""An export surely has what was written a minute before it was requested; this is twice that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What comes before the target, and what the target's steps depend on."""

    dry_run: Link[DryRun]
    """Whose results are loaded."""
    steps: Sequence[Step] = ()
    """Those that stage the items, and that delete the old table or remove it from its stack."""

    @property
    def stage(self) -> Link[StageItems]:
        """Return the step that stages the items, for loaders that read there."""
        return next(link(step) for step in self.steps if isinstance(step, StageItems))


def removal_in(steps: Sequence[Step]) -> Link[Removal] | None:
    """Return the one of ``steps`` by which the old table is deleted in the end."""
    removals = [link(step) for step in steps if isinstance(step, Removal)]
    return removals[-1] if removals else None


def drop_in(steps: Sequence[Step]) -> Link[DropFromStack | ForgetTable] | None:
    """Return the one of ``steps`` that deploys the stack without the old table."""
    drops = (step for step in steps if isinstance(step, DropFromStack | ForgetTable))
    return next((link(step) for step in drops), None)


def target_steps(
    spec: Spec, observed: Observed, source: TableSettings, before: Before
) -> Iterator[Step]:
    """Yield the new table, its items, their proof and its settings."""
    if observed.target is not None and spec.target.nonempty == "accept":
        yield from _steps_into(spec, observed, observed.target, before)
        return
    request = create_request(spec.target, source)
    create = _creation(spec, observed, request, before)
    load = _load(spec, create, before, load_rate(spec, request))
    yield create
    yield load
    export = target_export(spec, sandbox=observed.sandbox)
    if export is not None:
        # A new table never has it; the settings step later sets it as planned.
        yield EnableTargetPitr(id="pitr-target", table=spec.target.table, create=link(create))
    yield VerifyTable(
        id="verify",
        table=spec.target.table,
        dry_run=before.dry_run,
        create=link(create),
        load=link(load),
        export=export,
    )
    yield from _finish(spec, observed, source, create, before)
    yield from _clearing(load)


def _finish(
    spec: Spec, observed: Observed, source: TableSettings, create: NewTable, before: Before
) -> Iterator[Step]:
    """Yield what opens a verified table for writes, with its settings and in its stack."""
    declared = observed.stack is not None and not observed.stack.adopts
    policy = None if declared else _policy(spec, source)
    lift = LiftFence(id="lift-fence", create=link(create), policy=policy, declared=declared)
    # Beside the source the last deployment may be the cut-over, after which writers need access.
    cuts_over = declared and spec.rebuild.strategy == "side-by-side"
    if cuts_over:
        yield lift
    yield from _last_deployments(observed.stack, create, before)
    # Those that a stack declares are resources of its own, which its deployment creates.
    attached = attached_to_target(spec, source, create.request)
    recovers = observed.stack is not None and observed.stack.recovers
    own = Attached() if declared else attached
    settings = _restored(spec, source, own, link(create), recovers=recovers)
    yield settings
    if not cuts_over:
        yield lift
    yield CompareSettings(
        id="compare-settings",
        create=link(create),
        settings=link(settings),
        fence=link(lift),
        attached=attached,
    )


def _creation(
    spec: Spec, observed: Observed, request: Mapping[str, Any], before: Before
) -> CreateTable | ImportTable | DeployTable:
    """Return the step that creates the target: by API, by an import or by deploying its stack."""
    stack = observed.stack
    if stack is not None and not stack.adopts:
        return DeployTable(
            id="create",
            stack=stack.variants["present"],
            after=drop_in(before.steps),
            logical_id=stack.logical_id,
            request=request,
            named=stack.named,
            replaces=removal_in(before.steps),
        )
    if spec.load.with_ == "import-table":
        return ImportTable(
            id="create", request=request, replaces=removal_in(before.steps), stage=before.stage
        )
    return CreateTable(id="create", request=request, replaces=removal_in(before.steps))


def _load(spec: Spec, create: AnyTable, before: Before, rate: int | None) -> AnyLoad:
    """Return the step that loads the table of ``create``."""
    if isinstance(create, ImportTable):
        return AccountForImport(
            id="load", create=link(create), dry_run=before.dry_run, stage=before.stage
        )
    if spec.load.with_ == "bulk-put":
        return BulkPutItems(
            id="load",
            create=link(create),
            dry_run=before.dry_run,
            stage=before.stage,
            rate=rate,
        )
    return LoadItems(
        id="load",
        create=link(create),
        dry_run=before.dry_run,
        rate=rate,
        on_conflict=spec.load.on_conflict,
    )


def _last_deployments(
    stack: SurveyedStack | None, create: NewTable, before: Before
) -> Iterator[Step]:
    """Yield what imports the table into its stack, and brings the stack to its last state."""
    if stack is None:
        return
    after: DeployTable | AdoptTable | None = create if isinstance(create, DeployTable) else None
    if stack.adopts:
        after = AdoptTable(
            id="adopt",
            stack=stack.variants["present"],
            after=drop_in(before.steps),
            create=link(create),
            logical_id=stack.logical_id,
        )
        yield after
    # An import adds only the table, while the drop also removed what depends on it.
    last = stack.variants.get("final", stack.variants["present"] if stack.adopts else None)
    if last is not None and after is not None:
        yield DeployStack(id="deploy-final", stack=last, after=link(after))


def staging_steps(
    spec: Spec, source: TableSettings, dry_run: Link[DryRun]
) -> tuple[StageItems, ...]:
    """Return the step that stages the items in the declared S3 prefix, for loaders that need it.

    Raises:
        Refused: no S3 prefix is declared, or the loader cannot do what the spec says.
    """
    loader = spec.load.with_
    if loader == "batch-write":
        return ()
    _require_loader(spec, source)
    requested = spec.source.export
    location = parse_location(requested.location or ".", spec.origin.folder)
    if not isinstance(location, S3Prefix):
        message = f"load.with: {loader} loads from S3, and no S3 prefix is declared"
        raise Refused(message, "give source.export.location as s3://bucket/prefix")
    stage = StageItems(
        id="stage",
        dry_run=dry_run,
        bucket=location.bucket,
        prefix=location.prefix,
        bucket_owner=requested.bucket_owner,
        kms_key=requested.kms_key,
    )
    return (stage,)


def _require_loader(spec: Spec, source: TableSettings) -> None:
    """Refuse what one of DynamoDB's own loaders cannot do, before anything is changed."""
    request = create_request(spec.target, source)
    if spec.load.with_ == "bulk-put":
        require_bulk_put()
        rate = load_rate(spec, request)
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
        why = "an import creates the table itself, and the spec has CDK create it"
    if spec.target.nonempty == "accept":
        why = "an import creates a new table, and nonempty: accept uses an existing one"
    if why is not None:
        message = f"load.with: import-table cannot create {spec.target.table}: {why}"
        raise Refused(message, "use batch-write")


def target_export(spec: Spec, *, sandbox: bool) -> TargetExport | None:
    """Return how the target is exported to be verified; ``None`` where it is scanned.

    Raises:
        Refused: no S3 prefix is declared.
    """
    if spec.verify.read == "scan":
        return None
    requested = spec.source.export
    location = parse_location(requested.location or ".", spec.origin.folder)
    if not isinstance(location, S3Prefix):
        message = "verify.read: export makes a second export, and no S3 prefix is declared"
        raise Refused(message, "give source.export.location as s3://bucket/prefix, or read: scan")
    return TargetExport(
        bucket=location.bucket,
        prefix=location.prefix,
        bucket_owner=requested.bucket_owner,
        kms_key=requested.kms_key,
        settle_seconds=0 if sandbox else EXPORT_EDGE_SECONDS,
    )


def _steps_into(
    spec: Spec, observed: Observed, target: TableDescription, before: Before
) -> Iterator[Step]:
    """Yield the loading of an existing table, whose settings and policy are left unchanged.

    Raises:
        Refused: it has another key, or cannot be exported as it is.
        Stopped: it is not ACTIVE.
    """
    require_ready(target, target.name)
    if target.key != spec.target.key:
        message = f"the table {target.name} exists with a key that is not the spec's"
        raise Refused(message, "nonempty: accept needs the same key")
    if observed.target_channels and "stream-replay" not in spec.rebuild.accept:
        message = f"the table {target.name} has {' and '.join(observed.target_channels)}: the load "
        message += "would send every item there as an INSERT"
        raise Refused(message, "accept: [stream-replay] under rebuild allows it")
    export = target_export(spec, sandbox=observed.sandbox)
    if export is not None and not observed.target_pitr:
        message = f"the table {target.name} has no point-in-time recovery, which an export needs"
        raise Refused(message, "turn it on for the table, or set verify.read: scan")
    use = UseTable(id="create", table=target.name, table_id=target.table_id)
    load = _load(spec, use, before, spec.load.rate if isinstance(spec.load.rate, int) else None)
    yield use
    yield load
    yield VerifyTable(
        id="verify",
        table=target.name,
        dry_run=before.dry_run,
        create=link(use),
        load=link(load),
        others=True,
        export=export,
    )
    yield from _clearing(load)


def _clearing(load: AnyLoad) -> Iterator[ClearStage]:
    """Yield the step that deletes the staged objects, if there are any."""
    if not isinstance(load, LoadItems):
        yield ClearStage(id="clear-stage", stage=load.stage)


def _restored(
    spec: Spec,
    source: TableSettings,
    attached: Attached,
    create: Link[NewTable],
    *,
    recovers: bool,
) -> RestoreSettings:
    """Return the settings step: the source's values, overridden by what the spec says.

    ``recovers``: the table's stack turns point-in-time recovery on, whatever the source has.
    """
    own = {} if spec.target.settings == "keep" else dict(spec.target.settings)
    said = {name: value for name, value in own.items() if value != "keep"}
    return RestoreSettings(
        id="settings",
        create=create,
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
    """Return the resource policy that the target ends up with."""
    settings = spec.target.settings
    own: Any = "keep" if settings == "keep" else settings.get("policy", "keep")
    if own != "keep":
        return policy_text(own) if own else None
    if source.policy is None or spec.target.table == source.description.name:
        return source.policy
    # Its statements name the source by ARN; the target is another table.
    described = source.description
    return source.policy.replace(described.arn, described.arn_beside(spec.target.table))
