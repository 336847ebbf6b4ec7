"""What a plan must know about the table's stack: synthesized, read and proved.

Planning runs the spec's app, once for each of its states; nothing is deployed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from retable.runner.aws.session import Aws
from retable.runner.aws.state_address import Address
from retable.runner.cdk.cdk_cli import Cdk, cdk_environment, open_cdk
from retable.runner.cdk.cdk_finding import require_proven
from retable.runner.cdk.lost_attachments import Place, Uses
from retable.runner.cdk.prepare import Prepared, Question, prepare
from retable.runner.cdk.prove import Case, Known, prove
from retable.runner.cdk.stacks import stacks_of
from retable.runner.cdk.table_in_template import RETAINED, TableResource, read_table
from retable.runner.cdk.table_shape import declared_table
from retable.runner.cdk.template import Part, parts
from retable.runner.clock import Clock
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.failure import Refused
from retable.runner.plan.source_steps import StackVariant, Variant
from retable.runner.table.settings import TableSettings
from retable.schema.spec import CdkProvision, Spec

_ABOUT_CREATION = frozenset(
    ["fence-locks-out", "not-fenced", "rolled-back-create", "stream-replay", "ttl-early"]
)
"""Findings on a creation by deployment, which do not apply to an imported table."""
LOGS = "logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedStack:
    """A stack, and what deploying its states would do to the table."""

    variants: Mapping[Variant, StackVariant]
    old: str | None
    """The old table's address in the deployed template; ``None`` side by side."""
    logical_id: str
    """The new table's address in its template."""
    retains: bool
    """Whether the deployed template retains the old table."""
    named: bool
    """Whether the template names the new table; otherwise CloudFormation generates a name."""
    adopts: bool
    """Whether the table is created by API and imported into the stack afterwards."""
    recovers: bool
    """Whether the last template enables point-in-time recovery of the new table."""
    notes: tuple[str, ...]
    """What a reader must know before approving."""


def open_app(spec: Spec, provision: CdkProvision, aws: Aws, logs: Path, clock: Clock) -> Cdk:
    """Return CDK's command line for the app of ``spec``; its output goes below ``logs``.

    Raises:
        Refused: there is no such app, or no suitable command line.
    """
    account = aws.identity().account or ""
    environ = cdk_environment(aws.environ, aws.region, account)
    return open_cdk(spec.origin.folder / provision.app, environ, logs, clock)


def survey(  # noqa: PLR0913, PLR0917 -- the question, its sources, and what must outlive it
    spec: Spec,
    aws: Aws,
    source: TableSettings | None,
    folder: Path,
    clock: Clock,
    state: Address | None = None,
) -> SurveyedStack | None:
    """Synthesize the states of the spec's app into ``folder`` and prove what they would do.

    No deployment may remove the bucket of the run's state: ``state``.

    Returns ``None`` if the spec names no app.

    Raises:
        Refused: the app fails, the table is not in it, or a deployment would do something else.
        Stopped: AWS does not answer.
    """
    provision = spec.rebuild.provision
    if not isinstance(provision, CdkProvision):
        return None
    question = _question(spec, provision, aws, folder, gone=source is None)
    ready = prepare(question, open_app(spec, provision, aws, folder / LOGS, clock), stacks_of(aws))
    known = _known(spec, aws, source, ready, clock.now().date(), state)
    findings = [
        one
        for one in prove(ready.case, declared_table(spec.target, source), known)
        # A table created by API is imported into the stack once its items are verified.
        if not (provision.adopts and one.code in _ABOUT_CREATION)
        # A table that is already deleted needs no deletion.
        and not (source is None and one.code == "removal-policy")
    ]
    require_proven(findings, provision.accept)
    new = read_table(ready.case.present, ready.case.new, ready.case.at)
    if provision.adopts:
        require_adoptable(new, parts(ready.case.present)[new.address])
    leaves = ready.case.old is not None
    deployed = [name for name in ready.variants if name != "absent" or leaves]
    return SurveyedStack(
        variants={
            name: StackVariant(
                variant=name,
                stack=variant.stack.path,
                stack_name=variant.stack.name,
                digest=variant.digest,
                before=ready.before if name == deployed[0] else None,
            )
            for name, variant in ready.variants.items()
            if name in deployed
        },
        old=ready.case.old,
        logical_id=ready.case.new,
        retains=ready.deletion_policy in RETAINED,
        named=new.name is not None,
        adopts=provision.adopts,
        recovers=_last(ready.case).pitr is True,
        notes=tuple(one.message for one in findings),
    )


def _question(
    spec: Spec, provision: CdkProvision, aws: Aws, folder: Path, *, gone: bool
) -> Question:
    """Return the question to the app and its stack; ``gone``: the source was deleted."""
    return Question(
        provision=provision,
        base=spec.origin.folder,
        folder=folder,
        source=spec.source.table_name,
        target=spec.target.table,
        replaces=spec.rebuild.strategy != "side-by-side",
        gone=gone,
        account=aws.identity().account or "",
        region=aws.region,
    )


def require_adoptable(table: TableResource, part: Part) -> None:
    """Refuse a table that CloudFormation would not import into a stack.

    Raises:
        Refused: the template has no name or DeletionPolicy for it, or it is in a nested stack.
    """
    if not isinstance(table.name, str):
        message = f"the present template does not name {table.address}, so it cannot be imported"
        raise Refused(message, "give the table a name in the app, or use provision.with: cdk")
    if "/" in table.address:
        message = f"{table.address} is in a nested stack, where CloudFormation imports nothing"
        raise Refused(message, "use provision.with: cdk")
    if "DeletionPolicy" not in part.body:
        message = f"the present template has no DeletionPolicy for {table.address}, without which "
        message += "CloudFormation imports nothing"
        raise Refused(message, "give the construct a removal policy, or use provision.with: cdk")


def _last(case: Case) -> TableResource:
    """Return the new table as the last template declares it."""
    holds = case.final is not None and case.new in parts(case.final)
    return read_table(case.final if case.final and holds else case.present, case.new, case.at)


def _known(  # noqa: PLR0913, PLR0917 -- all facts about the environment
    spec: Spec,
    aws: Aws,
    source: TableSettings | None,
    ready: Prepared,
    today: date,
    state: Address | None,
) -> Known:
    """Return the facts about the environment that the proofs need."""
    export = spec.source.export
    location = parse_location(export.location or ".", spec.origin.folder)
    keys = {} if export.kms_key is None else {export.kms_key: "the export"}
    sealed = source.description.sse if source is not None else None
    if sealed and sealed.get("KMSMasterKeyId"):
        keys[str(sealed["KMSMasterKeyId"])] = "the table"
    buckets, place = {}, None
    if state is not None:
        buckets[state.bucket] = "the run's state"
        keys |= {} if state.kms_key is None else {state.kms_key: "the run's state"}
    if isinstance(location, S3Prefix):
        buckets[location.bucket] = "the export"
        place = Place(bucket=location.bucket, prefix=location.prefix, physical=dict(ready.physical))
    return Known(
        principals=aws.identity().principals,
        uses=Uses(keys=keys, buckets=buckets),
        physical=ready.physical,
        importers=ready.importers,
        exports=place,
        frozen=spec.rebuild.strategy != "side-by-side" or spec.rebuild.freeze != "none",
        today=today,
    )
