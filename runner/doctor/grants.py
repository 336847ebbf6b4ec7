"""What each kind of step asks of IAM: one table, from steps to actions and what they are on.

Names are those of the service authorization reference. What a service does in the caller's name
is in it too: an export's objects, an import's log.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from retable.runner.doctor.attaching import INSIGHTS, READ_SCALING
from retable.runner.plan.export_steps import (
    Approve,
    CheckExport,
    ConvertFiles,
    DryRun,
    EnablePitr,
    MakeExport,
    MergeExports,
    ScanTable,
    UseExport,
)
from retable.runner.plan.finish_steps import (
    ClearStage,
    CompareSettings,
    CountItems,
    LiftFence,
    RestoreSettings,
    VerifyTable,
)
from retable.runner.plan.plan import Step
from retable.runner.plan.source_steps import (
    BackUp,
    DeleteTable,
    DropFromStack,
    ForgetTable,
    FreezeSource,
    ListChanges,
    Settle,
    Unprotect,
)
from retable.runner.plan.target_steps import (
    AccountForImport,
    AdoptTable,
    BulkPutItems,
    CreateTable,
    DeployStack,
    DeployTable,
    EnableTargetPitr,
    ImportTable,
    LoadItems,
    RestoreBackup,
    StageItems,
    UseTable,
)

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
"""What an action is on; ``needs`` knows its ARN."""


class Grant(NamedTuple):
    """An action on a kind of thing."""

    action: str
    on: On


def on(what: On, *actions: str) -> tuple[Grant, ...]:
    """Return the actions, all on one kind of thing."""
    return tuple(Grant(action, what) for action in actions)


READ_SETTINGS = (
    "dynamodb:DescribeContinuousBackups",
    INSIGHTS,
    "dynamodb:DescribeKinesisStreamingDestination",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:GetResourcePolicy",
    "dynamodb:ListTagsOfResource",
)
READ_OBJECTS = (*on("bucket", "s3:ListBucket"), *on("objects", "s3:GetObject"))
WRITE_OBJECTS = on("objects", "s3:AbortMultipartUpload", "s3:PutObject")
USE_KEY = on("key", "kms:Decrypt", "kms:GenerateDataKey")

DEPLOY = (
    *on(
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
    *on("deployment roles", "sts:AssumeRole"),
)
"""Deploying a stack: by the roles that CDK's bootstrapping made, or else by the caller's own leave,
which then needs whatever the stack's resources do."""
DELETE = (
    *on(
        "source",
        "dynamodb:DeleteTable",
        "dynamodb:DescribeTable",
        "dynamodb:GetResourcePolicy",
    ),
    *on("backups of source", "dynamodb:DescribeBackup"),
)

