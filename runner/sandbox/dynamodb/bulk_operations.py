"""ImportTable and StartBulkPutItems: items from S3, into a new table or an existing one.

Items that cannot be written are skipped and reported: by an import in CloudWatch Logs, by a bulk
operation as JSON lines under its output prefix. AWS does not publish the format of the latter; the
members are those that its documentation names (the item, the input object, an error code).
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
from moto.dynamodb.models.table import Table

from retable.runner.sandbox.call import TARGET_PREFIX, Call
from retable.runner.sandbox.dynamodb import table_operations
from retable.runner.sandbox.dynamodb.api_error import ApiError, invalid
from retable.runner.sandbox.dynamodb.attribute_values import stored_item
from retable.runner.sandbox.dynamodb.bulk_job import BulkJob
from retable.runner.sandbox.dynamodb.key_shape import check_put, shape_of
from retable.runner.sandbox.dynamodb.stored_items import store
from retable.runner.sandbox.sandbox_state import State

LOG_GROUP = "/aws-dynamodb/imports"
LEAST_UNITS = 1024
"""The minimum of MaxWriteRequestUnits, in botocore's model."""
IN_PROGRESS = "IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class _Failed:
    """A line that could not be written."""

    key: str
    index: int
    line: bytes
    message: str


def import_table(state: State, call: Call) -> dict[str, Any]:
    """Answer ImportTable: the table is created, and filled before it becomes ACTIVE."""
    earlier = _earlier(state, call, "ImportConflictException")
    if earlier is not None:
        return {"ImportTableDescription": _describe_import(state, earlier)}
    source, creation = call.body["S3BucketSource"], call.body["TableCreationParameters"]
    target = {"HTTP_X_AMZ_TARGET": f"{TARGET_PREFIX}CreateTable"}
    environ = {**call.environ, **target}
    table_operations.create_table(
        state, replace(call, operation="CreateTable", body=dict(creation), environ=environ)
    )
    table = state.data_table_of(call.region, creation["TableName"])
    job = _job(state, call, f"{table.table_arn}/import/{_id(state)}")
    job.more = {
        "TableArn": table.table_arn,
        "TableId": state.extras(table).table_id,
        "CloudWatchLogGroupArn": f"arn:aws:logs:{call.region}:123456789012:log-group:{LOG_GROUP}",
    }
    try:
        failed = _fill(state, job, table, source)
    except gzip.BadGzipFile:
        # The table that it has begun to create stays.
        failed = []
        job.failure = ("S3FileError", "an input file could not be read")
    job.status = "FAILED" if failed or job.failure else "COMPLETED"
    if failed:
        job.failure = ("ItemValidationError", "Some of the items failed validation checks")
        events = [orjson.dumps(_event(source, one)).decode() for one in failed]
        stream = f"{job.arn.rpartition('/')[2]}/error"
        state.moto.write_log(call.region, LOG_GROUP, stream, events)
    state.pass_through(table, "CREATING", max(0.0, job.ready - state.now()))
    return {"ImportTableDescription": _describe_import(state, job)}


def describe_import(state: State, call: Call) -> dict[str, Any]:
    """Answer DescribeImport."""
    job = _known(state, str(call.body.get("ImportArn")), "ImportNotFoundException")
    return {"ImportTableDescription": _describe_import(state, job)}


def list_imports(state: State, _: Call) -> dict[str, Any]:
    """Answer ListImports, newest first."""
    jobs = [job for job in state.bulk.values() if "/import/" in job.arn]
    summaries = [
        {"ImportArn": job.arn, "ImportStatus": _status(state, job)} for job in reversed(jobs)
    ]
    return {"ImportSummaryList": summaries}


def start_bulk_put(state: State, call: Call) -> dict[str, Any]:
    """Answer StartBulkPutItems."""
    earlier = _earlier(state, call, "IdempotentParameterMismatchException")
    if earlier is not None:
        return {"BulkOperationDescription": _describe_bulk(state, earlier)}
    if call.body.get("MaxWriteRequestUnits", LEAST_UNITS) < LEAST_UNITS:
        message = f"MaxWriteRequestUnits must be at least {LEAST_UNITS}"
        raise invalid(message)
    table = state.data_table(call.region, call.table_name)
    job = _job(state, call, f"{table.table_arn}/bulk-operation/{_id(state)}")
    failed = _fill(state, job, table, call.body["InputS3Configuration"])
    job.status = "COMPLETED_WITH_ERRORS" if failed else "COMPLETED"
    output = call.body["OutputS3Configuration"]
    if failed:
        prefix = str(output.get("S3KeyPrefix", "")).rstrip("/")
        lines = b"".join(orjson.dumps(_entry(one)) + b"\n" for one in failed)
        name = f"{prefix}/{job.arn.rpartition('/')[2]}/errors/00000.json.gz".lstrip("/")
        bucket = output.get("S3Bucket") or call.body["InputS3Configuration"]["S3Bucket"]
        state.moto.put_object(bucket, name, gzip.compress(lines, mtime=0))
    return {"BulkOperationDescription": {**_describe_bulk(state, job)}}


def describe_bulk(state: State, call: Call) -> dict[str, Any]:
    """Answer DescribeBulkOperation."""
    job = _known(state, str(call.body.get("BulkOperationArn")), "ResourceNotFoundException")
    return {"BulkOperationDescription": _describe_bulk(state, job)}


