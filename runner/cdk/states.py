"""What a stack's status means for a deployment: may one start, must one wait, what is the cure."""

from typing import Literal

from retable.runner.failure import Stopped

Readiness = Literal["ready", "working", "new", "stuck"]

READY = frozenset(
    [
        "CREATE_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
)
"""Where an update may start and nothing is half done."""
DELETE_IT = "delete the stack with what is left of it, or start from a stack that works"
CURES = {
    "CREATE_FAILED": DELETE_IT,
    "DELETE_FAILED": "finish its deletion, or keep its resources and delete the rest",
    "IMPORT_ROLLBACK_FAILED": "look at its events in the console and undo the import",
    "REVIEW_IN_PROGRESS": "it has a change set and nothing else: delete that, or deploy it",
    "ROLLBACK_COMPLETE": DELETE_IT,
    "ROLLBACK_FAILED": DELETE_IT,
    "UPDATE_FAILED": "cdk rollback takes it back to where it was",
    "UPDATE_ROLLBACK_FAILED": (
        "cdk rollback or ContinueUpdateRollback takes it back to where it was; resources that are "
        "gone are named to be skipped"
    ),
}
"""What helps where nothing happens by itself any more."""


def readiness(status: str | None) -> Readiness:
    """Return what a status allows; ``None`` is a stack that is not there."""
    if status is None:
        return "new"
    if status in READY:
        return "ready"
    if status.endswith("_IN_PROGRESS") and status not in CURES:
        return "working"
    return "stuck"


def require_at_rest(stack: str, status: str | None) -> None:
    """Go on only where a deployment may start; ``None`` is a stack that is not there.

    Raises:
        Stopped: the stack is busy or stuck.
    """
    ready = readiness(status)
    if status is not None and ready not in {"ready", "new"}:
        message = f"the stack {stack} is {status}"
        hint = "wait until it is at rest" if ready == "working" else cure(status)
        raise Stopped(message, hint)


def cure(status: str) -> str:
    """Return what helps a stack that is stuck."""
    return CURES.get(status, "look at its events in the console")
