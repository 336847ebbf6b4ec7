"""Handles a DynamoDB request: policies, faults, then the operation itself; returns the answer."""

import zlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from moto.core.exceptions import JsonRESTError, ServiceException

from retable.runner.sandbox.access_guard import authorize
from retable.runner.sandbox.call import STREAMS_PREFIX, Call, parse_call
from retable.runner.sandbox.dynamodb import (
    backup_operations,
    batch,
    bulk_operations,
    export_operations,
    insights,
    kinesis,
    policy_operations,
    reads,
    recording,
    table_operations,
    writes,
)
from retable.runner.sandbox.dynamodb.api_error import ApiError, MotoError
from retable.runner.sandbox.faults import WRITES, draw_500, fail_before, internal_error
from retable.runner.sandbox.moto_app import Environ
from retable.runner.sandbox.sandbox_state import State

Reply = tuple[int, bytes]

OPERATIONS: Mapping[str, recording.Operation] = {
    "BatchExecuteStatement": writes.batch_execute_statement,
    "BatchGetItem": reads.batch_get_item,
    "BatchWriteItem": batch.batch_write_item,
    "CancelBulkOperation": bulk_operations.cancel_bulk,
    "CreateBackup": backup_operations.create_backup,
    "CreateTable": table_operations.create_table,
    "DeleteBackup": backup_operations.delete_backup,
    "DeleteItem": writes.delete_item,
    "DeleteResourcePolicy": policy_operations.delete_resource_policy,
    "DeleteTable": table_operations.delete_table,
    "DescribeBackup": backup_operations.describe_backup,
    "DescribeBulkOperation": bulk_operations.describe_bulk,
    "DescribeContributorInsights": insights.describe_insights,
    "DescribeExport": export_operations.describe_export,
    "DescribeImport": bulk_operations.describe_import,
    "DescribeKinesisStreamingDestination": kinesis.describe_streaming,
    "DescribeTable": table_operations.describe_table,
    "DisableKinesisStreamingDestination": kinesis.disable_streaming,
    "EnableKinesisStreamingDestination": kinesis.enable_streaming,
    "ExecuteStatement": writes.execute_statement,
    "ExecuteTransaction": writes.execute_transaction,
    "ExportTableToPointInTime": export_operations.export_table,
    "GetItem": reads.get_item,
    "GetResourcePolicy": policy_operations.get_resource_policy,
    "ImportTable": bulk_operations.import_table,
    "ListBackups": backup_operations.list_backups,
    "ListBulkOperations": bulk_operations.list_bulk,
    "ListExports": export_operations.list_exports,
    "ListImports": bulk_operations.list_imports,
    "ListTables": table_operations.list_tables,
    "PutItem": writes.put_item,
    "PutResourcePolicy": policy_operations.put_resource_policy,
    "Query": reads.query,
    "RestoreTableFromBackup": table_operations.restore_table,
    "Scan": reads.scan,
    "StartBulkPutItems": bulk_operations.start_bulk_put,
    "TransactWriteItems": writes.transact_write_items,
    "UpdateContinuousBackups": recording.update_continuous_backups,
    "UpdateContributorInsights": insights.update_insights,
    "UpdateItem": writes.update_item,
    "UpdateTable": table_operations.update_table,
}
"""Operations that moto gets wrong or lacks."""
LEFT_TO_MOTO = frozenset(
    {
        "DescribeContinuousBackups",
        "DescribeEndpoints",
        "DescribeLimits",
        "DescribeTimeToLive",
        "ListTagsOfResource",
        "RestoreTableToPointInTime",
        "TagResource",
        "TransactGetItems",
        "UntagResource",
        "UpdateTimeToLive",
    }
)
"""Operations that moto does well, after the same policies and faults."""


def answer_dynamodb(state: State, environ: Environ, raw: bytes) -> Reply:
    """Return status and body of the answer to a request."""
    try:
        call = parse_call(environ, raw)
        with state.lock:
            state.counters[f"requests:{call.operation}"] += 1
            answer = _carry_out(state, call)
            if call.operation in WRITES:
                state.counters[f"written:{call.access_key}"] += 1
    except ApiError as error:
        return error.status, error.body()
    except MotoError as error:
        return error.status, error.body
    except (JsonRESTError, ServiceException) as error:
        # An error that moto raised outside of its own dispatch, such as a filter's syntax.
        message = str(getattr(error, "message", error))
        return HTTPStatus.BAD_REQUEST, ApiError("ValidationException", message).body()
    return HTTPStatus.OK, orjson.dumps(answer)


def is_dynamodb(environ: Environ) -> bool:
    """Return whether a request is for DynamoDB's tables; moto alone handles streams."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    return target.startswith("DynamoDB_") and not target.startswith(STREAMS_PREFIX)


def checksum(body: bytes) -> str:
    """Return the ``x-amz-crc32`` that DynamoDB sends and clients check."""
    return str(zlib.crc32(body))


def _carry_out(state: State, call: Call) -> dict[str, Any]:
    """Carry out ``call``, unless a policy or a fault prevents it."""
    authorize(state, call)
    fail_before(state, call)
    takes_effect = draw_500(state, call)
    if takes_effect is False:
        raise internal_error()
    operation = OPERATIONS.get(call.operation, _by_moto)
    if call.operation in WRITES:
        answer = recording.recorded(state, call, operation)
    else:
        answer = operation(state, call)
    if takes_effect:
        raise internal_error()
    return answer


def _by_moto(state: State, call: Call) -> dict[str, Any]:
    """Let moto answer.

    Raises:
        ApiError: the operation is not supported.
    """
    if call.operation not in LEFT_TO_MOTO:
        code = "UnknownOperationException"
        message = f"the sandbox does not support {call.operation}"
        raise ApiError(code, message)
    return state.forward(call)
