"""Deploys the stack that creates the table: without it, with it, and in its final state.

That CloudFormation reports an update as complete proves nothing about a table. DescribeTable
decides, and the TableId distinguishes the old table from any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from retable.runner.cdk.cdk_cli import Deployment
from retable.runner.cdk.deploy import Done, Goal, Tools, deploy
from retable.runner.cdk.digest import template_digest
from retable.runner.cdk.prepare import open_variant
from retable.runner.cdk.removal import after_removal
from retable.runner.cdk.stacks import StackEvent
from retable.runner.cdk.states import readiness, require_at_rest
from retable.runner.cdk.survey import open_app
from retable.runner.failure import CheckFailed, Stale
from retable.runner.plan.source_steps import (
    DropFromStack,
    ForgetTable,
    Removed,
    StackDeployed,
    StackVariant,
)
from retable.runner.plan.step import Link, StepOf
from retable.runner.plan.target_steps import AdoptTable, DeployStack, DeployTable, TableDeployed
from retable.runner.runs.journal import INTENT
from retable.runner.steps.create_table import (
    await_fence,
    require_absent,
    require_created_table,
    require_planned_key,
)
from retable.runner.steps.delete import require_provably_safe_to_delete
from retable.runner.steps.world import World
from retable.runner.table.settings import TableDescription
from retable.schema.spec import CdkProvision

EDGE = timedelta(seconds=5)
"""How far the clocks of two services may be apart."""
SEEN = "stack-seen"
"""The event that journals the newest event of a stack before this run deployed it."""


class Deployed(Protocol):
    """Evidence of any step that deployed a state of the stack."""

    @property
    def template(self) -> str | None:
        """Return the digest of the template that the stack has now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSeen:
    """The newest event of a stack before this run deployed it."""

    event: str | None


def drop_from_stack(step: DropFromStack, world: World) -> Removed:
    """Deploy the stack without the table and check what became of the table.

    Raises:
        CheckFailed: something that must be proved before a delete is not (I1).
        Stale: the stack or the assembly is not what the plan was made from.
    """
    begun = bool(world.journal.records(step.id, INTENT))
    if not begun or is_undropped(step, world):
        require_provably_safe_to_delete(step, world)
        require_deployable(step.stack, world)
        world.journal.record(step.id, INTENT, {"table_id": step.table_id})
    done = _deploy(step.stack, None, world, begun=begun)
    _require_removed(step, world)
    return Removed(table=step.table, table_id=step.table_id, template=done.template)


def forget_table(step: ForgetTable, world: World) -> StackDeployed:
    """Deploy the stack without a deleted table.

    Raises:
        CheckFailed: a table of that name exists again, which CloudFormation would delete (I1).
    """
    begun = bool(world.journal.records(step.id, INTENT))
    if (not begun or is_undropped(step, world)) and world.aws.tables.describe(step.table):
        message = f"the table {step.table} exists again, and leaving the stack might delete it"
        raise CheckFailed(message, "end this run with --abort; an existing table needs a new plan")
    world.journal.record(step.id, INTENT, {"stack": step.stack.stack_name})
    return StackDeployed(template=_deploy(step.stack, None, world, begun=begun).template)


def is_undropped(step: DropFromStack | ForgetTable, world: World) -> bool:
    """Return whether the stack is at rest and still has the template with the table."""
    state = world.stacks.state(step.stack.stack_name)
    if state is None or readiness(state.status) != "ready":
        return False
    found = template_digest(world.stacks.template(step.stack.stack_name))
    return found == step.stack.before


def deploy_table(step: DeployTable, world: World) -> TableDeployed:
    """Deploy the stack with the table, wait until it is ACTIVE, fence it, check that it is empty.

    Raises:
        CheckFailed: a table of that name exists that this run did not create, or it is not empty.
    """
    tables, name = world.aws.tables, str(step.request["TableName"])
    begun = bool(world.journal.records(step.id, SEEN))
    if step.named:
        require_absent(step, name, world)
        if begun:
            _delete_leftover(step, name, world)
    if not begun:
        _note_events(step, world)
    done = _deploy(step.stack, step.after, world, begun=begun)
    made = world.stacks.resources(step.stack.stack_name).get(step.logical_id)
    if made is None:
        message = f"the stack {step.stack.stack_name} has no {step.logical_id} after its deployment"
        raise CheckFailed(message)
    made_name = made.physical_id.rpartition("/")[2]
    description = tables.wait_active(made_name, clock=world.clock, progress=world.progress)
    require_planned_key(description, world)
    fenced = await_fence(description, world)
    if not tables.is_empty(made_name):
        message = f"the new table {made_name} is not empty before the first write"
        raise CheckFailed(message, "something else writes to it; find it before you resume")
    return TableDeployed(
        table=made_name,
        table_id=description.table_id,
        arn=description.arn,
        fenced=fenced,
        template=done.template,
    )


def deploy_stack(step: DeployStack, world: World) -> StackDeployed:
    """Deploy one state of the stack."""
    begun = bool(world.journal.records(step.id, INTENT))
    world.journal.record(step.id, INTENT, {"stack": step.stack.stack_name})
    return StackDeployed(template=_deploy(step.stack, step.after, world, begun=begun).template)


def adopt_table(step: AdoptTable, world: World) -> StackDeployed:
    """Import the table into its stack, which does not change the table itself.

    Raises:
        CheckFailed: it is no longer the table that this run created.
    """
    description = require_created_table(step.create, world)
    begun = bool(world.journal.records(step.id, INTENT))
    world.journal.record(step.id, INTENT, {"table_id": description.table_id})
    imports = {step.logical_id: {"TableName": description.name}}
    done = _deploy(step.stack, step.after, world, begun=begun, imports=imports)
    require_created_table(step.create, world)
    return StackDeployed(template=done.template)


