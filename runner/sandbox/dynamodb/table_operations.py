"""Operations on tables: moto's answers, with the statuses, TableId and errors that they lack."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from moto.dynamodb.models.table import Table

from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.api_error import ApiError, invalid, invalid_values, no_table
from retable.runner.sandbox.dynamodb.attribute_values import item_bytes
from retable.runner.sandbox.dynamodb.policy_rules import check_policy
from retable.runner.sandbox.dynamodb.stored_items import items_of, partitions_of, typed_of
from retable.runner.sandbox.sandbox_options import ACCOUNT
from retable.runner.sandbox.sandbox_state import Extras, State

SIZE_SAMPLE = 1000
"""The number of items from which a table's size is estimated."""
MAX_LOCAL_INDEXES = 5
MAX_GLOBAL_INDEXES = 20
MAX_INDEX_KEY_PARTS = 4
"""Attributes on each side of a global index's key; CreateTable in the API reference."""


def create_table(state: State, call: Call) -> dict[str, Any]:
    """Answer CreateTable."""
    body = dict(call.body)
    name = call.table_name
    if state.find_table(call.region, name) is not None:
        message = f"Table already exists: {name}"
        raise _in_use(message)
    _check_key_schema(body)
    policy = body.pop("ResourcePolicy", None)
    if policy is not None:
        check_policy(policy, f"arn:aws:dynamodb:{call.region}:{ACCOUNT}:table/{name}")
    answer = state.forward(call, body)
    table = state.moto.dynamodb(call.region).tables[name]
    partitions_of(table)
    extras = state.extras(table)
    _keep_shown(extras, body)
    if policy is not None:
        # A policy in CreateTable is in force at once; "rbac-considerations".
        extras.policy.put(policy, new_revision(state), state.now())
    state.pass_through(table, "CREATING", state.options.creating_seconds)
    return {"TableDescription": _described(state, table, answer["TableDescription"], "CREATING")}


def restore_table(state: State, call: Call) -> dict[str, Any]:
    """Answer RestoreTableFromBackup: a new table with the items of the one that was backed up.

    Its tags, policy, stream, time to live and protection are not restored, as AWS documents.
    """
    arn, name = str(call.body.get("BackupArn")), str(call.body.get("TargetTableName"))
    if state.backups_ready.get(arn, 0.0) > state.now():
        message = "Backup is being created"
        code = "BackupInUseException"
        raise ApiError(code, message)
    if state.find_table(call.region, name) is not None:
        message = f"Table already exists: {name}"
        code = "TableAlreadyExistsException"
        raise ApiError(code, message)
    answer = state.forward(call)
    backend = state.moto.dynamodb(call.region)
    table, saved = backend.tables[name], backend.backups[arn].table
    partitions_of(table)
    # moto leaves both behind.
    table.billing_mode, table.sse_specification = saved.billing_mode, saved.sse_specification
    state.pass_through(table, "CREATING", state.options.creating_seconds)
    return {"TableDescription": _described(state, table, answer["TableDescription"], "CREATING")}


def describe_table(state: State, call: Call) -> dict[str, Any]:
    """Answer DescribeTable."""
    table = require_table(state, call, call.table_name)
    answer = state.forward(call)
    description = _described(state, table, answer["Table"], state.status(table))
    description["TableSizeBytes"] = _size_estimate(table, description["ItemCount"])
    return {"Table": description}


def update_table(state: State, call: Call) -> dict[str, Any]:
    """Answer UpdateTable."""
    table = require_table(state, call, call.table_name)
    _require_active(state, table, "update")
    answer = state.forward(call)
    _keep_shown(state.extras(table), call.body)
    if (call.body.get("StreamSpecification") or {}).get("StreamEnabled") is False:
        # moto treats a disabled stream as enabled, and refuses the next one.
        table.latest_stream_label = None
    if "SSESpecification" in call.body:
        _encrypt(table, call.body["SSESpecification"])
    state.pass_through(table, "UPDATING", state.options.updating_seconds)
    return {"TableDescription": _described(state, table, answer["TableDescription"], "UPDATING")}


def delete_table(state: State, call: Call) -> dict[str, Any]:
    """Answer DeleteTable: refused while protected, changing, or being backed up."""
    table = require_table(state, call, call.table_name)
    if state.status(table) == "DELETING":
        answer = {"TableDescription": table.describe()["TableDescription"]}
        return {"TableDescription": _plain(state, table, answer["TableDescription"], "DELETING")}
    _require_active(state, table, "delete")
    if table.deletion_protection_enabled:
        message = (
            f"Resource cannot be deleted as it is currently protected against deletion. "
            f"Disable deletion protection first. Table: {table.name}"
        )
        raise invalid(message)
    if state.is_being_backed_up(table):
        message = f"Backup is being created for the table: {table.name}"
        raise _in_use(message)
    description = _plain(state, table, table.describe()["TableDescription"], "DELETING")
    state.counters["deleted_tables"] += 1
    state.extras(table).deleted_at = state.now() + state.options.deleting_seconds
    state.find_table(call.region, table.name)
    return {"TableDescription": description}


