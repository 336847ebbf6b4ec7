"""Native DynamoDB exports: started, described, awaited."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.errors import code_of, translated_errors
from retable.runner.clock import Clock
from retable.runner.failure import Refused, Stopped
from retable.runner.progress import Progress
from retable.runner.table.export_request import ExportRequest

PATIENCE_SECONDS = 24 * 3600
"""How long to wait for an export. boto3's waiter gives up after 20 minutes, and the service
guarantees no time."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 20.0
IN_PROGRESS = "IN_PROGRESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportState:
    """What DescribeExport returns for an export."""

    arn: str
    id: str
    status: str
    export_time: datetime | None
    item_count: int | None
    failure: str | None
    """The service's own failure message, if the export failed."""


class Exports:
    """The export calls of DynamoDB."""

    def __init__(self, client: Any) -> None:
        """Use boto3's DynamoDB ``client``."""
        self._client = client

    def start(self, export: ExportRequest, client_token: str) -> str:
        """Start an export and return its ARN; idempotent with the same token for 8 hours.

        Raises:
            Refused: point-in-time recovery is off.
            Stopped: the service does not answer or refuses.
        """
        table_arn, request = export.table_arn, export.request(client_token)
        with translated_errors(f"exporting {table_arn}"):
            try:
                answer = request.send(self._client)
            except ClientError as error:
                if code_of(error) == "PointInTimeRecoveryUnavailableException":
                    message = f"{table_arn} has no point-in-time recovery, which an export needs"
                    raise Refused(message, "enable it for the table") from error
                if code_of(error) == "InvalidExportTimeException":
                    message = f"{table_arn} cannot be exported as of that time"
                    raise Refused(message, "it is outside the recovery window") from error
                raise
        return str(answer["ExportDescription"]["ExportArn"])

    def describe(self, arn: str) -> ExportState:
        """Return the state of the export."""
        with translated_errors(f"describing the export {arn}"):
            answer = self._client.describe_export(ExportArn=arn)["ExportDescription"]
        failure = ": ".join(
            str(answer[name]) for name in ("FailureCode", "FailureMessage") if answer.get(name)
        )
        return ExportState(
            arn=arn,
            id=arn.rpartition("/")[2],
            status=str(answer["ExportStatus"]),
            export_time=answer.get("ExportTime"),
            item_count=answer.get("ItemCount"),
            failure=failure or None,
        )

    def wait(
        self, arn: str, *, clock: Clock, progress: Progress, patience: float = PATIENCE_SECONDS
    ) -> ExportState:
        """Return the export once it is no longer IN_PROGRESS.

        Raises:
            Stopped: it still is after ``patience`` seconds; a resumed run waits again.
        """
        pause = FIRST_PAUSE_SECONDS
        began = clock.monotonic()
        while True:
            state = self.describe(arn)
            if state.status != IN_PROGRESS:
                return state
            waited = int(clock.monotonic() - began)
            if waited >= patience:
                message = f"the export {arn} is still {state.status} after {waited} s"
                raise Stopped(message, "resume to keep waiting, or check it in the AWS console")
            if waited:
                progress.note(f"the export has been in progress for {waited} s")
            clock.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