def require_deployable(variant: StackVariant, world: World) -> None:
    """Require that the stack is at rest and unchanged, and the assemblies are the planned ones.

    Raises:
        Stale: they are not.
        Stopped: the stack is busy or stuck.
    """
    require_assemblies(world)
    name = variant.stack_name
    state = world.stacks.state(name)
    require_at_rest(name, state.status if state else None)
    found = None if state is None else template_digest(world.stacks.template(name))
    if found != variant.before:
        message = f"the stack {name} was deployed with another template since the plan was made"
        raise Stale(message, "plan again")


def require_assemblies(world: World) -> None:
    """Require that every assembly in the run folder is the one that the plan was made from.

    Raises:
        Stale: one is not.
    """
    for step in world.plan.steps:
        if isinstance(step, DropFromStack | ForgetTable | DeployTable | AdoptTable | DeployStack):
            folder = world.folder.assembly(step.stack.variant)
            if open_variant(folder, step.stack.stack).digest != step.stack.digest:
                message = f"the assembly {folder} is not the plan's"
                raise Stale(message, "plan again")


def _deploy(
    variant: StackVariant,
    after: Link[StepOf[Deployed]] | None,
    world: World,
    *,
    begun: bool,
    imports: Mapping[str, Mapping[str, str]] | None = None,
) -> Done:
    """Deploy one state of the stack; ``after`` is the step that deployed the one before.

    With ``imports``, existing resources are imported into it instead, by logical id.
    """
    provision = world.spec.rebuild.provision
    if not isinstance(provision, CdkProvision):
        raise TypeError(provision)
    synthesized = open_variant(world.folder.assembly(variant.variant), variant.stack)
    before = variant.before if after is None else world.evidence(after).template
    goal = Goal(
        deployment=Deployment(
            assembly=synthesized.assembly,
            stack=synthesized.stack,
            change_set=f"retable-{world.folder.run_id}-{variant.variant}",
        ),
        digest=variant.digest,
        before=before,
        imports=imports,
    )
    tools = Tools(
        cdk=open_app(world.spec, provision, world.aws, world.folder.logs, world.clock),
        stacks=world.stacks,
        clock=world.clock,
        progress=world.progress,
    )
    return deploy(goal, tools, begun=begun)


def _require_removed(step: DropFromStack, world: World) -> None:
    """Check what became of the table, and delete it where CloudFormation failed to.

    Raises:
        CheckFailed: another table has its name now.
    """
    tables = world.aws.tables
    description = tables.describe(step.table)
    policy = "Retain" if step.retains else "Delete"
    match after_removal(description, step.table_id, policy):
        case "another":
            message = f"another table is named {step.table} now"
            raise CheckFailed(message, "someone else created it; nothing was written to it")
        case "left":
            world.progress.note(f"CloudFormation left {step.table} behind: it is deleted by API")
            tables.delete(step.table)
        case "gone" | "deleting" | "retained":
            pass
    if not step.retains:
        tables.wait_deleted(step.table, step.table_id, clock=world.clock, progress=world.progress)


def _note_events(step: DeployTable, world: World) -> None:
    """Journal the stack's newest event: those up to it are not this run's."""
    state = world.stacks.state(step.stack.stack_name)
    last = None if state is None else world.stacks.last_event(state.id)
    world.journal.note(step, SEEN, StackSeen(event=last))


def _delete_leftover(step: DeployTable, name: str, world: World) -> None:
    """Delete the empty table that a rolled-back creation of this run left behind.

    It is one that the stack's events since then say was created, at the time that the table
    itself says, and that the stack no longer holds.

    Raises:
        CheckFailed: it holds items, which something else has written.
    """
    stacks, tables = world.stacks, world.aws.tables
    state = stacks.state(step.stack.stack_name)
    description = tables.describe(name)
    if state is None or readiness(state.status) != "ready" or description is None:
        return
    held = {one.physical_id.rpartition("/")[2] for one in stacks.resources(state.name).values()}
    seen = world.journal.noted(step, SEEN, StackSeen)
    events = stacks.events(state.id, seen[-1].event if seen else None)
    own = [event for event in events if event.physical_id.rpartition("/")[2] == name]
    if name not in held and _is_made_by(own, tables.created_at(name)):
        _delete_empty(description, world)


def _is_made_by(events: Sequence[StackEvent], created_at: datetime) -> bool:
    """Return whether a table created then is the one whose creation the events record."""
    made = [event.at for event in events if event.status == "CREATE_COMPLETE"]
    begun = [event.at for event in events if event.status.startswith("CREATE")]
    return bool(made) and min(begun) - EDGE <= created_at <= max(made) + EDGE


def _delete_empty(description: TableDescription, world: World) -> None:
    tables, name = world.aws.tables, description.name
    await_fence(description, world)
    if not tables.is_empty(name):
        message = f"the table {name}, left by a deployment that was rolled back, is not empty"
        raise CheckFailed(message, "something else writes to it; find it before you resume")
    world.progress.note(f"the empty table {name} of a rolled-back deployment is deleted")
    if description.deletion_protection:
        tables.set_deletion_protection(name, enabled=False)
        tables.wait_active(name, clock=world.clock, progress=world.progress)
    tables.delete(name)
    tables.wait_deleted(
        name, description.table_id or "", clock=world.clock, progress=world.progress
    )