def list_tables(state: State, call: Call) -> dict[str, Any]:
    """Answer ListTables, in the order of names as the service does."""
    names = sorted(table.name for table in state.tables(call.region))
    start = call.body.get("ExclusiveStartTableName", "")
    limit = call.body.get("Limit", 100)
    rest = [name for name in names if name > start]
    answer: dict[str, Any] = {"TableNames": rest[:limit]}
    if len(rest) > limit:
        answer["LastEvaluatedTableName"] = rest[limit - 1]
    return answer


def require_table(state: State, call: Call, name: str) -> Table:
    """Return the table by name or ARN.

    Raises:
        ApiError: it does not exist.
    """
    table = state.find_table(call.region, name)
    if table is None:
        raise no_table(name.rpartition("/")[2])
    return table


def new_revision(state: State) -> str:
    """Return a RevisionId: unique digits."""
    return str(state.random.getrandbits(60))


def _size_estimate(table: Table, count: int) -> int:
    """Return a table's approximate size, from its first items; the real figure is hours old."""
    sizes = [item_bytes(typed_of(item)) for item in islice(items_of(table), SIZE_SAMPLE)]
    return sum(sizes) * count // len(sizes) if sizes else 0


def _described(
    state: State, table: Table, description: Mapping[str, Any], status: str
) -> dict[str, Any]:
    """Return moto's description with the missing members, and without its empty lists."""
    filled = {name: value for name, value in description.items() if value != []}
    extras = state.extras(table)
    return {**filled, **extras.shown, "TableStatus": status, "TableId": extras.table_id}


def _encrypt(table: Table, specification: Mapping[str, Any]) -> None:
    """Change a table's encryption; moto sets it only on creation."""
    encryption = dict(specification)
    if encryption.get("Enabled") and "KMSMasterKeyId" not in encryption:
        key = table._get_default_encryption_key(ACCOUNT, table.region_name)  # noqa: SLF001 -- moto has no public access to it
        encryption["KMSMasterKeyId"] = key
    table.sse_specification = encryption if encryption.get("Enabled") else None


def _keep_shown(extras: Extras, body: Mapping[str, Any]) -> None:
    """Keep the request members that a description shows and moto drops."""
    if "TableClass" in body:
        extras.shown["TableClassSummary"] = {"TableClass": body["TableClass"]}
    if "OnDemandThroughput" in body:
        extras.shown["OnDemandThroughput"] = dict(body["OnDemandThroughput"])


def _plain(
    state: State, table: Table, description: Mapping[str, Any], status: str
) -> dict[str, Any]:
    """Return moto's own description, which holds a datetime, in the form of an answer."""
    plain = dict(description)
    plain["CreationDateTime"] = table.created_at.timestamp()
    return _described(state, table, plain, status)


def _require_active(state: State, table: Table, verb: str) -> None:
    """Refuse to change a table that is already changing."""
    status = state.status(table)
    if status != "ACTIVE":
        message = (
            f"Attempt to change a resource which is still in use: Table is being "
            f"{status.lower().removesuffix('ing')}ed: {table.name}, cannot {verb} it"
        )
        raise _in_use(message)


def _check_key_schema(body: Mapping[str, Any]) -> None:
    """Refuse what moto accepts in a CreateTable and DynamoDB does not."""
    schema = body.get("KeySchema") or []
    kinds = [entry.get("KeyType") for entry in schema]
    if kinds not in (["HASH"], ["HASH", "RANGE"]):
        message = "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"
        raise invalid(message)
    names = [entry["AttributeName"] for entry in body.get("AttributeDefinitions") or []]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"Cannot define the attribute {twice[0]} more than once"
        raise invalid_values(message)
    global_, local = (
        body.get(kind) or [] for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    )
    if len(local) > MAX_LOCAL_INDEXES or len(global_) > MAX_GLOBAL_INDEXES:
        message = "Number of secondary indexes exceeds the per-table limit"
        raise invalid_values(message)
    index_names = [index["IndexName"] for index in (*global_, *local)]
    if len(set(index_names)) < len(index_names):
        message = "Duplicate index name"
        raise invalid_values(message)
    for index in global_:
        _check_index_schema(index)
    for index in local:
        _check_local_index(index, schema)


def _check_index_schema(index: Mapping[str, Any]) -> None:
    """Refuse a global index whose key is not one to four partition, then up to four sort parts."""
    kinds = [entry["KeyType"] for entry in index["KeySchema"]]
    hashes, ranges = kinds.count("HASH"), kinds.count("RANGE")
    in_order = kinds == ["HASH"] * hashes + ["RANGE"] * ranges
    if not in_order or not 1 <= hashes <= MAX_INDEX_KEY_PARTS or ranges > MAX_INDEX_KEY_PARTS:
        message = f"The key schema of index {index['IndexName']} is not one an index may have"
        raise invalid_values(message)


def _check_local_index(index: Mapping[str, Any], schema: list[dict[str, Any]]) -> None:
    """Refuse a local index on a table without a sort key, or with another partition key."""
    if len(schema) == 1:
        message = (
            "Table KeySchema does not have a range key, "
            "which is required when specifying a LocalSecondaryIndex"
        )
        raise invalid_values(message)
    if index["KeySchema"][0]["AttributeName"] != schema[0]["AttributeName"]:
        message = (
            f"Index KeySchema does not have the same leading hash key as table KeySchema for "
            f"index: {index['IndexName']}"
        )
        raise invalid_values(message)


def _in_use(message: str) -> ApiError:
    """Return a ResourceInUseException."""
    return ApiError("ResourceInUseException", message)
