"""Which IAM actions a plan needs, and on what: one table, from each kind of step to its actions.

Names are those of the service authorization reference. What a service does in the caller's name
is in it too: an export's objects, an import's log.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from retable.runner.doctor.attaching import INSIGHTS, READ_SCALING, attaching
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.plan import (
    AdoptTable,
    CheckExport,
    ClearStage,
    ConvertFiles,
    CountItems,
    CreateTable,
    DeployStack,
    DeployTable,
    DryRun,
    EnablePitr,
    LiftFence,
    LoadItems,
    MakeExport,
    MergeExports,
    Plan,
    RestoreBackup,
    RestoreSettings,
    ScanTable,
    StageItems,
    Step,
    UseExport,
    UseTable,
    VerifyTable,
)
from retable.runner.plan_settings import CompareSettings
from retable.runner.source_steps import (
    Approve,
    BackUp,
    DeleteTable,
    DropFromStack,
    FreezeSource,
    ListChanges,
    Settle,
    Unprotect,
)
from retable.runner.state.address import Address
from retable.runner.steps.bulk import FOLDER
from retable.schema.spec import Spec

On = Literal[
    "source",
    "target",
    "exports of source",
    "backups of source",
    "indexes of source",
    "indexes of target",
    "imports of target",
    "bulk operations of target",
    "bucket",
    "objects",
    "staged objects",
    "stack",
    "deployment roles",
    "key",
    "table key",
    "import log",
    "kinesis",
    "anything",
]
"""What an action is on; ``resource`` knows its ARN."""


class Grant(NamedTuple):
    """An action on a kind of thing."""

    action: str
    on: On


class Need(NamedTuple):
    """An action on a resource, by its ARN or a pattern of it."""

    action: str
    resource: str


def _on(on: On, *actions: str) -> tuple[Grant, ...]:
    return tuple(Grant(action, on) for action in actions)


READ_SETTINGS = (
    "dynamodb:DescribeContinuousBackups",
    INSIGHTS,
    "dynamodb:DescribeKinesisStreamingDestination",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:GetResourcePolicy",
    "dynamodb:ListTagsOfResource",
)
READ_OBJECTS = (*_on("bucket", "s3:ListBucket"), *_on("objects", "s3:GetObject"))
WRITE_OBJECTS = _on("objects", "s3:AbortMultipartUpload", "s3:PutObject")
USE_KEY = _on("key", "kms:Decrypt", "kms:GenerateDataKey")

DEPLOY = (
    *_on(
        "stack",
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteChangeSet",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:GetTemplate",
        "cloudformation:ListStackResources",
    ),
    *_on("deployment roles", "sts:AssumeRole"),
)
"""Deploying a stack: by the roles that CDK's bootstrapping made, or else by the caller's own leave,
which then needs whatever the stack's resources do."""
DELETE = (
    *_on(
        "source",
        "dynamodb:DeleteTable",
        "dynamodb:DescribeTable",
        "dynamodb:GetResourcePolicy",
    ),
    *_on("backups of source", "dynamodb:DescribeBackup"),
)

PLANNING: tuple[Grant, ...] = (
    *_on("source", *READ_SETTINGS),
    *_on("indexes of source", INSIGHTS),
    *_on("target", "dynamodb:DescribeTable"),
    *_on("anything", *READ_SCALING),
    *_on("table key", "kms:DescribeKey"),
)
"""What is read before there is a plan."""

