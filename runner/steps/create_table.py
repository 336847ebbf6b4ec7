"""Creates the target, fenced from the start and empty (I9)."""

from retable.runner.aws.errors import PolicyUnsupported
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.plan.step import Link
from retable.runner.plan.target_steps import AnyTable, CreateTable, NewTable, TableMade
from retable.runner.runs.journal import INTENT
from retable.runner.steps.freeze_source import denies_bulk_writes
from retable.runner.steps.wait import patiently
from retable.runner.steps.world import World
from retable.runner.table.resource_policy import fence_policy, has_fence
from retable.runner.table.settings import TableDescription

FENCE_DEADLINE_SECONDS = 600.0


def create_table(step: CreateTable, world: World) -> TableMade:
    """Create the table with its fence, wait until it is ACTIVE, and check that it is empty.

    A repeated step reuses the table it created: one that exists after this run recorded that
    none did, with the planned key, the run's fence and no item in it.

    Raises:
        CheckFailed: a table of that name exists that this run did not create, or it is not empty.
    """
    tables = world.aws.tables
    name = str(step.request["TableName"])
    require_absent(step, name, world)
    if tables.describe(name) is None:
        _create(step, world)
    description = tables.wait_active(name, clock=world.clock, progress=world.progress)
    require_planned_key(description, world)
    fenced = await_fence(description, world)
    if not tables.is_empty(name):
        message = f"the new table {name} is not empty before the first write"
        raise CheckFailed(message, "something else writes to it; find it before you resume")
    return TableMade(table=name, table_id=description.table_id, arn=description.arn, fenced=fenced)


def require_absent(step: NewTable, name: str, world: World) -> None:
    """Require that the table does not exist, unless this run created it before a kill.

    Raises:
        CheckFailed: a table of that name exists that this run did not create.
    """
    if world.journal.records(step.id, INTENT):
        return
    if world.aws.tables.describe(name) is not None:
        message = f"a table named {name} already exists, created by someone else"
        raise CheckFailed(message, "nothing was written to it; delete it, then resume")
    world.journal.record(step.id, INTENT, {"table": name})


def require_created_table(create: Link[AnyTable], world: World) -> TableDescription:
    """Return the table of the step ``create``, as it is now.

    Raises:
        CheckFailed: it is deleted, or another one has its name.
    """
    made = world.evidence(create)
    description = world.aws.tables.describe(made.table)
    if description is None or description.table_id != made.table_id:
        found = "there is none" if description is None else f"found {description.table_id}"
        message = f"the table {made.table} with TableId {made.table_id} is deleted: {found}"
        raise CheckFailed(message, "someone else deleted or replaced it")
    return description


def _create(step: CreateTable, world: World) -> None:
    """Send CreateTable with the fence in it, so that the table is never unfenced."""
    world.aws.tables.create(step.request, fence_at_creation(target_arn(world), world))


def await_fence(description: TableDescription, world: World) -> bool:
    """Wait until the policy shows the fence; put it where the creation did not include it.

    Returns whether the endpoint supports resource policies: AWS does, some emulators do not.
    """
    tables = world.aws.tables
    principals = world.aws.identity().principals
    if not principals:
        world.progress.note("this endpoint has no identities: the target is not fenced")
        return False
    try:
        for _ in patiently(world, FENCE_DEADLINE_SECONDS, "the fence to show in the policy"):
            present = tables.policies.get(description.arn)
            if present is not None and has_fence(present.text):
                return True
            own = present.text if present else None
            fence = fence_policy(description.arn, principals, own, bulk=denies_bulk_writes(world))
            tables.policies.put(description.arn, fence, present.revision_id if present else None)
    except PolicyUnsupported:
        world.progress.note("this endpoint has no resource policies: the target is not fenced")
        return False
    message = f"the fence of {description.name} did not show in its policy"
    raise Stopped(message, "resume: the step is repeated")


def require_planned_key(description: TableDescription, world: World) -> None:
    """Require that a table has the planned key; raises CheckFailed."""
    if description.key != world.plan.key:
        message = f"the key schema of the table {description.name} is not the plan's"
        raise CheckFailed(message, "someone else created it; nothing was written to it")


def target_arn(world: World) -> str:
    """Return the ARN that the target will have: the source's, with the target's name."""
    if world.plan.settings is None:
        return world.plan.target
    return world.plan.settings.description.arn_beside(world.plan.target)


def fence_at_creation(arn: str, world: World) -> str | None:
    """Return the policy that a table is created with; ``None`` where there are no identities."""
    principals = world.aws.identity().principals
    if not principals:
        return None
    return fence_policy(arn, principals, None, bulk=denies_bulk_writes(world))
