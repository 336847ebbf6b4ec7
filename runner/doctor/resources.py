"""Checks a run's resources in AWS: the tables, the available export, the stack, the buckets."""

from collections.abc import Iterator

from retable.runner.aws.bucket import BucketState, Rule
from retable.runner.aws.session import Aws
from retable.runner.cdk.stacks import stacks_of
from retable.runner.cdk.states import cure, readiness
from retable.runner.doctor.examined import Finding, Outcome, as_problem
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.failure import Failure
from retable.runner.plan.export_steps import MakeExport
from retable.runner.plan.plan import Plan
from retable.runner.planning.observe import Observed
from retable.runner.table.settings import TableSettings
from retable.schema.spec import CdkProvision, Spec

KEPT_DAYS = 35
"""How long an export must be kept: as long as point-in-time recovery reaches back."""


def table(settings: TableSettings, plan: Plan | None) -> Iterator[Finding]:
    """Yield the findings on the source."""
    about = settings.description
    did = f"described the table {about.name}"
    facts = f"{about.status}, TableId {about.table_id}, about {about.item_count:,} items"
    protected = ", deletion protection enabled" if about.deletion_protection else ""
    yield Finding(
        name="source",
        did=did,
        found=facts + protected,
        outcome="ok" if about.status == "ACTIVE" else "problem",
        advice=None if about.status == "ACTIVE" else "wait until it is ACTIVE",
    )
    for lost in settings.unkept:
        yield Finding(
            name="source",
            did=did,
            found=f"it has {lost}, which this version does not carry over",
            outcome="warning",
            advice="set it up again after the run",
        )
    exports = plan is not None and any(isinstance(step, MakeExport) for step in plan.steps)
    yield Finding(
        name="point-in-time recovery",
        did="checked point-in-time recovery",
        found="on" if settings.pitr else "off",
        outcome="warning" if exports and not settings.pitr else "ok",
        advice="the run enables it; it is billed per gigabyte"
        if exports and not settings.pitr
        else None,
    )


def target(spec: Spec, observed: Observed) -> Finding:
    """Return the finding on the target before a run."""
    did = f"looked for the table {spec.target.table}"
    found = observed.target
    if found is None:
        return Finding(name="target", did=did, found="does not exist yet; the run creates it")
    if spec.rebuild.strategy == "replace":
        return Finding(name="target", did=did, found="it is the source, which the run replaces")
    return Finding(name="target", did=did, found=f"{found.status}, TableId {found.table_id}")


def export(observed: Observed) -> Finding:
    """Return which finished export is available."""
    did = "looked for a finished export"
    if observed.export is None:
        advice = "migrate export SPEC makes one; migrate run makes its own"
        return Finding(name="export", did=did, found="none is available", advice=advice)
    at = observed.export.export_time.isoformat(timespec="minutes")
    found = f"{observed.export.id} of {at} with {observed.export.item_count:,} items"
    return Finding(name="export", did=did, found=found)


def stack(provision: CdkProvision, aws: Aws) -> Finding:
    """Return the finding on the CloudFormation stack."""
    did = f"described the stack {provision.stack}"
    try:
        state = stacks_of(aws).state(provision.stack)
    except Failure as failure:
        return as_problem("stack", did, failure)
    if state is None:
        advice = "check rebuild.provision.stack, the region and the account"
        return Finding(
            name="stack", did=did, found="there is none", outcome="problem", advice=advice
        )
    ready = readiness(state.status) == "ready"
    return Finding(
        name="stack",
        did=did,
        found=state.status,
        outcome="ok" if ready else "problem",
        advice=None if ready else cure(state.status),
    )


def export_bucket(spec: Spec, aws: Aws) -> Iterator[Finding]:
    """Yield the findings on the bucket of exports, if there is one."""
    export = spec.source.export
    location = parse_location(export.location, spec.origin.folder) if export.location else None
    if isinstance(location, S3Prefix):
        yield from bucket("bucket", location, export.bucket_owner, aws)


def bucket(name: str, place: S3Prefix, owner: str | None, aws: Aws) -> Iterator[Finding]:
    """Yield whether a bucket exists, who owns it, and whether it keeps its objects."""
    did = f"checked the bucket {place.bucket}"
    expected = owner or aws.identity().account
    try:
        state = aws.read_bucket(place.bucket, expected)
    except Failure as failure:
        yield as_problem(name, did, failure)
        return
    if state is None:
        advice = "create it, or check its name"
        yield Finding(name=name, did=did, found="there is none", outcome="problem", advice=advice)
        return
    yield _whose(name, did, state, owner, expected)
    yield Finding(
        name=name,
        did="checked its versioning",
        found=state.versioning or "may not be asked",
        outcome="unknown" if state.versioning is None else "ok",
        advice="allow s3:GetBucketVersioning" if state.versioning is None else None,
    )
    yield from _lifecycle(name, place, state)


def _whose(
    name: str, did: str, state: BucketState, owner: str | None, expected: str | None
) -> Finding:
    """Return the bucket's owner and Region."""
    where = f"it is in {state.region or 'an unknown region'}"
    if state.is_expected_owners:
        return Finding(name=name, did=did, found=f"{where} and belongs to {expected}")
    outcome: Outcome = "warning" if owner is None else "problem"
    return Finding(
        name=name,
        did=did,
        found=f"{where} and does not belong to {expected}",
        outcome=outcome,
        advice="name its account, by source.export.bucket_owner or ?owner= of --state",
    )


def _lifecycle(name: str, place: S3Prefix, state: BucketState) -> Iterator[Finding]:
    """Yield the lifecycle rules that affect the objects below the prefix."""
    did = f"checked the lifecycle of objects below {place.prefix or 'its root'}"
    if state.rules is None:
        yield Finding(
            name=name,
            did=did,
            found="may not be asked",
            outcome="unknown",
            advice="allow s3:GetLifecycleConfiguration",
        )
        return
    early = [rule for rule in state.rules_on(place.prefix) if rule.days < KEPT_DAYS]
    for rule in early:
        yield _too_early(name, did, rule)
    if not early:
        yield Finding(name=name, did=did, found=f"no rule affects them within {KEPT_DAYS} days")


def _too_early(name: str, did: str, rule: Rule) -> Finding:
    after = f"after {rule.days} days" if rule.days else "on a fixed date"
    return Finding(
        name=name,
        did=did,
        found=f"the lifecycle rule {rule.name} {rule.word} them {after}",
        outcome="problem",
        advice=f"exclude the prefix from the rule, or set it to at least {KEPT_DAYS} days",
    )
