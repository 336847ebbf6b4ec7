"""Writes of single items, and PartiQL: checked by DynamoDB's rules, then done here or by moto.

Requests with expressions (conditions, updates, transactions, statements) go to moto, with the
input normalized before and the result checked after. Batches are in ``batch``.
"""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moto.dynamodb.models.table import Table

from retable.runner.sandbox.access_guard import denied_arn, statement_action
from retable.runner.sandbox.call import TARGET_PREFIX, Call
from retable.runner.sandbox.dynamodb.api_error import ApiError, MotoError, invalid
from retable.runner.sandbox.dynamodb.attribute_values import (
    stored_attributes,
    stored_item,
    stored_value,
)
from retable.runner.sandbox.dynamodb.capacity import Units
from retable.runner.sandbox.dynamodb.key_shape import Shape, check_key, check_put, key_of, shape_of
from retable.runner.sandbox.dynamodb.stored_items import StoredItem, Typed, find, remove, store
from retable.runner.sandbox.sandbox_state import State

MAX_TRANSACTION_ITEMS = 100
CONDITIONS = ("ConditionExpression", "Expected", "ConditionalOperator")
VALUES = "ExpressionAttributeValues"


def put_item(state: State, call: Call) -> dict[str, Any]:
    """Answer PutItem."""
    item, size = stored_item(call.body.get("Item"))
    table = state.data_table(call.region, call.table_name)
    shape = shape_of(table)
    check_put(item, shape, in_batch=False)
    old = _snapshot(table, item)
    answer = {}
    if _is_plain(call.body):
        store(table, item, size)
    else:
        answer = state.forward(call, _with_values({**call.body, "Item": item}))
    return _finished(answer, call, shape, old, find(table, item))


def delete_item(state: State, call: Call) -> dict[str, Any]:
    """Answer DeleteItem."""
    key, _ = stored_attributes(call.body.get("Key"))
    table = state.data_table(call.region, call.table_name)
    shape = shape_of(table)
    check_key(key, shape)
    old = _snapshot(table, key)
    answer = {}
    if _is_plain(call.body):
        remove(table, key)
    else:
        answer = state.forward(call, _with_values({**call.body, "Key": key}))
    return _finished(answer, call, shape, old, None)


def update_item(state: State, call: Call) -> dict[str, Any]:
    """Answer UpdateItem: moto updates; the item is restored if the result breaks a rule."""
    key, _ = stored_attributes(call.body.get("Key"))
    table = state.data_table(call.region, call.table_name)
    shape = shape_of(table)
    check_key(key, shape)
    old = _snapshot(table, key)
    body = _with_values({**call.body, "Key": key})
    answer = {}
    if any(name in body for name in ("UpdateExpression", "AttributeUpdates")):
        answer = _guarded(state, call, body, [(table, key)])
    elif old is None and _is_plain(body):
        # An update without changes creates an item with only its key.
        store(table, key)
    return _finished(answer, call, shape, old, find(table, key))


def transact_write_items(state: State, call: Call) -> dict[str, Any]:
    """Answer TransactWriteItems."""
    entries = call.body.get("TransactItems", [])
    if len(entries) > MAX_TRANSACTION_ITEMS:
        message = (
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
            "Member must have length less than or equal to 100"
        )
        raise invalid(message)
    touched = []
    stored = []
    for entry in entries:
        kind, part = next(iter(entry.items()))
        table = state.data_table(call.region, part["TableName"])
        shape = shape_of(table)
        part, key = _transaction_part(kind, part, shape)
        touched.append((table, key))
        stored.append({kind: part})
    return _guarded(state, call, {**call.body, "TransactItems": stored}, touched)


def execute_statement(state: State, call: Call) -> dict[str, Any]:
    """Answer ExecuteStatement; its item is checked where moto creates it."""
    return state.forward(call, _with_parameters(call.body))


def execute_transaction(state: State, call: Call) -> dict[str, Any]:
    """Answer ExecuteTransaction."""
    statements = [_with_parameters(entry) for entry in call.body.get("TransactStatements", [])]
    return state.forward(call, {**call.body, "TransactStatements": statements})


