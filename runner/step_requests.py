"""Which requests the steps of a plan will send to change the target, told before the first change.

What a step finds out only on its way, such as the fence's principals or a policy's revision, stands
here for itself: it is of the service's making.
"""

from collections.abc import Iterable, Iterator

from retable.runner.aws import requests
from retable.runner.aws.requests import Request
from retable.runner.plan import (
    CreateTable,
    DeployTable,
    EnablePitr,
    LiftFence,
    RestoreBackup,
    RestoreSettings,
    Step,
)


def target_requests(
    steps: Iterable[Step], target_arn: str, fence: str | None = None
) -> Iterator[Request]:
    """Yield what ``steps`` will ask for about the table ``target_arn``, born with ``fence``."""
    table = target_arn.rpartition("/")[2]
    for step in steps:
        match step:
            case CreateTable():
                yield requests.table_creation(step.request, fence)
            case DeployTable():
                # CloudFormation sends what the template has, which was compared with this.
                yield requests.table_creation(step.request, None)
            case RestoreBackup():
                sse = step.request.get("SSESpecification")
                yield requests.restoration(step.backup_arn, table, sse)
            case EnablePitr():
                yield requests.recovery(table, enabled=True, days=None)
            case RestoreSettings():
                yield from _settings_requests(step, target_arn)
            case LiftFence(policy=str() as policy):
                yield requests.resource_policy(target_arn, policy, requests.NO_POLICY)
            case _:
                pass


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
