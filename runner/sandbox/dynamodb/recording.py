"""Records what requests change, whether we or moto carry them out.

Items are compared before and after a request. The items of a PartiQL statement are not known
without running it, so its whole table is compared.
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
from moto.dynamodb.models.table import Table

from retable.runner.sandbox.access_guard import requested, statement_action
from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.api_error import ApiError
from retable.runner.sandbox.dynamodb.attribute_values import stored_attributes
from retable.runner.sandbox.dynamodb.changelog import Change, ChangeLog, Typed
from retable.runner.sandbox.dynamodb.key_shape import key_of, shape_of
from retable.runner.sandbox.dynamodb.stored_items import find, items_of, typed_of
from retable.runner.sandbox.sandbox_state import State

Operation = Callable[[State, Call], dict[str, Any]]
PARTIQL = frozenset({"BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction"})


def recorded(state: State, call: Call, operation: Operation) -> dict[str, Any]:
    """Carry ``operation`` out and record what it changed in tables that keep a log."""
    watched = list(_watched(state, call))
    before = [(table, key, _image(table, key)) for table, key in watched]
    answer = operation(state, call)
    for table, key, old in before:
        record(state, table, key, old, _image(table, key))
    # An item that a statement has added did not exist before.
    seen = {(id(table), _name(key)) for table, key in watched}
    if call.operation in PARTIQL:
        for table, key in _watched(state, call):
            if (id(table), _name(key)) not in seen:
                record(state, table, key, None, _image(table, key))
    return answer


def record(state: State, table: Table, key: Typed, old: Typed | None, new: Typed | None) -> None:
    """Record a change, if it is one and the table keeps a log."""
    log = state.extras(table).log
    if log is not None and old != new:
        log.changes.append(Change(state.options.clock.now(), key, old, new))


def update_continuous_backups(state: State, call: Call) -> dict[str, Any]:
    """Answer UpdateContinuousBackups: a log begins and ends with point-in-time recovery."""
    answer = state.forward(call)
    table = state.find_table(call.region, call.table_name)
    if table is not None:
        extras = state.extras(table)
        recovery = table.continuous_backups["PointInTimeRecoveryDescription"]
        is_on = recovery["PointInTimeRecoveryStatus"] == "ENABLED"
        if not is_on:
            extras.log = None
        elif extras.log is None:
            extras.log = ChangeLog(state.options.clock.now())
    return answer


def _watched(state: State, call: Call) -> Iterator[tuple[Table, dict[str, Any]]]:
    """Yield what a request may change in tables that keep a log: the table and the item's key."""
    if call.operation in PARTIQL:
        for name in set(_statement_tables(call)):
            table = _logged(state, call, name)
            if table is not None:
                shape = shape_of(table)
                yield from ((table, key_of(typed_of(item), shape)) for item in items_of(table))
        return
    for name, item in _written(call):
        table = _logged(state, call, name)
        if table is not None:
            names = [part.name for part in shape_of(table).key]
            try:
                key, _ = stored_attributes({name: item[name] for name in names})
            except (ApiError, KeyError, TypeError):
                # The operation itself will refuse it, with its own message.
                continue
            yield table, key


def _statement_tables(call: Call) -> Iterator[str]:
    """Yield the tables that PartiQL statements name."""
    if call.operation == "BatchExecuteStatement":
        for entry in call.body.get("Statements", []):
            yield from (name for _, name in statement_action(entry.get("Statement", "")))
    else:
        yield from (name for _, name in requested(call))


def _written(call: Call) -> Iterator[tuple[str, Any]]:
    """Yield the table's name and the item or key of each write in a request."""
    body = call.body
    match call.operation:
        case "PutItem":
            yield call.table_name, body.get("Item")
        case "UpdateItem" | "DeleteItem":
            yield call.table_name, body.get("Key")
        case "BatchWriteItem":
            for name, requests in (body.get("RequestItems") or {}).items():
                for request in requests:
                    for part in request.values():
                        yield name, part.get("Item") or part.get("Key")
        case "TransactWriteItems":
            for entry in body.get("TransactItems", []):
                for part in entry.values():
                    yield part["TableName"], part.get("Item") or part.get("Key")
        case _:
            return


def _logged(state: State, call: Call, name: str) -> Table | None:
    """Return the table called ``name``, if it keeps a log."""
    table = state.find_table(call.region, name)
    return table if table is not None and state.extras(table).log is not None else None


def _image(table: Table, key: dict[str, Any]) -> Typed | None:
    """Return the current item."""
    found = find(table, key)
    return None if found is None else found.typed


def _name(key: Typed) -> bytes:
    return orjson.dumps(key, option=orjson.OPT_SORT_KEYS)
