"""Injected faults: which request fails now. What the faults are is in options."""

from dataclasses import replace
from typing import Any

from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.api_error import ApiError
from retable.runner.sandbox.sandbox_state import State

WRITES = frozenset(
    {
        "BatchWriteItem",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "TransactWriteItems",
        "ExecuteStatement",
        "BatchExecuteStatement",
        "ExecuteTransaction",
    }
)
READS = frozenset({"Scan", "Query", "GetItem", "BatchGetItem", "TransactGetItems"})


def fail_before(state: State, call: Call) -> None:
    """Fail a request that is not to be carried out.

    Raises:
        ApiError: a fault strikes.
    """
    _fail_by_name(state, call)
    if call.operation in WRITES and _strikes(state, "throttle"):
        raise _throttled(state, call, "Write")
    if call.operation in READS and _strikes(state, "throttle_reads"):
        raise _throttled(state, call, "Read")


def draw_500(state: State, call: Call) -> bool | None:
    """Return whether a write answers InternalServerError, and if so whether it takes effect.

    ``None`` is no fault, ``True`` an error after the write was done, ``False`` one instead of it.
    """
    if call.operation not in WRITES or state.faults.fail_500 <= 0:
        return None
    state.faults = replace(state.faults, fail_500=state.faults.fail_500 - 1)
    state.counters["injected_500"] += 1
    return state.random.random() < 0.5  # noqa: PLR2004 -- one half


def internal_error() -> ApiError:
    """Return InternalServerError."""
    return ApiError("InternalServerError", "The request could not be completed, try again")


def draw_unprocessed(
    state: State, call: Call, requests: list[tuple[str, dict[str, Any]]]
) -> list[bool]:
    """Return for each write of a batch whether it comes back unprocessed.

    Raises:
        ApiError: all would; then the whole batch is throttled, as the service does.
    """
    share = state.faults.unprocessed
    struck = [share > 0 and state.random.random() < share for _ in requests]
    if struck and all(struck):
        raise _throttled(state, call, "Write")
    state.counters["unprocessed"] += sum(struck)
    return struck


def stack_failure(state: State, resource: str, action: str) -> str | None:
    """Return why a stack is to fail now with a resource, if it is to."""
    for failure in state.faults.stack_failures:
        if (failure.resource, failure.action) != (resource, action) or failure.times == 0:
            continue
        strikes = failure.passes == 0
        rest = replace(
            failure, times=failure.times - strikes, passes=failure.passes - (not strikes)
        )
        failures = tuple(rest if one is failure else one for one in state.faults.stack_failures)
        state.faults = replace(state.faults, stack_failures=failures)
        return failure.reason if strikes else None
    return None


def _fail_by_name(state: State, call: Call) -> None:
    """Answer an error that was asked for by operation."""
    for error in state.faults.errors:
        if error.operation == call.operation and error.times > 0:
            rest = replace(error, times=error.times - 1)
            errors = tuple(rest if one is error else one for one in state.faults.errors)
            state.faults = replace(state.faults, errors=errors)
            raise ApiError(error.code, error.message)


def _strikes(state: State, name: str) -> bool:
    """Return whether a fault given as a share or as a number of requests strikes now."""
    amount: float = getattr(state.faults, name)
    if amount >= 1:
        changes: dict[str, Any] = {name: amount - 1}
        state.faults = replace(state.faults, **changes)
        return True
    return amount > 0 and state.random.random() < amount


def _throttled(state: State, call: Call, kind: str) -> ApiError:
    """Return ProvisionedThroughputExceededException with its reasons."""
    state.counters["throttled"] += 1
    name = call.body.get("TableName") or next(iter(call.body.get("RequestItems", {})), "")
    table = state.find_table(call.region, name) if name else None
    reasons = [
        {
            "reason": f"Table{kind}ProvisionedThroughputExceeded",
            "resource": table.table_arn if table else name,
        }
    ]
    message = (
        "The level of configured provisioned throughput for the table was exceeded. "
        "Consider increasing your provisioning level with the UpdateTable API."
    )
    code = "ProvisionedThroughputExceededException"
    return ApiError(code, message, {"ThrottlingReasons": reasons})
