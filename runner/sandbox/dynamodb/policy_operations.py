"""PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy, with revisions."""

from typing import Any

from moto.dynamodb.models.table import Table

from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.api_error import ApiError, invalid
from retable.runner.sandbox.dynamodb.policy_rules import (
    NO_POLICY,
    PolicyHistory,
    check_policy,
    denies,
)
from retable.runner.sandbox.dynamodb.table_operations import new_revision, require_table
from retable.runner.sandbox.sandbox_state import State

SELF_ACCESS_ACTIONS = ("PutResourcePolicy", "DeleteResourcePolicy", "GetResourcePolicy")
"""Actions that a caller may not deny itself without a confirmation."""


def put_resource_policy(state: State, call: Call) -> dict[str, Any]:
    """Answer PutResourcePolicy; an equal policy changes nothing."""
    table, history = _history(state, call)
    text = call.body.get("Policy", "")
    expected = call.body.get("ExpectedRevisionId")
    policy = check_policy(text, table.table_arn)
    if expected is not None:
        _check_revision(history, expected)
    if not call.body.get("ConfirmRemoveSelfResourceAccess"):
        for action in SELF_ACCESS_ACTIONS:
            if denies(policy, call.principal, f"dynamodb:{action}", table.table_arn):
                message = (
                    "The new policy would not allow you to update the policy in the future; "
                    "confirm with ConfirmRemoveSelfResourceAccess"
                )
                raise invalid(message)
    if history.text != text:
        history.put(text, new_revision(state), state.now() + _delay(state))
    return {"RevisionId": history.revision}


def get_resource_policy(state: State, call: Call) -> dict[str, Any]:
    """Answer GetResourcePolicy: returns a policy at once, also before it is in force."""
    _, history = _history(state, call)
    if history.text is None:
        raise _no_policy(call)
    return {"Policy": history.text, "RevisionId": history.revision}


def delete_resource_policy(state: State, call: Call) -> dict[str, Any]:
    """Answer DeleteResourcePolicy; does nothing without a policy."""
    _, history = _history(state, call)
    expected = call.body.get("ExpectedRevisionId")
    if expected is not None:
        _check_revision(history, expected)
    if history.text is None:
        return {}
    revision = history.revision
    history.put(None, None, state.now() + _delay(state))
    return {"RevisionId": revision}


def _history(state: State, call: Call) -> tuple[Table, PolicyHistory]:
    """Return the table that a policy request names, and its policy."""
    table = require_table(state, call, str(call.body.get("ResourceArn")))
    return table, state.extras(table).policy


def _delay(state: State) -> float:
    """Return how long a policy takes to be in force."""
    injected = state.faults.policy_delay_seconds
    return state.options.policy_delay_seconds if injected is None else injected


def _check_revision(history: PolicyHistory, expected: str) -> None:
    """Refuse a change if the revision is not the expected one."""
    if (history.revision or NO_POLICY) != expected:
        message = (
            "Resource-based policy not found for the provided ResourceArn: "
            f"the expected revision id {expected} is not the current one"
        )
        code = "PolicyNotFoundException"
        raise ApiError(code, message)


def _no_policy(call: Call) -> ApiError:
    """Return the error for a table without a policy."""
    arn = call.body.get("ResourceArn")
    message = f"Resource-based policy not found for the provided ResourceArn: {arn}"
    return ApiError("PolicyNotFoundException", message)