CREATE = (
    *on(
        "target",
        "dynamodb:CreateTable",
        "dynamodb:DescribeTable",
        "dynamodb:GetResourcePolicy",
        "dynamodb:PutResourcePolicy",
        "dynamodb:Scan",
    ),
    *on(
        "table key",
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
    ),
)
READ_STAGED = (*on("bucket", "s3:ListBucket"), *on("staged objects", "s3:GetObject"))
IMPORT = (
    *on("target", "dynamodb:DescribeTable", "dynamodb:ImportTable"),
    *on("imports of target", "dynamodb:DescribeImport"),
    *on(
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
)

PLANNING: tuple[Grant, ...] = (
    *on("source", *READ_SETTINGS),
    *on("indexes of source", INSIGHTS),
    *on("target", "dynamodb:DescribeTable"),
    *on("anything", *READ_SCALING),
    *on("table key", "kms:DescribeKey"),
)
"""What is read before there is a plan."""

STEPS: Mapping[type[Step], tuple[Grant, ...]] = {
    EnableTargetPitr: on(
        "target",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTable",
        "dynamodb:UpdateContinuousBackups",
    ),
    EnablePitr: on(
        "source",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTable",
        "dynamodb:UpdateContinuousBackups",
    ),
    MakeExport: (
        *on("source", "dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime"),
        *on("exports of source", "dynamodb:DescribeExport"),
        *READ_OBJECTS,
        *WRITE_OBJECTS,
        *on("objects", "s3:PutObjectAcl"),
        *USE_KEY,
    ),
    ScanTable: (
        *on("source", "dynamodb:DescribeTable", "dynamodb:Scan"),
        *READ_OBJECTS,
        *WRITE_OBJECTS,
        *USE_KEY,
    ),
    ConvertFiles: (*READ_OBJECTS, *on("key", "kms:Decrypt")),
    UseExport: (*READ_OBJECTS, *on("key", "kms:Decrypt")),
    CheckExport: (),
    MergeExports: (),
    DryRun: (),
    Approve: (),
    FreezeSource: on(
        "source",
        "dynamodb:DeleteResourcePolicy",
        "dynamodb:DescribeTable",
        "dynamodb:GetResourcePolicy",
        "dynamodb:PutResourcePolicy",
    ),
    BackUp: (
        *on("source", "dynamodb:CreateBackup", "dynamodb:DescribeTable"),
        *on("backups of source", "dynamodb:DescribeBackup"),
        *on("anything", "dynamodb:ListBackups"),
    ),
    ListChanges: (
        *on("source", "dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime"),
        *on("exports of source", "dynamodb:DescribeExport"),
        *READ_OBJECTS,
        *WRITE_OBJECTS,
        *on("objects", "s3:PutObjectAcl"),
        *USE_KEY,
    ),
    Settle: on("source", "dynamodb:GetResourcePolicy"),
    Unprotect: on("source", "dynamodb:DescribeTable", "dynamodb:UpdateTable"),
    DropFromStack: (*DELETE, *on("source", "dynamodb:UpdateTable"), *DEPLOY),
    DeleteTable: DELETE,
    ForgetTable: (*on("source", "dynamodb:DescribeTable"), *DEPLOY),
    DeployStack: DEPLOY,
    AdoptTable: (*on("target", "dynamodb:DescribeTable"), *DEPLOY),
    DeployTable: (
        *on(
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
    StageItems: on("staged objects", "s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
    CreateTable: CREATE,
    ImportTable: (*CREATE, *IMPORT),
    RestoreBackup: (
        *on(
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
        *on("backups of source", "dynamodb:DescribeBackup", "dynamodb:RestoreTableFromBackup"),
    ),
    CountItems: on("target", "dynamodb:DescribeTable", "dynamodb:Scan"),
    UseTable: on("target", "dynamodb:DescribeTable"),
    LoadItems: on("target", "dynamodb:DescribeTable"),
    BulkPutItems: (
        *on("target", "dynamodb:DescribeTable", "dynamodb:StartBulkPutItems"),
        *on("bulk operations of target", "dynamodb:DescribeBulkOperation"),
        *on("staged objects", "s3:PutObject"),
        *READ_STAGED,
    ),
    AccountForImport: IMPORT,
    VerifyTable: (
        *on("target", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Scan"),
        *on("target", *READ_SETTINGS),
        *on("indexes of target", INSIGHTS),
        *on("anything", *READ_SCALING),
    ),
    RestoreSettings: (
        *on(
            "target",
            *READ_SETTINGS,
            "dynamodb:TagResource",
            "dynamodb:UpdateContinuousBackups",
            "dynamodb:UpdateTable",
            "dynamodb:UpdateTimeToLive",
        ),
        *on("indexes of target", INSIGHTS),
        *on("anything", *READ_SCALING),
    ),
    LiftFence: on(
        "target",
        "dynamodb:DeleteResourcePolicy",
        "dynamodb:DescribeTable",
        "dynamodb:GetResourcePolicy",
        "dynamodb:PutResourcePolicy",
    ),
    CompareSettings: (
        *on("target", *READ_SETTINGS),
        *on("indexes of target", INSIGHTS),
        *on("anything", *READ_SCALING),
    ),
    ClearStage: (
        *on("bucket", "s3:ListBucket"),
        *on("staged objects", "s3:DeleteObject"),
    ),
}
"""What each kind of step needs, its undoing included."""

WRITES: Mapping[str, tuple[Grant, ...]] = {
    "overwrite": on("target", "dynamodb:BatchWriteItem"),
    "keep": on("target", "dynamodb:PutItem"),
    "fail": on("target", "dynamodb:PutItem"),
}
"""What a ``LoadItems`` step needs besides, by its ``on_conflict``."""
