"""ExportTableToPointInTime: a real export to S3 of a table's current, past or changed items.

The past is known since point-in-time recovery was enabled; earlier times are refused.
"""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from moto.dynamodb.models.table import Table

from retable.runner.export.write_export import ExportWindow, write_native_export
from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.api_error import ApiError, invalid
from retable.runner.sandbox.dynamodb.export_job import ExportJob
from retable.runner.sandbox.dynamodb.key_shape import key_of, shape_of
from retable.runner.sandbox.dynamodb.stored_items import items_of, typed_of
from retable.runner.sandbox.sandbox_options import ACCOUNT
from retable.runner.sandbox.sandbox_state import State

TOKEN_SECONDS = 8 * 3600
"""How long a ClientToken identifies its request; ExportTableToPointInTime in the API reference."""
CLOCK_TOLERANCE_SECONDS = 60
"""The maximum difference between the service's clock and the caller's."""
POLL_SECONDS = 0.02
MOMENT_SECONDS = 0.001
"""Times are in milliseconds, so two that differ by one may be the same."""
LONGEST_WINDOW_SECONDS = 24 * 3600
"""The longest window of an incremental export; ExportTableToPointInTime in the guide."""
TYPES = ("FULL_EXPORT", "INCREMENTAL_EXPORT")
VIEWS = ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
FORMATS = ("DYNAMODB_JSON", "ION")


def export_table(state: State, call: Call) -> dict[str, Any]:
    """Answer ExportTableToPointInTime."""
    parameters = {name: value for name, value in call.body.items() if name != "ClientToken"}
    table = _table(state, call, str(parameters.get("TableArn")))
    _check_request(parameters, table)
    token = call.body.get("ClientToken")
    if token is not None:
        earlier = _earlier(state, token)
        if earlier is not None and earlier.parameters != parameters:
            message = f"Duplicate request detected: {token}"
            code = "ExportConflictException"
            raise ApiError(code, message)
        if earlier is not None:
            return {"ExportDescription": earlier.describe()}
    job = _start(state, parameters, table, token or f"{state.random.getrandbits(128):032x}")
    return {"ExportDescription": {**job.describe(), "ExportStatus": "IN_PROGRESS"}}


def describe_export(state: State, call: Call) -> dict[str, Any]:
    """Answer DescribeExport, also for a deleted table."""
    arn = str(call.body.get("ExportArn"))
    if ":table/" not in arn or "/export/" not in arn:
        message = "Invalid Export ARN"
        raise invalid(message)
    job = state.exports.get(arn)
    if job is None:
        message = f"Export not found: {arn}"
        code = "ExportNotFoundException"
        raise ApiError(code, message)
    return {"ExportDescription": job.describe()}


def list_exports(state: State, call: Call) -> dict[str, Any]:
    """Answer ListExports, newest first."""
    table_arn = call.body.get("TableArn")
    jobs = [job for job in state.exports.values() if table_arn in {None, job.table_arn}]
    jobs.sort(key=lambda job: job.arn, reverse=True)
    first = int(call.body.get("NextToken") or 0)
    count = int(call.body.get("MaxResults") or 25)
    summaries = [
        {
            "ExportArn": job.arn,
            "ExportStatus": job.status,
            "ExportType": job.parameters.get("ExportType", "FULL_EXPORT"),
        }
        for job in jobs[first : first + count]
    ]
    answer: dict[str, Any] = {"ExportSummaries": summaries}
    if first + count < len(jobs):
        answer["NextToken"] = str(first + count)
    return answer


def _table(state: State, call: Call, arn: str) -> Table:
    """Return the table to export."""
    table = state.find_table(call.region, arn)
    if table is None or not arn.startswith("arn:"):
        message = f"Table not found: {arn.rpartition('/')[2]}"
        code = "TableNotFoundException"
        raise ApiError(code, message)
    return table


def _check_request(parameters: Mapping[str, Any], table: Table) -> None:
    """Refuse what cannot be exported."""
    if not parameters.get("S3Bucket"):
        message = (
            "1 validation error detected: Value null at 's3Bucket' failed to satisfy constraint: "
            "Member must not be null"
        )
        raise invalid(message)
    if parameters.get("ExportType", "FULL_EXPORT") not in TYPES:
        raise invalid(_unknown("exportType", str(parameters["ExportType"]), TYPES))
    if parameters.get("ExportFormat", "DYNAMODB_JSON") not in FORMATS:
        raise invalid(_unknown("exportFormat", str(parameters["ExportFormat"]), FORMATS))
    recovery = table.continuous_backups["PointInTimeRecoveryDescription"]
    if recovery["PointInTimeRecoveryStatus"] != "ENABLED":
        message = f"Point in time recovery is not enabled for table '{table.name}'"
        code = "PointInTimeRecoveryUnavailableException"
        raise ApiError(code, message)


def _at(state: State, parameters: Mapping[str, Any], table: Table, now: datetime) -> datetime:
    """Return the export time of a full export.

    Raises:
        ApiError: the table's content at that time is unknown.
    """
    if "ExportTime" not in parameters:
        return now
    export_time = datetime.fromtimestamp(parameters["ExportTime"], UTC)
    log = state.extras(table).log
    late = (export_time - now).total_seconds() > CLOCK_TOLERANCE_SECONDS
    if log is None or late or export_time < log.since - timedelta(seconds=MOMENT_SECONDS):
        message = "The export time is not within the point in time recovery window"
        raise _wrong_time(message)
    return min(export_time, now)


def _moment(state: State) -> datetime:
    """Return a whole millisecond, as in manifests, between all writes so far and all later."""
    clock = state.options.clock
    now = clock.now().astimezone(UTC)
    export_time = now.replace(microsecond=now.microsecond // 1000 * 1000) + timedelta(
        milliseconds=1
    )
    while (left := (export_time - clock.now()).total_seconds()) > 0:
        clock.sleep(left)
    return export_time


