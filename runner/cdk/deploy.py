"""Deploys one assembly, so that its stack matches the plan, or raises why it does not.

It is idempotent. What is already deployed is left unchanged; an operation that continued while the
runner was down is awaited; then the stack's own template decides, not our records.
What happened to a table is not decided here: see ``removal``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from retable.runner.cdk.cdk_cli import Cdk, Deployment, Watch, failure_of
from retable.runner.cdk.child_process import Ended
from retable.runner.cdk.difference import changes
from retable.runner.cdk.digest import digest, template_digest
from retable.runner.cdk.stacks import StackEvent, Stacks, StackState
from retable.runner.cdk.states import cure, readiness
from retable.runner.cdk.template import Template, comparable
from retable.runner.cdk.wait_for_operation import Follower
from retable.runner.clock import Clock
from retable.runner.failure import CheckFailed, Failure, Stale, Stopped
from retable.runner.progress import Progress

RESUME = "fix the cause, then resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The state that a stack must reach, and the expected state before."""

    deployment: Deployment
    digest: str
    """The digest of the stack in the assembly, from the plan."""
    before: str | None
    """The digest of the template deployed before; ``None`` for a stack to be created."""
    imports: Mapping[str, Mapping[str, str]] | None = None
    """Existing resources to import into the stack, in place of a deployment: their
    identifiers (``{"TableName": "orders"}``) by logical id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The result of a deployment."""

    outcome: Literal["deployed", "already"]
    stack_id: str
    template: str
    """The digest of the deployed template, for a later ``Goal.before``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a deployment works with."""

    cdk: Cdk
    stacks: Stacks
    clock: Clock
    progress: Progress


def deploy(goal: Goal, tools: Tools, *, begun: bool) -> Done:
    """Bring the stack to the goal, and return the result.

    ``begun``: this run began the same goal before, so an operation in progress belongs to it.

    Raises:
        Stale: the assembly, or the template deployed before, is not the one of the plan.
        Stopped: the stack is busy or stuck, or the deployment failed; the message has the resource
            that failed first, and why.
        CheckFailed: the command succeeded and the stack has another template.
    """
    _require_assembly(goal)
    name = goal.deployment.stack.name
    follower = Follower(tools.stacks, name, tools.clock, tools.progress)
    state = _ready(goal, tools, follower, begun=begun)
    if state is not None and _is_reached(goal, tools):
        return _done(goal, tools, state, "already")
    _require_expected(goal, tools, state)
    ended = _command(goal, tools, follower)
    state = follower.settle()
    if state is not None and readiness(state.status) == "ready" and _is_reached(goal, tools):
        # The command may have lost track of its operation; what is deployed counts.
        return _done(goal, tools, state, "deployed")
    raise _failure(goal, tools, follower, ended, state)


def _require_assembly(goal: Goal) -> None:
    found = digest(goal.deployment.assembly, goal.deployment.stack)
    if found != goal.digest:
        folder = goal.deployment.assembly.folder
        message = f"the assembly {folder} is not the one that the plan was made from"
        raise Stale(message, "plan again")


def _ready(goal: Goal, tools: Tools, follower: Follower, *, begun: bool) -> StackState | None:
    """Return the stack once it may be deployed; ``None`` if it does not exist."""
    name = goal.deployment.stack.name
    state = tools.stacks.state(name)
    if state is not None and readiness(state.status) == "working":
        if not begun:
            message = f"the stack {name} is {state.status}: someone else is deploying it"
            raise Stopped(message, "wait until that has ended, then resume")
        tools.progress.note(f"the stack {name} is {state.status}: waiting for it to end")
        follower.rewind()
        state = follower.settle()
        if (failed := follower.failure()) is not None:
            # Its result must be checked before the next attempt.
            raise _failed(name, failed, state)
    if state is not None and readiness(state.status) == "stuck":
        message = f"the stack {name} is {state.status}"
        raise Stopped(message, f"{cure(state.status)}; then resume")
    return state


def _is_reached(goal: Goal, tools: Tools) -> bool:
    """Return whether the stack has the goal's template."""
    name = goal.deployment.stack.name
    if goal.imports is not None:
        # An import takes the resources and nothing else; a later deployment does the rest.
        there = tools.stacks.resources(name)
        return all(
            logical_id in there and there[logical_id].physical_id in identifiers.values()
            for logical_id, identifiers in goal.imports.items()
        )
    template = goal.deployment.stack.template
    return not changes(_deployed(goal, tools), template)


def _deployed(goal: Goal, tools: Tools) -> Template:
    stack = goal.deployment.stack
    return comparable(tools.stacks.template(stack.name), stack.template)


def _require_expected(goal: Goal, tools: Tools, state: StackState | None) -> None:
    """Check that nothing else has been deployed since the plan was made."""
    name = goal.deployment.stack.name
    if state is None and goal.before is not None:
        message = f"the stack {name} does not exist, and it did when the plan was made"
        raise Stale(message, "plan again")
    if state is None:
        return
    if goal.before is None:
        message = f"the stack {name} exists, and it did not when the plan was made"
        raise Stale(message, "plan again")
    found = template_digest(tools.stacks.template(name))
    if found != goal.before:
        message = f"the stack {name} was deployed with another template since the plan was made"
        raise Stale(message, "plan again")


def _command(goal: Goal, tools: Tools, follower: Follower) -> Ended:
    """Run the command line and follow its operation."""
    watch = Watch(follower.tick, lambda _: None)
    name = goal.deployment.stack.name
    try:
        if goal.imports is None:
            return tools.cdk.deploy(goal.deployment, watch)
        names = tools.cdk.logs / f"{goal.deployment.change_set}.import.json"
        names.parent.mkdir(parents=True, exist_ok=True)
        names.write_text(json.dumps(goal.imports), "utf-8")
        return tools.cdk.import_resources(goal.deployment, names, watch)
    except BaseException:
        tools.progress.note(f"CloudFormation continues with {name} if it has begun")
        raise


def _done(
    goal: Goal, tools: Tools, state: StackState, outcome: Literal["deployed", "already"]
) -> Done:
    found = tools.stacks.template(goal.deployment.stack.name)
    return Done(outcome=outcome, stack_id=state.id, template=template_digest(found))


def _failure(
    goal: Goal, tools: Tools, follower: Follower, ended: Ended, state: StackState | None
) -> Failure:
    """Return the failure for a goal that was not reached."""
    name = goal.deployment.stack.name
    if (failed := follower.failure()) is not None:
        return _failed(name, failed, state)
    if ended.code:
        log = tools.cdk.logs / f"{goal.deployment.change_set}.log"
        return failure_of(f"the deployment of {name}", ended, log, Stopped)
    message = f"the stack {name} does not have the template that was deployed"
    return CheckFailed(message, "someone else also deploys it; find out who before you resume")


def _failed(name: str, failed: StackEvent, state: StackState | None) -> Stopped:
    """Return the failure of a deployment whose cause CloudFormation reports."""
    if state is None or readiness(state.status) == "ready":
        message = f"the deployment of {name} failed and was rolled back: {failed}"
        return Stopped(message, RESUME)
    message = f"the deployment of {name} failed, and the stack is {state.status}: {failed}"
    return Stopped(message, f"{cure(state.status)}; then resume")
