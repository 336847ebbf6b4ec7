"""What a rebuild cannot restore, and which settings are left to the stack, to warn of it."""

from collections.abc import Iterator

from retable.runner.failure import Refused
from retable.runner.plan.finish_steps import CompareSettings, RestoreSettings
from retable.runner.plan.plan import Step
from retable.runner.table.carried_over import describe_attached, not_carried_over
from retable.runner.table.settings import TableSettings
from retable.schema.spec import Spec

SYSTEM_BACKUP_DAYS = 35
"""How long DynamoDB keeps the backup it makes of a deleted table that had PITR."""


def require_no_replicas(spec: Spec, source: TableSettings) -> None:
    """Refuse to delete a table that has replicas; a CDK TableV2 in one Region has none.

    Raises:
        Refused: it has replicas.
    """
    replicas = source.description.replicas
    if spec.rebuild.strategy != "side-by-side" and replicas:
        message = f"{source.description.name} is a global table, with replicas in "
        message += ", ".join(replicas)
        hint = "it cannot be deleted and recreated: use strategy: side-by-side, or remove its "
        raise Refused(message, hint + "replicas first")


def lost_settings(spec: Spec, source: TableSettings, steps: tuple[Step, ...]) -> Iterator[str]:
    """Yield what will not be restored, given the ``steps`` of the plan."""
    yield from _streams(spec, source, steps)
    name = source.description.name
    if spec.rebuild.strategy != "side-by-side" and source.pitr:
        yield (
            f"the point-in-time history of {name} is deleted with it and starts over; DynamoDB "
            f"keeps a backup of the deleted table for {SYSTEM_BACKUP_DAYS} days"
        )
    for step in steps:
        if isinstance(step, CompareSettings):
            yield from not_carried_over(step.attached, source)
            yield from _others(step, spec, steps)


def _streams(spec: Spec, source: TableSettings, steps: tuple[Step, ...]) -> Iterator[str]:
    """Yield what changes for the consumers of the table's streams."""
    name, target = source.description.name, spec.target.table
    if source.description.stream and spec.rebuild.strategy != "side-by-side":
        yield f"the stream of {name} is deleted with it: the new one has another ARN"
    if any(isinstance(step, RestoreSettings) and step.stream for step in steps):
        yield f"consumers must be pointed at the new stream of {target}: it has no loaded items"
    if any(isinstance(step, CompareSettings) and step.attached.kinesis for step in steps):
        yield f"no record of a loaded item goes to the Kinesis stream of {target}"


def _others(step: CompareSettings, spec: Spec, steps: tuple[Step, ...]) -> Iterator[str]:
    """Yield what is charged for, or what the stack must attach, since nothing else does."""
    restored = (one.attached for one in steps if isinstance(one, RestoreSettings))
    if step.attached not in restored:
        words = ", ".join(describe_attached(step.attached))
        yield f"left to the stack, and compared at the end: {words}"
    elif step.attached.warm:
        yield f"raising the warm throughput of {spec.target.table} is charged once"
