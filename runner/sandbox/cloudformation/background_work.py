"""Starts work on a stack in a thread, as the service continues after its answer."""

import logging
import threading
from collections.abc import Callable

from retable.runner.sandbox.cloudformation.all_stacks import AllStacks
from retable.runner.sandbox.cloudformation.dynamodb_calls import SandboxStopped
from retable.runner.sandbox.cloudformation.request import Request
from retable.runner.sandbox.cloudformation.stack import Stack
from retable.runner.sandbox.cloudformation.update import Deployment

LOGGER = logging.getLogger(__name__)
INSTANT_SECONDS = 30.0
"""How long an answer waits for work that takes no time; bounds only a bug of ours."""
FAILED = {
    "CREATE": "CREATE_FAILED",
    "UPDATE": "UPDATE_FAILED",
    "ROLLBACK": "ROLLBACK_FAILED",
    "UPDATE_ROLLBACK": "UPDATE_ROLLBACK_FAILED",
    "DELETE": "DELETE_FAILED",
    "IMPORT": "IMPORT_ROLLBACK_FAILED",
}


def start(request: Request, stack: Stack, status: str, work: Callable[[Deployment], None]) -> None:
    """Put the stack into ``status`` and do ``work`` on it.

    Without configured delays, the work is done when this returns, so that no client has to poll.
    """
    all_stacks = request.all_stacks
    deployment = Deployment(all_stacks, stack, request.dynamodb, request.token)
    for change_set in stack.change_sets.values():
        if change_set.execution == "AVAILABLE":
            # It was created for a stack that is deleted.
            change_set.execution = "OBSOLETE"
    deployment.become(status, "User Initiated")
    thread = threading.Thread(target=_run, args=(all_stacks, stack, deployment, work), daemon=True)
    all_stacks.threads.append(thread)
    thread.start()
    options = all_stacks.state.options
    takes = (
        options.resource_seconds,
        options.creating_seconds,
        options.updating_seconds,
        options.deleting_seconds,
    )
    if not any(takes):
        thread.join(INSTANT_SECONDS)


def _run(
    all_stacks: AllStacks, stack: Stack, deployment: Deployment, work: Callable[[Deployment], None]
) -> None:
    """Do the work; a bug of the sandbox ends it as a visible failure."""
    try:
        work(deployment)
    except SandboxStopped:
        return
    except Exception as error:
        LOGGER.exception("the sandbox failed to deploy")
        all_stacks.state.counters["internal_errors"] += 1
        stem = stack.status.removesuffix("_IN_PROGRESS").removesuffix("_COMPLETE_CLEANUP")
        deployment.become(FAILED.get(stem, "UPDATE_FAILED"), f"Internal Failure: {error!r}")
