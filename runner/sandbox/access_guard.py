"""Checks every DynamoDB request against the resource policies of its tables."""

import re
from collections.abc import Iterator
from typing import Any

from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.policy_rules import access_denied, denies
from retable.runner.sandbox.sandbox_state import State

TRANSACTION_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
"""The permissions that transactions need: those of their parts; "transaction-apis-iam"."""
STATEMENT = re.compile(
    r"^\s*(?:(?P<insert>INSERT\s+INTO)|(?P<update>UPDATE)|(?P<delete>DELETE\s+FROM)|SELECT\b.*?\bFROM)"
    r'\s+"?(?P<table>[A-Za-z0-9_.-]+)',
    re.IGNORECASE | re.DOTALL,
)
"""The start of a PartiQL statement; ``"table"."index"`` ends the name at the quote."""


def authorize(state: State, call: Call) -> None:
    """Authorize the request.

    Raises:
        ApiError: a policy in force denies one of its actions.
    """
    for action, name in requested(call):
        deny_reason = denied_arn(state, call, action, name)
        if deny_reason is not None:
            state.counters[f"denied:{call.access_key}"] += 1
            raise access_denied(call.principal, action, deny_reason)


def denied_arn(state: State, call: Call, action: str, name: str) -> str | None:
    """Return the ARN of the table ``name`` if ``action`` on it is denied."""
    table = state.find_table(call.region, name)
    if table is None:
        return None
    policy = state.extras(table).policy.in_force(state.now())
    return table.table_arn if denies(policy, call.principal, action, table.table_arn) else None


def requested(call: Call) -> Iterator[tuple[str, str]]:
    """Yield the actions of a request, each with its table's name or ARN."""
    body = call.body
    match call.operation:
        case "BatchWriteItem" | "BatchGetItem":
            for name in body.get("RequestItems", {}):
                yield f"dynamodb:{call.operation}", name
        case "TransactWriteItems" | "TransactGetItems":
            for entry in body.get("TransactItems", []):
                for kind, part in entry.items():
                    yield f"dynamodb:{TRANSACTION_ACTIONS[kind]}", part["TableName"]
        case "ExecuteStatement":
            yield from statement_action(body.get("Statement", ""))
        case "ExecuteTransaction":
            for entry in body.get("TransactStatements", []):
                yield from statement_action(entry["Statement"])
        case "BatchExecuteStatement":
            # Each statement is answered on its own; ``writes`` authorizes each.
            return
        case _:
            yield from _by_name(call.operation, body)


def statement_action(statement: str) -> Iterator[tuple[str, str]]:
    """Yield the action of a PartiQL statement, if it is recognized."""
    found = STATEMENT.match(statement)
    if found is None:
        return
    kinds = ("insert", "update", "delete")
    kind = next((kind for kind in kinds if found.group(kind)), "select")
    yield f"dynamodb:PartiQL{kind.capitalize()}", found.group("table")


def _by_name(operation: str, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the action of a request that names one table."""
    for member in ("TableName", "TableArn", "ResourceArn"):
        name = body.get(member)
        if isinstance(name, str):
            yield f"dynamodb:{operation}", name
            return
