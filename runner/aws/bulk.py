"""Writes from S3: ImportTable into a new table, StartBulkPutItems into an existing one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import botocore
import botocore.session
from botocore.exceptions import ClientError

from retable.runner.aws.errors import code_of, translated_errors
from retable.runner.clock import Clock
from retable.runner.failure import Refused, Stopped
from retable.runner.progress import Progress
from retable.runner.table.load_requests import BULK_PUT, Staged, bulk_put, table_import

BOTO3_WITH_BULK_PUT = "1.44.5"
"""The oldest boto3 version known to support the operation."""
PATIENCE_SECONDS = 3 * 24 * 3600.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 20.0
IN_PROGRESS = frozenset(["IN_PROGRESS", "CANCELLING"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of an import or a bulk operation."""

    arn: str
    status: str
    processed: int
    failed: int
    failure: str | None
    """The service's own failure message, if it failed."""
    log_group: str | None = None
    """The log group where an import lists the items that it could not write."""
    table_id: str | None = None
    """The table that an import has created, or is creating."""

    @property
    def is_done(self) -> bool:
        """Return whether all input was read, even if some items could not be written."""
        done = self.status in {"COMPLETED", "COMPLETED_WITH_ERRORS"}
        return done or (self.failure or "").startswith("ItemValidationError")


def require_bulk_put() -> None:
    """Check that this boto3 supports the operation.

    Raises:
        Refused: it is too old.
    """
    model = botocore.session.get_session().get_service_model("dynamodb")
    if BULK_PUT not in model.operation_names:
        message = f"botocore {botocore.__version__} does not support {BULK_PUT}"
        raise Refused(message, f"install boto3 {BOTO3_WITH_BULK_PUT} or newer")


class Bulk:
    """DynamoDB's operations that write from S3."""

    def __init__(self, client: Any, client_of: Callable[[str], Any]) -> None:
        """Use boto3's DynamoDB ``client``; ``client_of`` opens those of other services."""
        self._client = client
        self._client_of = client_of

    def start_import(self, staged: Staged, request: Mapping[str, Any], token: str) -> str:
        """Start an import into a new table, created by ``request``; return its ARN."""
        with translated_errors(f"importing {request['TableName']}"):
            answer = table_import(staged, request, token).send(self._client)
        return str(answer["ImportTableDescription"]["ImportArn"])

    def start_bulk_put(
        self, table: str, staged: Staged, output: str, rate: int | None, token: str
    ) -> str:
        """Start writing what is staged into ``table``, errors under ``output``; return its ARN."""
        with translated_errors(f"loading {table}"):
            answer = bulk_put(table, staged, output, rate, token).send(self._client)
        return str(answer["BulkOperationDescription"]["BulkOperationArn"])

    def import_of(self, token: str) -> str | None:
        """Return the ARN of the import that was started under ``token``, however long ago."""
        with translated_errors("looking for an import of this run"):
            for one in _pages(self._client.list_imports, "ImportSummaryList"):
                arn = str(one["ImportArn"])
                described = self._client.describe_import(ImportArn=arn)["ImportTableDescription"]
                if described.get("ClientToken") == token:
                    return arn
        return None

    def bulk_put_of(self, token: str) -> str | None:
        """Return the ARN of the bulk operation that was started under ``token``."""
        with translated_errors("looking for a bulk operation of this run"):
            for one in _pages(self._client.list_bulk_operations, "BulkOperationsSummaryList"):
                arn = str(one["BulkOperationArn"])
                answer = self._client.describe_bulk_operation(BulkOperationArn=arn)
                if answer["BulkOperationDescription"].get("ClientToken") == token:
                    return arn
        return None

    def wait_import(self, arn: str, *, clock: Clock, progress: Progress) -> Outcome:
        """Return the outcome of the import.

        Raises:
            Stopped: it is still running after three days; a resumed run waits again.
        """
        return _wait(lambda: self._import(arn), clock, progress)

    def wait_bulk_put(self, arn: str, *, clock: Clock, progress: Progress) -> Outcome:
        """Return the outcome of the bulk operation.

        Raises:
            Stopped: as ``wait_import``.
        """
        return _wait(lambda: self._bulk_put(arn), clock, progress)

    def import_errors(self, outcome: Outcome) -> Iterator[str]:
        """Yield the import's log entry for each item that it could not write."""
        group = (outcome.log_group or "").partition(":log-group:")[2].removesuffix(":*")
        stream = f"{outcome.arn.rpartition('/')[2]}/error"
        logs = self._client_of("logs")
        with translated_errors(f"reading the log of {outcome.arn}", "logs"):
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, logStreamNames=[stream]
            )
            try:
                for page in pages:
                    yield from (event["message"] for event in page["events"])
            except ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise

    def _import(self, arn: str) -> Outcome:
        with translated_errors(f"describing the import {arn}"):
            answer = self._client.describe_import(ImportArn=arn)["ImportTableDescription"]
        return _outcome(arn, answer, answer["ImportStatus"], answer.get("ErrorCount", 0))

    def _bulk_put(self, arn: str) -> Outcome:
        with translated_errors(f"describing the bulk operation {arn}"):
            answer = self._client.describe_bulk_operation(BulkOperationArn=arn)
        described = answer["BulkOperationDescription"]
        return _outcome(
            arn, described, described["BulkOperationStatus"], described.get("FailedItemCount", 0)
        )


def _pages(ask: Callable[..., Mapping[str, Any]], name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of a listing, page by page; not every operation has a paginator."""
    token: dict[str, Any] = {}
    while True:
        answer = ask(**token)
        yield from answer.get(name, ())
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def _outcome(arn: str, answer: Mapping[str, Any], status: str, failed: int) -> Outcome:
    words = [str(answer[name]) for name in ("FailureCode", "FailureMessage") if answer.get(name)]
    return Outcome(
        arn=arn,
        status=status,
        processed=int(answer.get("ProcessedItemCount", 0)),
        failed=int(failed),
        failure=": ".join(words) or None,
        log_group=answer.get("CloudWatchLogGroupArn"),
        table_id=answer.get("TableId"),
    )


def _wait(ask: Callable[[], Outcome], clock: Clock, progress: Progress) -> Outcome:
    """Poll at growing intervals until the end."""
    pause, began = FIRST_PAUSE_SECONDS, clock.monotonic()
    while True:
        outcome = ask()
        progress.advance(outcome.processed, None, "items")
        if outcome.status not in IN_PROGRESS:
            return outcome
        if clock.monotonic() - began >= PATIENCE_SECONDS:
            message = f"{outcome.arn} is still {outcome.status}"
            raise Stopped(message, "resume to keep waiting, or check it in the AWS console")
        clock.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