def list_bulk(state: State, _: Call) -> dict[str, Any]:
    """Answer ListBulkOperations, newest first."""
    jobs = [job for job in state.bulk.values() if "/bulk-operation/" in job.arn]
    return {"BulkOperationsSummaryList": [_describe_bulk(state, job) for job in reversed(jobs)]}


def cancel_bulk(state: State, call: Call) -> dict[str, Any]:
    """Answer CancelBulkOperation: written items stay."""
    job = _known(state, str(call.body.get("BulkOperationArn")), "ResourceNotFoundException")
    if _status(state, job) == IN_PROGRESS:
        job.status, job.ready = "CANCELLED", state.now()
    return {"BulkOperationArn": job.arn, "BulkOperationStatus": _status(state, job)}


def _job(state: State, call: Call, arn: str) -> BulkJob:
    """Return a new job, which is listed from now on."""
    job = BulkJob(
        arn=arn,
        token=str(call.body.get("ClientToken") or _id(state)),
        parameters=_parameters(call),
        started=state.options.clock.now().timestamp(),
        ready=state.now() + state.options.bulk_seconds,
        status=IN_PROGRESS,
    )
    state.bulk[arn] = job
    return job


def _parameters(call: Call) -> dict[str, Any]:
    return {name: value for name, value in call.body.items() if name != "ClientToken"}


def _earlier(state: State, call: Call, mismatch: str) -> BulkJob | None:
    """Return the job that was started with the same token."""
    token = call.body.get("ClientToken")
    for job in state.bulk.values():
        if token is not None and job.token == token:
            if job.parameters != _parameters(call):
                message = f"the token {token} was used with other parameters"
                raise ApiError(mismatch, message)
            return job
    return None


def _known(state: State, arn: str, code: str) -> BulkJob:
    if arn not in state.bulk:
        message = f"there is no {arn}"
        raise ApiError(code, message)
    return state.bulk[arn]


def _fill(state: State, job: BulkJob, table: Table, source: dict[str, Any]) -> list[_Failed]:
    """Write the objects under the prefix into ``table``; return what could not be written."""
    shape, failed = shape_of(table), []
    for key, index, line in _lines(state, source):
        job.processed += 1
        job.size += len(line)
        try:
            item, size = stored_item(orjson.loads(line)["Item"])
            check_put(item, shape, in_batch=True)
        except (ApiError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            failed.append(_Failed(key, index, line, str(error) or type(error).__name__))
        else:
            store(table, item, size)
    job.failed = len(failed)
    return failed


def _lines(state: State, source: dict[str, Any]) -> Iterator[tuple[str, int, bytes]]:
    """Yield each line of the objects under a prefix, with its object's key and its index from 0."""
    for key, body in state.moto.objects(source["S3Bucket"], source.get("S3KeyPrefix", "")):
        for index, line in enumerate(gzip.decompress(body).splitlines()):
            yield key, index, line


def _event(source: dict[str, Any], one: _Failed) -> dict[str, Any]:
    """Return the message of a log event about an item."""
    return {
        "itemS3Pointer": {"bucket": source["S3Bucket"], "key": one.key, "itemIndex": one.index},
        "importArn": "",
        "errorMessages": [one.message],
    }


def _entry(one: _Failed) -> dict[str, Any]:
    """Return a bulk operation's output line about an item."""
    entry: dict[str, Any] = {"S3Key": one.key, "ItemIndex": one.index, "ErrorMessage": one.message}
    try:
        entry["Item"] = orjson.loads(one.line)["Item"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        entry["RawItem"] = one.line.decode("utf-8", "replace")
    return {**entry, "ErrorCode": "ValidationException"}


def _status(state: State, job: BulkJob) -> str:
    return job.status if state.now() >= job.ready else IN_PROGRESS


def _described(state: State, job: BulkJob) -> dict[str, Any]:
    answer: dict[str, Any] = {"ClientToken": job.token, "StartTime": job.started, **job.parameters}
    if _status(state, job) != IN_PROGRESS:
        answer |= {"EndTime": job.started, "ProcessedItemCount": job.processed}
        if job.failure is not None:
            answer |= {"FailureCode": job.failure[0], "FailureMessage": job.failure[1]}
    return answer


def _describe_import(state: State, job: BulkJob) -> dict[str, Any]:
    answer = {**_described(state, job), **job.more}
    answer |= {"ImportArn": job.arn, "ImportStatus": _status(state, job)}
    if _status(state, job) != IN_PROGRESS:
        answer |= {
            "ImportedItemCount": job.processed - job.failed,
            "ErrorCount": job.failed,
            "ProcessedSizeBytes": job.size,
        }
    return answer


def _describe_bulk(state: State, job: BulkJob) -> dict[str, Any]:
    answer = _described(state, job)
    name = answer.pop("TableName", "")
    answer |= {
        "BulkOperationArn": job.arn,
        "BulkOperationStatus": _status(state, job),
        "TableDetails": [{"TableName": name}],
    }
    if _status(state, job) != IN_PROGRESS:
        answer |= {"FailedItemCount": job.failed, "ProcessedInputBytes": job.size}
        answer["TotalInputBytes"] = job.size
    return answer


def _id(state: State) -> str:
    """Return an id like those of exports."""
    now = int(state.options.clock.now().timestamp() * 1000)
    return f"{now:014d}-{state.random.getrandbits(32):08x}"