STEPS: Mapping[type[Step], tuple[Grant, ...]] = {
    EnablePitr: _on(
        "source",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTable",
        "dynamodb:UpdateContinuousBackups",
    ),
    MakeExport: (
        *_on("source", "dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime"),
        *_on("exports of source", "dynamodb:DescribeExport"),
        *READ_OBJECTS,
        *WRITE_OBJECTS,
        *_on("objects", "s3:PutObjectAcl"),
        *USE_KEY,
    ),
    ScanTable: (
        *_on("source", "dynamodb:DescribeTable", "dynamodb:Scan"),
        *READ_OBJECTS,
        *WRITE_OBJECTS,
        *USE_KEY,
    ),
    ConvertFiles: (*READ_OBJECTS, *_on("key", "kms:Decrypt")),
    UseExport: (*READ_OBJECTS, *_on("key", "kms:Decrypt")),
    CheckExport: (),
    MergeExports: (),
    DryRun: (),
    Approve: (),
    FreezeSource: _on(
        "source",
        "dynamodb:DeleteResourcePolicy",
        "dynamodb:DescribeTable",
        "dynamodb:GetResourcePolicy",
        "dynamodb:PutResourcePolicy",
    ),
    BackUp: (
        *_on("source", "dynamodb:CreateBackup", "dynamodb:DescribeTable"),
        *_on("backups of source", "dynamodb:DescribeBackup"),
        *_on("anything", "dynamodb:ListBackups"),
    ),
    ListChanges: (
        *_on("source", "dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime"),
        *_on("exports of source", "dynamodb:DescribeExport"),
        *READ_OBJECTS,
        *WRITE_OBJECTS,
        *_on("objects", "s3:PutObjectAcl"),
        *USE_KEY,
    ),
    Settle: _on("source", "dynamodb:GetResourcePolicy"),
    Unprotect: _on("source", "dynamodb:DescribeTable", "dynamodb:UpdateTable"),
    DropFromStack: (*DELETE, *_on("source", "dynamodb:UpdateTable"), *DEPLOY),
    DeleteTable: DELETE,
    DeployStack: DEPLOY,
    AdoptTable: (*_on("target", "dynamodb:DescribeTable"), *DEPLOY),
    DeployTable: (
        *_on(
            "target",
            "dynamodb:DeleteTable",
            "dynamodb:DescribeTable",
            "dynamodb:GetResourcePolicy",
            "dynamodb:PutResourcePolicy",
            "dynamodb:Scan",
            "dynamodb:UpdateTable",
        ),
        *DEPLOY,
    ),
    StageItems: _on("staged objects", "s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
    CreateTable: (
        *_on(
            "target",
            "dynamodb:CreateTable",
            "dynamodb:DescribeTable",
            "dynamodb:GetResourcePolicy",
            "dynamodb:PutResourcePolicy",
            "dynamodb:Scan",
        ),
        *_on(
            "table key",
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
        ),
    ),
    RestoreBackup: (
        *_on(
            "target",
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:DescribeTable",
            "dynamodb:GetItem",
            "dynamodb:GetResourcePolicy",
            "dynamodb:PutItem",
            "dynamodb:PutResourcePolicy",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
        ),
        *_on("backups of source", "dynamodb:DescribeBackup", "dynamodb:RestoreTableFromBackup"),
    ),
    CountItems: _on("target", "dynamodb:DescribeTable", "dynamodb:Scan"),
    UseTable: _on("target", "dynamodb:DescribeTable"),
    LoadItems: _on("target", "dynamodb:DescribeTable"),
    VerifyTable: (
        *_on("target", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Scan"),
        *_on("target", *READ_SETTINGS),
        *_on("indexes of target", INSIGHTS),
        *_on("anything", *READ_SCALING),
    ),
    RestoreSettings: (
        *_on(
            "target",
            *READ_SETTINGS,
            "dynamodb:TagResource",
            "dynamodb:UpdateContinuousBackups",
            "dynamodb:UpdateTable",
            "dynamodb:UpdateTimeToLive",
        ),
        *_on("indexes of target", INSIGHTS),
        *_on("anything", *READ_SCALING),
    ),
    LiftFence: _on(
        "target",
        "dynamodb:DeleteResourcePolicy",
        "dynamodb:DescribeTable",
        "dynamodb:GetResourcePolicy",
        "dynamodb:PutResourcePolicy",
    ),
    CompareSettings: (
        *_on("target", *READ_SETTINGS),
        *_on("indexes of target", INSIGHTS),
        *_on("anything", *READ_SCALING),
    ),
    ClearStage: (
        *_on("bucket", "s3:ListBucket"),
        *_on("staged objects", "s3:DeleteObject"),
    ),
}
"""What each kind of step needs, its undoing included."""

READ_STAGED = (*_on("bucket", "s3:ListBucket"), *_on("staged objects", "s3:GetObject"))
LOADERS: Mapping[str, tuple[Grant, ...]] = {
    "batch-write": _on("target", "dynamodb:BatchWriteItem"),
    "bulk-put": (
        *_on("target", "dynamodb:StartBulkPutItems"),
        *_on("bulk operations of target", "dynamodb:DescribeBulkOperation"),
        *_on("staged objects", "s3:PutObject"),
        *READ_STAGED,
    ),
    "import-table": (
        *_on("target", "dynamodb:ImportTable"),
        *_on("imports of target", "dynamodb:DescribeImport"),
        *_on(
            "import log",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:PutLogEvents",
            "logs:PutRetentionPolicy",
        ),
        *READ_STAGED,
    ),
}
"""What a load needs besides, by the loader."""


def needs_of(plan: Plan, spec: Spec, state: Address | None = None) -> tuple[Need, ...]:
    """Return every action that a run of ``plan`` needs, and those of keeping it in ``state``."""
    found = set(_resolved(PLANNING, None, plan, spec))
    for step in plan.steps:
        about = plan.step(step.stage) if isinstance(step, ClearStage) else step
        found |= set(_resolved(STEPS[type(step)], about, plan, spec))
        if isinstance(step, RestoreSettings):
            own = tuple(Grant(*pair) for pair in attaching(step.attached))
            found |= set(_resolved(own, step, plan, spec))
        if isinstance(step, LoadItems):
            found |= set(_resolved(_loading(step), _staging(step, plan), plan, spec))
    if state is not None:
        found |= set(_keeping(state, _partition(plan)))
    return tuple(sorted(found))


def _loading(step: LoadItems) -> tuple[Grant, ...]:
    """Return what a load needs."""
    puts = step.loader == "batch-write" and step.on_conflict != "overwrite"
    return _on("target", "dynamodb:PutItem") if puts else LOADERS[step.loader]


def _staging(step: LoadItems, plan: Plan) -> Step:
    """Return the step that says where items to load are staged, if any does."""
    return step if step.stage is None else plan.step(step.stage)


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
            return _objects(place, _partition(plan), FOLDER) if place else None
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
    made = (step for step in plan.steps if isinstance(step, CreateTable | DeployTable))
    return any(step.request.get("GlobalSecondaryIndexes") for step in made)


def _place(step: Step | None, spec: Spec) -> S3Prefix | None:
    """Return where in S3 a step reads or writes, if it does."""
    match step:
        case MakeExport() | StageItems():
            return S3Prefix(step.bucket, step.prefix)
        case UseExport() | ConvertFiles() | ScanTable() if step.location is not None:
            location = parse_location(step.location, spec.origin.folder)
            return location if isinstance(location, S3Prefix) else None
        case _:
            return None


def _stack(step: Step | None) -> str:
    """Return the name of the stack that a step deploys."""
    match step:
        case DropFromStack() | DeployTable() | AdoptTable() | DeployStack():
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
    """Return the ARN of a key that may be named by its id; an alias stands for any key."""
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
