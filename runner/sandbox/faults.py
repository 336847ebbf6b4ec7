"""Injected faults: which request fails now. The faults are declared in ``sandbox_options``."""

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
    """Fail a request before it is carried out.

    Raises:
        ApiError: a fault applies.
    """
    _fail_by_name(state, call)
    if call.operation in WRITES and _applies(state, "throttle"):
        raise _throttled(state, call, "Write")
    if call.operation in READS and _applies(state, "throttle_reads"):
        raise _throttled(state, call, "Read")


def draw_500(state: State, call: Call) -> bool | None:
    """Return whether a write answers InternalServerError, and if so whether it takes effect.

    ``None`` is no fault, ``True`` an error after the write, ``False`` one instead of the write.
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
    """Return for each write of a batch whether it is returned unprocessed.

    Raises:
        ApiError: all would be; then the whole batch is throttled, as the service does.
    """
    share = state.faults.unprocessed
    unprocessed = [share > 0 and state.random.random() < share for _ in requests]
    if unprocessed and all(unprocessed):
        raise _throttled(state, call, "Write")
    state.counters["unprocessed"] += sum(unprocessed)
    return unprocessed


def stack_failure(state: State, resource: str, action: str) -> str | None:
    """Return why a resource of a stack must fail now, if it must."""
    for failure in state.faults.stack_failures:
        if (failure.resource, failure.action) != (resource, action) or failure.times == 0:
            continue
        applies = failure.passes == 0
        rest = replace(
            failure, times=failure.times - applies, passes=failure.passes - (not applies)
        )
        failures = tuple(rest if one is failure else one for one in state.faults.stack_failures)
        state.faults = replace(state.faults, stack_failures=failures)
        return failure.reason if applies else None
    return None


def _fail_by_name(state: State, call: Call) -> None:
    """Answer an error that is injected by operation."""
    for error in state.faults.errors:
        if error.operation == call.operation and error.times > 0:
            rest = replace(error, times=error.times - 1)
            errors = tuple(rest if one is error else one for one in state.faults.errors)
            state.faults = replace(state.faults, errors=errors)
            raise ApiError(error.code, error.message)


def _applies(state: State, name: str) -> bool:
    """Return whether a fault, given as a share or as a number of requests, applies now."""
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
