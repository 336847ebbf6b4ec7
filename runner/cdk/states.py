"""What a stack's status means for a deployment: start, wait, or repair it first."""

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
"""The statuses from which an update may start."""
DELETE_IT = "delete the stack and its remaining resources, or start from a stack that works"
CURES = {
    "CREATE_FAILED": DELETE_IT,
    "DELETE_FAILED": "finish its deletion, or retain its resources and delete the rest",
    "IMPORT_ROLLBACK_FAILED": "check its events in the console and undo the import",
    "REVIEW_IN_PROGRESS": "it has only a change set: delete it, or deploy it",
    "ROLLBACK_COMPLETE": DELETE_IT,
    "ROLLBACK_FAILED": DELETE_IT,
    "UPDATE_FAILED": "cdk rollback restores its previous state",
    "UPDATE_ROLLBACK_FAILED": (
        "cdk rollback or ContinueUpdateRollback restores its previous state; skip the resources "
        "that no longer exist"
    ),
}
"""How to repair a stack whose status does not change by itself."""


def readiness(status: str | None) -> Readiness:
    """Return what a status allows; ``None`` is a stack that does not exist."""
    if status is None:
        return "new"
    if status in READY:
        return "ready"
    if status.endswith("_IN_PROGRESS") and status not in CURES:
        return "working"
    return "stuck"


def require_at_rest(stack: str, status: str | None) -> None:
    """Require that a deployment may start; ``None`` is a stack that does not exist.

    Raises:
        Stopped: the stack is busy or stuck.
    """
    ready = readiness(status)
    if status is not None and ready not in {"ready", "new"}:
        message = f"the stack {stack} is {status}"
        hint = "wait until the operation has ended" if ready == "working" else cure(status)
        raise Stopped(message, hint)


def cure(status: str) -> str:
    """Return how to repair a stuck stack."""
    return CURES.get(status, "check its events in the console")
