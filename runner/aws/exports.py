"""Native DynamoDB exports: started, described, awaited."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from botocore.exceptions import ClientError

from retable.runner.aws.errors import code_of, translated_errors
from retable.runner.clock import Clock
from retable.runner.failure import Refused, Stopped
from retable.runner.progress import Progress
from retable.runner.table.requests import Request

Format = Literal["DYNAMODB_JSON", "ION"]
"""How a native export's lines are written."""
PATIENCE_SECONDS = 24 * 3600
"""How long to wait for an export. boto3's waiter gives up after 20 minutes, and the service
guarantees no time."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 20.0
IN_PROGRESS = "IN_PROGRESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """An export request. It is idempotent with the same client token for 8 hours."""

    table_arn: str
    bucket: str
    prefix: str
    format: Format
    bucket_owner: str | None = None
    """The account that owns the bucket, if it is not the caller's."""
    kms_key: str | None = None
    """The KMS key that encrypts the export; ``None`` is S3's own key."""
    at: datetime | None = None
    """The export time of a full export; ``None`` is now."""
    window: tuple[datetime, datetime] | None = None
    """Start (inclusive) and end (exclusive) of the changes; ``None`` is a full export."""
    old_images: bool = False
    """Whether each change also has the item's old image."""

    def request(self, client_token: str) -> Request:
        """Return the request as the API takes it."""
        parameters: dict[str, Any] = {
            "TableArn": self.table_arn,
            "S3Bucket": self.bucket,
            "ClientToken": client_token,
            "ExportFormat": self.format,
            "ExportType": "FULL_EXPORT",
        }
        if self.at is not None:
            parameters["ExportTime"] = self.at
        if self.window is not None:
            parameters["ExportType"] = "INCREMENTAL_EXPORT"
            parameters["IncrementalExportSpecification"] = {
                "ExportFromTime": self.window[0],
                "ExportToTime": self.window[1],
                "ExportViewType": "NEW_AND_OLD_IMAGES" if self.old_images else "NEW_IMAGE",
            }
        # The service refuses an empty prefix; without one, it writes to the bucket's root.
        if self.prefix.strip("/"):
            parameters["S3Prefix"] = self.prefix.strip("/")
        if self.bucket_owner is not None:
            parameters["S3BucketOwner"] = self.bucket_owner
        if self.kms_key is not None:
            parameters |= {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": self.kms_key}
        return Request(operation="ExportTableToPointInTime", parameters=parameters)


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