def batch_execute_statement(state: State, call: Call) -> dict[str, Any]:
    """Answer BatchExecuteStatement: each statement on its own, an error for a denied one."""
    responses = []
    for entry in call.body.get("Statements", []):
        denied = any(
            denied_arn(state, call, action, name)
            for action, name in statement_action(entry["Statement"])
        )
        if denied:
            state.counters[f"denied:{call.access_key}"] += 1
            message = "User is not authorized with an explicit deny in a resource-based policy"
            responses.append({"Error": {"Code": "AccessDenied", "Message": message}})
            continue
        responses.append(_one_statement(state, call, entry))
    return {"Responses": responses}


def _one_statement(state: State, call: Call, entry: dict[str, Any]) -> dict[str, Any]:
    """Return the response to one statement of a batch."""
    target = {"HTTP_X_AMZ_TARGET": f"{TARGET_PREFIX}ExecuteStatement"}
    single = replace(call, environ={**call.environ, **target}, body=_with_parameters(entry))
    try:
        items = state.forward(single)["Items"]
    except ApiError as error:
        code = error.code.removesuffix("Exception")
        return {"Error": {"Code": code, "Message": error.message}}
    except MotoError:
        return {"Error": {"Code": "ValidationError", "Message": "the statement was refused"}}
    return {"Item": items[0]} if items else {}


def _guarded(
    state: State, call: Call, body: Mapping[str, Any], touched: list[tuple[Table, Typed]]
) -> dict[str, Any]:
    """Let moto write, then check the items it changed; restore all if any is refused."""
    before = [_snapshot(table, key) for table, key in touched]
    try:
        answer = state.forward(call, body)
        for table, key in touched:
            _settle(table, key)
    except (ApiError, MotoError):
        for (table, key), old in zip(touched, before, strict=True):
            if old is None:
                remove(table, key)
            else:
                store(table, old.typed)
        raise
    return answer


def _settle(table: Table, key: Typed) -> None:
    """Check an item that moto has written, and normalize it."""
    written = find(table, key)
    if written is None:
        return
    try:
        item, size = stored_item(written.typed)
    except ApiError as error:
        if error.message.startswith("Item size"):
            message = "Item size to update has exceeded the maximum allowed size"
            raise invalid(message) from error
        raise
    check_put(item, shape_of(table), in_batch=False)
    store(table, item, size)


def _transaction_part(kind: str, part: Typed, shape: Shape) -> tuple[Typed, Typed]:
    """Return one part of a transaction in stored form, and the key that it writes."""
    if kind == "Put":
        item, _ = stored_item(part.get("Item"))
        check_put(item, shape, in_batch=False)
        return _with_values({**part, "Item": item}), key_of(item, shape)
    key, _ = stored_attributes(part.get("Key"))
    check_key(key, shape)
    return _with_values({**part, "Key": key}), key


def _is_plain(body: Mapping[str, Any]) -> bool:
    """Return whether a write has no condition and no return values."""
    return body.get("ReturnValues", "NONE") == "NONE" and not any(
        name in body for name in CONDITIONS
    )


def _snapshot(table: Table, key: Typed) -> StoredItem | None:
    """Return a copy of the item with the key in ``key``; moto changes items in place."""
    return copy.deepcopy(find(table, key))


def _with_values(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body whose expression values are checked and in stored form."""
    values = body.get(VALUES)
    if not values:
        return body
    return {**body, VALUES: {name: stored_value(value)[0] for name, value in values.items()}}


def _with_parameters(body: dict[str, Any]) -> dict[str, Any]:
    """Return a statement whose parameters are checked and in stored form."""
    if "Parameters" not in body:
        return body
    return {**body, "Parameters": [stored_value(value)[0] for value in body["Parameters"]]}


def _finished(
    answer: dict[str, Any],
    call: Call,
    shape: Shape,
    old: StoredItem | None,
    new: StoredItem | None,
) -> dict[str, Any]:
    """Return an answer with the real capacity and values, if requested.

    moto encodes binary twice in the attributes it returns, so they are taken from the item.
    """
    shown = old if call.body.get("ReturnValues", "").endswith("_OLD") else new
    if "Attributes" in answer and shown is not None:
        requested = answer["Attributes"]
        answer["Attributes"] = {
            name: value for name, value in shown.typed.items() if name in requested
        }
    detail = call.body.get("ReturnConsumedCapacity", "NONE")
    answer.pop("ConsumedCapacity", None)
    if detail != "NONE":
        units = Units()
        units.add_write(shape, old, new)
        answer["ConsumedCapacity"] = units.report(shape.name, detail)
    return answer