def _window(
    state: State, parameters: Mapping[str, Any], table: Table, now: datetime
) -> ExportWindow | None:
    """Return the window of an incremental export.

    Raises:
        ApiError: the window is missing, too short, too long, or was not recorded.
    """
    if parameters.get("ExportType", "FULL_EXPORT") == "FULL_EXPORT":
        return None
    specification = parameters.get("IncrementalExportSpecification") or {}
    view = specification.get("ExportViewType", "NEW_AND_OLD_IMAGES")
    if view not in VIEWS:
        raise invalid(_unknown("exportViewType", str(view), VIEWS))
    if "ExportFromTime" not in specification:
        message = "IncrementalExportSpecification must have ExportFromTime"
        raise invalid(message)
    start = datetime.fromtimestamp(specification["ExportFromTime"], UTC)
    end = datetime.fromtimestamp(specification.get("ExportToTime", now.timestamp()), UTC)
    least, length = state.options.window_seconds, (end - start).total_seconds()
    if not max(least, MOMENT_SECONDS) <= length <= LONGEST_WINDOW_SECONDS:
        message = f"Difference between export period from time and to time is less than {least:g} "
        message += f"seconds or greater than {LONGEST_WINDOW_SECONDS} seconds"
        raise _wrong_time(message)
    log = state.extras(table).log
    if log is None or start < log.since - timedelta(seconds=MOMENT_SECONDS) or end > now:
        message = "The export period is not within the point in time recovery window"
        raise _wrong_time(message)
    return ExportWindow(start=start, end=end, view=view)


def _records(
    state: State, table: Table, window: ExportWindow | None, export_time: datetime
) -> list[bytes]:
    """Return an export's content: the table at the export time, or the changes in the window."""
    log = state.extras(table).log
    if window is None or log is None:
        items = [typed_of(item) for item in items_of(table)]
        shape = shape_of(table)
        past = (
            items if log is None else log.items_at(export_time, items, lambda i: key_of(i, shape))
        )
        return [orjson.dumps(item) for item in past]
    return [orjson.dumps(change) for change in log.window(window.start, window.end, window.view)]


def _wrong_time(message: str) -> ApiError:
    """Return the error for a time or a window that cannot be exported."""
    code = "InvalidExportTimeException"
    return ApiError(code, message)


def _unknown(member: str, found: str, known: Sequence[str]) -> str:
    """Return the error message for a value outside of an enumeration."""
    return (
        f"1 validation error detected: Value '{found}' at '{member}' failed to satisfy "
        f"constraint: Member must satisfy enum value set: [{', '.join(known)}]"
    )


def _earlier(state: State, token: str) -> ExportJob | None:
    """Return the export that was started with ``token``."""
    now = state.options.clock.now()
    for job in state.exports.values():
        age = (now - (job.end or now)).total_seconds()
        if job.token == token and age < TOKEN_SECONDS:
            return job
    return None


def _start(state: State, parameters: Mapping[str, Any], table: Table, token: str) -> ExportJob:
    """Fix the content of an export and start writing it."""
    now = _moment(state)
    export_id = f"{int(now.timestamp() * 1000):014d}-{state.random.getrandbits(32):08x}"
    window = _window(state, parameters, table, now)
    export_time = _at(state, parameters, table, now)
    job = ExportJob(
        arn=f"{table.table_arn}/export/{export_id}",
        token=token,
        parameters=parameters,
        table_arn=table.table_arn,
        table_id=state.extras(table).table_id,
        start=now,
        bucket=parameters["S3Bucket"],
        prefix=parameters.get("S3Prefix"),
        files=state.options.export_files,
        export_time=export_time,
        window=window,
    )
    items = _records(state, table, window, export_time)
    state.exports[job.arn] = job
    job.thread = threading.Thread(target=_write, args=(state, job, items), daemon=True)
    job.thread.start()
    if state.options.export_seconds == 0 and not state.faults.hold_exports:
        job.thread.join()
    return job


def _write(state: State, job: ExportJob, items: list[bytes]) -> None:
    """Write the export, wait for its duration, and set its outcome."""
    ready = state.now() + state.options.export_seconds
    failure = _failure(state, job)
    if failure is None:
        failure = _write_files(state, job, items)
    while (state.now() < ready or state.faults.hold_exports) and not state.stopping.is_set():
        state.stopping.wait(POLL_SECONDS)
    job.end = state.options.clock.now().astimezone(UTC)
    job.failure = failure
    job.status = "COMPLETED" if failure is None else "FAILED"


def _write_files(state: State, job: ExportJob, items: list[bytes]) -> tuple[str, str] | None:
    """Write the export's objects; return the failure, if any."""
    try:
        job.item_count = write_native_export(
            lambda key, body: state.moto.put_object(job.bucket, key, body),
            job.head,
            items,
            files=job.files,
        )
    except Exception as error:  # noqa: BLE001 -- a thread's error would leave the export hanging
        return "UNKNOWN", f"the sandbox could not write the export: {type(error).__name__}"
    job.size = sum(len(item) for item in items)
    return None


def _failure(state: State, job: ExportJob) -> tuple[str, str] | None:
    """Return code and message of an export's failure, if it must fail."""
    if state.faults.export_failure is not None:
        return state.faults.export_failure, "injected by the sandbox"
    if job.parameters.get("S3BucketOwner", ACCOUNT) != state.faults.bucket_owner:
        return "S3AccessDenied", "Access Denied (Service: Amazon S3; Status Code: 403)"
    if not state.moto.has_bucket(job.bucket):
        return "S3NoSuchBucket", f"The specified bucket does not exist: {job.bucket}"
    return None
