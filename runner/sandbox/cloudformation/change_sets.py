"""Change sets: an update that is described first, and executed on request.

Creating one changes nothing, except that a new stack is then under review.
"""

import re
from typing import Any

from retable.runner.sandbox.cloudformation.adoption import existing_resources, import_fault
from retable.runner.sandbox.cloudformation.background_work import start
from retable.runner.sandbox.cloudformation.change_views import change_set_view
from retable.runner.sandbox.cloudformation.operations import (
    keep_options,
    new_stack,
    require_updatable,
)
from retable.runner.sandbox.cloudformation.planned_changes import plan_of
from retable.runner.sandbox.cloudformation.request import Request, desired_state
from retable.runner.sandbox.cloudformation.stack import READY, ChangeSet, Stack
from retable.runner.sandbox.cloudformation.update import Deployment
from retable.runner.sandbox.cloudformation.views import page
from retable.runner.sandbox.cloudformation.wire import StackError, invalid

NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
NO_CHANGES = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)
ECHOED = (
    "Capabilities",
    "DeploymentConfig",
    "DeploymentMode",
    "ImportExistingResources",
    "IncludeNestedStacks",
    "NotificationARNs",
    "OnStackFailure",
)
"""Members of CreateChangeSet that DescribeChangeSet shows."""
UNDER_REVIEW = "REVIEW_IN_PROGRESS"
STATUSES = {"CREATE": "CREATE_IN_PROGRESS", "IMPORT": "IMPORT_IN_PROGRESS"}


def create_change_set(request: Request) -> dict[str, Any]:
    """Answer CreateChangeSet; a repeated request returns the same change set."""
    name = str(request.body.get("ChangeSetName"))
    if not NAME.fullmatch(name):
        message = f"1 validation error detected: Value '{name[:80]}' at 'changeSetName' is not one"
        raise invalid(message)
    kind = str(request.body.get("ChangeSetType") or "UPDATE")
    stack = request.find_stack()
    found = None if stack is None else _by_name(stack, name)
    if stack is not None and found is not None:
        token = request.body.get("ClientToken")
        if token is None or token != found.token:
            code = "AlreadyExistsException"
            message = f"ChangeSet {name} already exists"
            raise StackError(code, message)
        return {"Id": found.arn, "StackId": stack.stack_id}
    stack = _reviewed_stack(request, stack, kind)
    change_set = _made(request, stack, name, kind)
    stack.change_sets[change_set.arn] = change_set
    return {"Id": change_set.arn, "StackId": stack.stack_id}


def describe_change_set(request: Request) -> dict[str, Any]:
    """Answer DescribeChangeSet."""
    stack, change_set = required_change_set(request)
    shown = change_set_view(stack, change_set, with_values=request.is_set("IncludePropertyValues"))
    return {**shown, **page("Changes", shown["Changes"], request.body.get("NextToken"))}


def list_change_sets(request: Request) -> dict[str, Any]:
    """Answer ListChangeSets."""
    stack = request.stack()
    left_out = {"Changes", "Parameters", "Tags", "Capabilities", "NotificationARNs"}
    summaries = [
        {
            name: value
            for name, value in change_set_view(stack, one, with_values=False).items()
            if name not in left_out
        }
        for one in stack.change_sets.values()
    ]
    return page("Summaries", summaries, request.body.get("NextToken"))


def delete_change_set(request: Request) -> dict[str, Any]:
    """Answer DeleteChangeSet; an absent change set is no error."""
    try:
        stack, change_set = required_change_set(request)
    except StackError as error:
        if error.code == "ChangeSetNotFound":
            return {}
        raise
    del stack.change_sets[change_set.arn]
    return {}


def execute_change_set(request: Request) -> dict[str, Any]:
    """Answer ExecuteChangeSet; a repeated request starts nothing."""
    stack, change_set = required_change_set(request)
    token = request.token
    if token is not None and change_set.options.get("execution") == token:
        return {}
    if change_set.execution != "AVAILABLE":
        code = "InvalidChangeSetStatus"
        message = (
            f"ChangeSet [{change_set.arn}] cannot be executed in its current execution status of "
            f"[{change_set.execution}]"
        )
        raise StackError(code, message)
    keep_failed = request.is_set("DisableRollback")
    if stack.status != UNDER_REVIEW:
        require_updatable(stack, keep_failed=keep_failed)
        stack.updated = request.all_stacks.state.options.clock.now()
    else:
        stack.current = change_set.desired
    keep_options(request, stack)
    stack.options.update({"ChangeSetId": change_set.arn, **change_set.options})
    # The service deletes all others.
    stack.change_sets = {change_set.arn: change_set}
    change_set.options = {**change_set.options, "execution": token}
    change_set.execution = "EXECUTE_IN_PROGRESS"
    status = STATUSES.get(change_set.kind, "UPDATE_IN_PROGRESS")
    start(request, stack, status, lambda work: _carry_out(work, stack, change_set, keep_failed))
    return {}


