"""Which requests the steps of a plan will send to change the target, told before the first change.

What a step finds out only on its way, such as a policy's revision or a token, is stood in for: it
is the service's or ours to make, and no setting of anybody's.
"""

from collections.abc import Iterator, Sequence

from retable.runner.aws.bulk import Staged, bulk_put, table_import
from retable.runner.aws.exports import ExportRequest
from retable.runner.plan.plan import (
    CreateTable,
    DeployTable,
    EnablePitr,
    LiftFence,
    LoadItems,
    RestoreSettings,
    StageItems,
    Step,
    TargetExport,
    VerifyTable,
)
from retable.runner.table import requests
from retable.runner.table.requests import Request

STAND_IN = "decided-later"


def target_requests(
    steps: Sequence[Step], target_arn: str, fence: str | None = None
) -> Iterator[Request]:
    """Yield what ``steps`` will ask for about the table ``target_arn``, born with ``fence``."""
    table = target_arn.rpartition("/")[2]
    for step in steps:
        match step:
            case CreateTable() | DeployTable():
                yield _birth(step, steps, fence)
            case LoadItems(loader="bulk-put", stage=str() as stage):
                yield bulk_put(table, _staged(stage, steps), STAND_IN, step.rate, STAND_IN)
            case EnablePitr():
                yield requests.recovery(table, enabled=True, days=None)
            case VerifyTable(export=TargetExport() as export):
                yield export_of(target_arn, export).request(STAND_IN)
            case RestoreSettings():
                yield from _settings_requests(step, target_arn)
            case LiftFence(policy=str() as policy):
                yield requests.resource_policy(target_arn, policy, requests.NO_POLICY)
            case _:
                pass


def export_of(target_arn: str, wanted: TargetExport) -> ExportRequest:
    """Return the export by which the target is read back."""
    return ExportRequest(
        table_arn=target_arn,
        bucket=wanted.bucket,
        prefix=wanted.prefix,
        format="DYNAMODB_JSON",
        bucket_owner=wanted.bucket_owner,
        kms_key=wanted.kms_key,
    )


def staged_by(step: StageItems, prefix: str) -> Staged:
    """Return what ``step`` puts under ``prefix``, which is known once it is done."""
    return Staged(
        bucket=step.bucket, prefix=prefix, bucket_owner=step.bucket_owner, kms_key=step.kms_key
    )


def _staged(step_id: str, steps: Sequence[Step]) -> Staged:
    step = next(one for one in steps if isinstance(one, StageItems) and one.id == step_id)
    return staged_by(step, STAND_IN)


def _birth(step: CreateTable | DeployTable, steps: Sequence[Step], fence: str | None) -> Request:
    """Return what makes the table."""
    match step:
        case CreateTable(imports=str() as stage):
            return table_import(_staged(stage, steps), step.request, STAND_IN)
        case CreateTable():
            return requests.table_creation(step.request, fence)
        case DeployTable():
            # CloudFormation sends what the template has, which was compared with this.
            return requests.table_creation(step.request, None)


def _settings_requests(step: RestoreSettings, target_arn: str) -> Iterator[Request]:
    """Yield what gives the target every setting of ``step``, be it there already or not."""
    table, attached = target_arn.rpartition("/")[2], step.attached
    if step.tags:
        yield requests.tagging(target_arn, step.tags)
    if step.ttl is not None:
        yield requests.time_to_live(table, step.ttl)
    yield requests.recovery(table, enabled=step.pitr, days=step.pitr_days)
    if step.stream is not None:
        yield requests.stream(table, step.stream)
    if step.deletion_protection:
        yield requests.deletion_protection(table, enabled=True)
    for index, warmth in attached.warm.items():
        yield requests.warm_throughput(table, index, warmth)
    for scaling in attached.scaling:
        yield from requests.autoscaling(table, scaling)
    for index, mode in attached.insights.items():
        yield requests.contributor_insights(table, index, mode)
    for kinesis in attached.kinesis:
        yield requests.kinesis_stream(table, kinesis)
