"""Operations on stacks: which are allowed in which status, and their answers.

``update`` does the work itself; change sets are in ``change_sets``.
"""

from typing import Any

from retable.runner.sandbox.cloudformation.background_work import start
from retable.runner.sandbox.cloudformation.planned_changes import plan_of
from retable.runner.sandbox.cloudformation.request import Request, desired_state
from retable.runner.sandbox.cloudformation.stack import READY, Stack
from retable.runner.sandbox.cloudformation.wire import StackError, invalid

NO_UPDATES = "No updates are to be performed."
KEPT_OPTIONS = ("Capabilities", "NotificationARNs", "RoleARN")
"""Request members that DescribeStacks returns."""


def create_stack(request: Request) -> dict[str, Any]:
    """Answer CreateStack."""
    found = request.find_stack()
    if found is not None:
        if _is_repeated(request, found):
            return {"StackId": found.stack_id}
        code = "AlreadyExistsException"
        message = f"Stack [{found.name}] already exists"
        raise StackError(code, message)
    stack = new_stack(request, "CREATE_IN_PROGRESS")
    desired = desired_state(request, stack)
    request.all_stacks.stacks.append(stack)
    stack.current = desired
    on_failure = str(request.body.get("OnFailure") or "ROLLBACK")
    if request.is_set("DisableRollback"):
        on_failure = "DO_NOTHING"
    keep_options(request, stack)
    start(request, stack, stack.status, lambda work: work.create(desired, on_failure))
    return {"StackId": stack.stack_id}


def update_stack(request: Request) -> dict[str, Any]:
    """Answer UpdateStack."""
    stack = request.stack()
    if _is_repeated(request, stack):
        return {"StackId": stack.stack_id}
    keep_failed = request.is_set("DisableRollback")
    require_updatable(stack, keep_failed=keep_failed)
    desired = desired_state(request, stack)
    if plan_of(request.all_stacks, stack, desired, request.dynamodb).is_empty:
        raise invalid(NO_UPDATES)
    keep_options(request, stack)
    stack.updated = request.all_stacks.state.options.clock.now()
    start(
        request,
        stack,
        "UPDATE_IN_PROGRESS",
        lambda work: work.update(desired, keep_failed=keep_failed),
    )
    return {"StackId": stack.stack_id}


def delete_stack(request: Request) -> None:
    """Answer DeleteStack; an absent stack is no error."""
    stack = request.find_stack()
    if stack is None or stack.is_deleted or stack.status == "DELETE_IN_PROGRESS":
        return
    if stack.options.get("EnableTerminationProtection"):
        message = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        raise invalid(message)
    if stack.is_busy:
        raise _busy(stack, "deleted")
    for output in stack.outputs:
        users = request.all_stacks.importers(stack.region, output.export) if output.export else []
        if users:
            message = (
                f"Cannot delete export {output.export} as it is in use by {' and '.join(users)}."
            )
            raise invalid(message)
    retained = frozenset(str(name) for name in request.listed("RetainResources"))
    start(request, stack, "DELETE_IN_PROGRESS", lambda work: work.delete(retained))


def rollback_stack(request: Request) -> dict[str, Any]:
    """Answer RollbackStack: roll back a failure that was kept."""
    stack = request.stack()
    if stack.status == "CREATE_FAILED":
        start(request, stack, "ROLLBACK_IN_PROGRESS", lambda work: work.roll_back_creation())
    elif stack.status == "UPDATE_FAILED":
        status = "UPDATE_ROLLBACK_IN_PROGRESS"
        start(request, stack, status, lambda work: work.roll_back(frozenset()))
    else:
        raise _busy(stack, "rolled back")
    return {"StackId": stack.stack_id}


def continue_update_rollback(request: Request) -> dict[str, Any]:
    """Answer ContinueUpdateRollback."""
    stack = request.stack()
    if stack.status != "UPDATE_ROLLBACK_FAILED":
        raise _busy(stack, "continued")
    skipped = frozenset(str(name) for name in request.listed("ResourcesToSkip"))
    status = "UPDATE_ROLLBACK_IN_PROGRESS"
    start(request, stack, status, lambda work: work.roll_back(skipped))
    return {}


def update_termination_protection(request: Request) -> dict[str, Any]:
    """Answer UpdateTerminationProtection."""
    stack = request.stack()
    name = "EnableTerminationProtection"
    stack.options[name] = request.is_set(name)
    return {"StackId": stack.stack_id}


def new_stack(request: Request, status: str) -> Stack:
    """Return a stack that does not exist yet."""
    name = request.stack_name
    if name.startswith("arn:"):
        message = f"Stack [{name}] does not exist"
        raise invalid(message)
    all_stacks = request.all_stacks
    stack = Stack(
        stack_id=all_stacks.arn(request.region, "stack", name),
        name=name,
        region=request.region,
        created=all_stacks.state.options.clock.now(),
        status=status,
    )
    if request.is_set("EnableTerminationProtection"):
        stack.options["EnableTerminationProtection"] = True
    return stack


def keep_options(request: Request, stack: Stack) -> None:
    """Keep the members that answers return, and the token that identifies a repeated request."""
    for name in KEPT_OPTIONS:
        if request.body.get(name):
            stack.options[name] = request.body[name]
    stack.options["DisableRollback"] = request.is_set("DisableRollback")
    stack.options["token"] = (request.action, request.token)


def require_updatable(stack: Stack, *, keep_failed: bool) -> None:
    """Refuse to update a stack whose status does not allow it.

    Raises:
        StackError: its status does not allow it.
    """
    failed = {"CREATE_FAILED", "UPDATE_FAILED"} if keep_failed else set()
    if stack.status not in READY | failed:
        raise _busy(stack, "updated")


def _is_repeated(request: Request, stack: Stack) -> bool:
    """Return whether this request was already answered."""
    token = request.token
    return token is not None and stack.options.get("token") == (request.action, token)


def _busy(stack: Stack, verb: str) -> StackError:
    message = f"Stack:{stack.stack_id} is in {stack.status} state and can not be {verb}."
    return invalid(message)