def _carry_out(work: Deployment, stack: Stack, change_set: ChangeSet, keep_failed: bool) -> None:  # noqa: FBT001 -- passed by one caller
    """Carry out a change set."""
    on_failure = str(change_set.options.get("OnStackFailure") or "ROLLBACK")
    match change_set.kind:
        case "CREATE":
            work.create(change_set.desired, "DO_NOTHING" if keep_failed else on_failure)
        case "IMPORT":
            work.adopt(change_set.desired)
        case _:
            work.update(change_set.desired, keep_failed=keep_failed)
    is_done = stack.status in READY and "ROLLBACK" not in stack.status
    change_set.execution = "EXECUTE_COMPLETE" if is_done else "EXECUTE_FAILED"


def _reviewed_stack(request: Request, stack: Stack | None, kind: str) -> Stack:
    """Return the stack of a change set; a new one is under review from now on."""
    if kind == "UPDATE" or (kind == "IMPORT" and stack is not None):
        found = request.stack()
        if found.status != UNDER_REVIEW:
            require_updatable(found, keep_failed=True)
        return found
    if stack is None:
        stack = new_stack(request, UNDER_REVIEW)
        # A refused template leaves no stack behind.
        desired_state(request, stack)
        request.all_stacks.stacks.append(stack)
        Deployment(request.all_stacks, stack, request.dynamodb, None).become(
            UNDER_REVIEW, "User Initiated"
        )
        return stack
    if stack.status != UNDER_REVIEW:
        name = request.body.get("ChangeSetName")
        message = (
            f"Stack [{stack.name}] already exists and cannot be created again with the "
            f"changeSet [{name}]."
        )
        raise invalid(message)
    return stack


def _made(request: Request, stack: Stack, name: str, kind: str) -> ChangeSet:
    """Return a new change set; one that cannot be executed is FAILED with a reason."""
    all_stacks = request.all_stacks
    desired = desired_state(request, stack)
    fault = None
    if request.is_set("ImportExistingResources"):
        desired, fault = existing_resources(request, stack, desired)
    plan = plan_of(all_stacks, stack, desired, request.dynamodb)
    if kind == "IMPORT":
        fault = fault or import_fault(request, plan, desired)
    if fault is None and plan.is_empty:
        fault = NO_CHANGES
    body = request.body
    return ChangeSet(
        name=name,
        arn=all_stacks.arn(request.region, "changeSet", name),
        kind=kind,
        desired=desired,
        created=all_stacks.state.options.clock.now(),
        description=body.get("Description"),
        token=body.get("ClientToken"),
        status="CREATE_COMPLETE" if fault is None else "FAILED",
        status_reason=fault,
        execution="AVAILABLE" if fault is None else "UNAVAILABLE",
        changes=plan.changes if fault is None else (),
        options={one: body[one] for one in ECHOED if body.get(one)},
    )


def required_change_set(request: Request) -> tuple[Stack, ChangeSet]:
    """Return the named change set, by its ARN or within a stack, and the stack.

    Raises:
        StackError: it does not exist.
    """
    name = str(request.body.get("ChangeSetName"))
    if name.startswith("arn:"):
        for stack in request.all_stacks.stacks:
            if name in stack.change_sets:
                return stack, stack.change_sets[name]
    else:
        stack = request.stack()
        found = _by_name(stack, name)
        if found is not None:
            return stack, found
    code = "ChangeSetNotFound"
    message = f"ChangeSet [{name}] does not exist"
    raise StackError(code, message, 404)


def _by_name(stack: Stack, name: str) -> ChangeSet | None:
    """Return a stack's change set by name; an executed one is found by its ARN only."""
    for one in stack.change_sets.values():
        if one.name == name and not one.execution.startswith("EXECUTE_"):
            return one
    return None
