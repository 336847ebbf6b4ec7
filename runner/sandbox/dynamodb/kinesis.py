"""Kinesis destinations of tables: enabled or disabled; no record is sent, no stream is needed."""

import re
from typing import Any

from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.api_error import ApiError, invalid
from retable.runner.sandbox.dynamodb.table_operations import require_table
from retable.runner.sandbox.sandbox_state import State

STREAM = re.compile(r"arn:[a-z-]+:kinesis:[a-z0-9-]+:\d{12}:stream/[A-Za-z0-9_.-]{1,128}")
PRECISION = "ApproximateCreationDateTimePrecision"
MILLISECOND = "MILLISECOND"
"""The default timestamp precision of records."""


def enable_streaming(state: State, call: Call) -> dict[str, Any]:
    """Answer EnableKinesisStreamingDestination."""
    table = require_table(state, call, call.table_name)
    stream = str(call.body.get("StreamArn"))
    if STREAM.fullmatch(stream) is None:
        message = "1 validation error detected: Value at 'streamArn' is no Kinesis stream's ARN"
        raise invalid(message)
    destinations = state.extras(table).kinesis
    if stream in destinations:
        code = "ResourceInUseException"
        message = f"Table is not in a valid state to enable Kinesis Streaming: {table.name}"
        raise ApiError(code, message)
    own = call.body.get("EnableKinesisStreamingConfiguration") or {}
    destinations[stream] = own.get(PRECISION) or MILLISECOND
    return {"TableName": table.name, "StreamArn": stream, "DestinationStatus": "ENABLING"}


def disable_streaming(state: State, call: Call) -> dict[str, Any]:
    """Answer DisableKinesisStreamingDestination."""
    table = require_table(state, call, call.table_name)
    stream = str(call.body.get("StreamArn"))
    if state.extras(table).kinesis.pop(stream, None) is None:
        code = "ResourceNotFoundException"
        message = f"Table {table.name} streams nothing to {stream}"
        raise ApiError(code, message)
    return {"TableName": table.name, "StreamArn": stream, "DestinationStatus": "DISABLING"}


def describe_streaming(state: State, call: Call) -> dict[str, Any]:
    """Answer DescribeKinesisStreamingDestination."""
    table = require_table(state, call, call.table_name)
    found = state.extras(table).kinesis
    return {
        "TableName": table.name,
        "KinesisDataStreamDestinations": [
            {"StreamArn": stream, "DestinationStatus": "ACTIVE", PRECISION: found[stream]}
            for stream in sorted(found)
        ],
    }
