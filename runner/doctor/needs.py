"""Which IAM actions a plan needs, and on what: its steps' grants, on its own resources."""

from collections.abc import Iterator
from typing import NamedTuple

from retable.runner.aws.state_address import Address
from retable.runner.doctor.attaching import attaching
from retable.runner.doctor.grants import PLANNING, STEPS, WRITES, Grant, On
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.plan.export_steps import ConvertFiles, MakeExport, ScanTable, UseExport
from retable.runner.plan.finish_steps import ClearStage, RestoreSettings
from retable.runner.plan.plan import Plan, Step
from retable.runner.plan.source_steps import DropFromStack, ForgetTable, ListChanges
from retable.runner.plan.target_steps import (
    STAGING_FOLDER,
    AccountForImport,
    AdoptTable,
    BulkPutItems,
    CreateTable,
    DeployStack,
    DeployTable,
    ImportTable,
    LoadItems,
    StageItems,
)
from retable.schema.spec import Spec


class Need(NamedTuple):
    """An action on a resource, by its ARN or a pattern of it."""

    action: str
    resource: str


def needs_of(plan: Plan, spec: Spec, state: Address | None = None) -> tuple[Need, ...]:
    """Return every action that a run of ``plan`` needs, and those of keeping it in ``state``."""
    found = set(_resolved(PLANNING, None, plan, spec))
    for step in plan.steps:
        found |= set(_resolved(STEPS[type(step)], _placed(step, plan), plan, spec))
        if isinstance(step, RestoreSettings):
            own = tuple(Grant(*pair) for pair in attaching(step.attached))
            found |= set(_resolved(own, step, plan, spec))
        if isinstance(step, LoadItems):
            found |= set(_resolved(WRITES[step.on_conflict], step, plan, spec))
    if state is not None:
        found |= set(_keeping(state, _partition(plan)))
    return tuple(sorted(found))


def _placed(step: Step, plan: Plan) -> Step:
    """Return the step that says where the items are staged, for those that read or delete them."""
    match step:
        case ImportTable() | BulkPutItems() | AccountForImport() | ClearStage():
            return plan.at(step.stage)
        case _:
            return step


def _resolved(
    grants: tuple[Grant, ...], step: Step | None, plan: Plan, spec: Spec
) -> Iterator[Need]:
    """Yield ``grants`` on the resources of ``step``; what it does not touch is left out."""
    for grant in grants:
        resource = _resource(grant.on, step, plan, spec)
        if resource is not None:
            yield Need(grant.action, resource)


def _resource(on: On, step: Step | None, plan: Plan, spec: Spec) -> str | None:  # noqa: C901, PLR0911, PLR0912 -- a table
    """Return the ARN of what an action is on, or ``None`` where there is no such thing."""
    place = _place(step, spec)
    match on:
        case "source":
            return _table(plan, plan.source)
        case "target":
            return _table(plan, plan.target)
        case "exports of source":
            return f"{_table(plan, plan.source)}/export/*"
        case "backups of source":
            return f"{_table(plan, plan.source)}/backup/*"
        case "indexes of source":
            indexes = plan.settings.description.indexes.global_ if plan.settings else ()
            return f"{_table(plan, plan.source)}/index/*" if indexes else None
        case "indexes of target":
            return f"{_table(plan, plan.target)}/index/*" if _indexed(plan) else None
        case "kinesis":
            return f"{_arn(plan, 'kinesis')}:stream/*"
        case "imports of target":
            return f"{_table(plan, plan.target)}/import/*"
        case "bulk operations of target":
            return f"{_table(plan, plan.target)}/bulk-operation/*"
        case "bucket":
            return f"arn:{_partition(plan)}:s3:::{place.bucket}" if place else None
        case "objects":
            return _objects(place, _partition(plan)) if place else None
        case "staged objects":
            return _objects(place, _partition(plan), STAGING_FOLDER) if place else None
        case "stack":
            return f"{_arn(plan, 'cloudformation')}:stack/{_stack(step)}/*"
        case "deployment roles":
            return f"arn:{_partition(plan)}:iam::{plan.account or '*'}:role/cdk-*"
        case "key":
            return _key(spec.source.export.kms_key, plan) if place else None
        case "table key":
            sse = plan.settings.description.sse if plan.settings else None
            return _key((sse or {}).get("KMSMasterKeyId"), plan)
        case "import log":
            return f"{_arn(plan, 'logs')}:log-group:/aws-dynamodb/*"
        case "anything":
            return "*"


def _indexed(plan: Plan) -> bool:
    """Return whether the table that the plan makes has global indexes."""
    made = (
        step for step in plan.steps if isinstance(step, CreateTable | ImportTable | DeployTable)
    )
    return any(step.request.get("GlobalSecondaryIndexes") for step in made)


def _place(step: Step | None, spec: Spec) -> S3Prefix | None:
    """Return where in S3 a step reads or writes, if it does."""
    match step:
        case MakeExport() | StageItems() | ListChanges():
            return S3Prefix(step.bucket, step.prefix)
        case UseExport() | ConvertFiles() | ScanTable() if step.location is not None:
            location = parse_location(step.location, spec.origin.folder)
            return location if isinstance(location, S3Prefix) else None
        case _:
            return None


def _stack(step: Step | None) -> str:
    """Return the name of the stack that a step deploys."""
    match step:
        case DropFromStack() | ForgetTable() | DeployTable() | AdoptTable() | DeployStack():
            return step.stack.stack_name
        case _:
            return "*"


def _objects(place: S3Prefix, partition: str, *below: str) -> str:
    path = "/".join(part for part in (place.bucket, place.prefix, *below, "*") if part)
    return f"arn:{partition}:s3:::{path}"


def _keeping(state: Address, partition: str) -> Iterator[Need]:
    """Yield what keeping runs in S3 needs."""
    yield Need("s3:ListBucket", f"arn:{partition}:s3:::{state.bucket}")
    objects = _objects(S3Prefix(state.bucket, state.prefix), partition)
    for action in ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"):
        yield Need(action, objects)
    if state.kms_key is not None and state.kms_key.startswith("arn:"):
        yield Need("kms:Decrypt", state.kms_key)
        yield Need("kms:GenerateDataKey", state.kms_key)


def _key(named: str | None, plan: Plan) -> str | None:
    """Return the ARN of a key that may be named by its id; an alias may refer to any key."""
    if named is None or named.startswith("arn:"):
        return named
    if named.startswith("alias/"):
        return f"{_arn(plan, 'kms')}:key/*"
    return f"{_arn(plan, 'kms')}:key/{named}"


def _table(plan: Plan, name: str) -> str:
    return f"{_arn(plan, 'dynamodb')}:table/{name}"


def _arn(plan: Plan, service: str) -> str:
    return f"arn:{_partition(plan)}:{service}:{plan.region or '*'}:{plan.account or '*'}"


def _partition(plan: Plan) -> str:
    """Return ``aws``, or what the table's own ARN says: ``aws-cn``, ``aws-us-gov``."""
    arn = plan.settings.description.arn if plan.settings else "arn:aws"
    return arn.split(":")[1]
