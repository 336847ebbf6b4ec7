"""Native exports, as the service makes them: started, followed, listed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from botocore.exceptions import ClientError

from retable.runner.aws.errors import code_of, in_words
from retable.runner.clock import Clock
from retable.runner.failure import Refused, Stopped
from retable.runner.progress import Progress
from retable.runner.table.requests import Request

Format = Literal["DYNAMODB_JSON", "ION"]
"""How a native export's lines are written."""
PATIENCE_SECONDS = 24 * 3600
"""How long an export is waited for. boto3's waiter gives up after 20 minutes, and the service
promises no time at all."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 20.0
IN_PROGRESS = "IN_PROGRESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """An export to be made. The same request and token give the same export for 8 hours."""

    table_arn: str
    bucket: str
    prefix: str
    format: Format
    bucket_owner: str | None = None
    """The account that owns the bucket, where it is another one."""
    kms_key: str | None = None
    """The key that S3 encrypts it with; ``None`` is S3's own."""
    at: datetime | None = None
    """The moment that a full export shall show; ``None`` is now."""
    window: tuple[datetime, datetime] | None = None
    """From when on and until before when changes shall be in it; ``None`` is a full export."""
    old_images: bool = False
    """Whether each change shall also tell what the item was before."""

    def request(self, client_token: str) -> Request:
        """Return the request as the service's API has it."""
        asked: dict[str, Any] = {
            "TableArn": self.table_arn,
            "S3Bucket": self.bucket,
            "ClientToken": client_token,
            "ExportFormat": self.format,
            "ExportType": "FULL_EXPORT",
        }
        if self.at is not None:
            asked["ExportTime"] = self.at
        if self.window is not None:
            asked["ExportType"] = "INCREMENTAL_EXPORT"
            asked["IncrementalExportSpecification"] = {
                "ExportFromTime": self.window[0],
                "ExportToTime": self.window[1],
                "ExportViewType": "NEW_AND_OLD_IMAGES" if self.old_images else "NEW_IMAGE",
            }
        # An empty prefix is refused; leaving it out means the bucket's root.
        if self.prefix.strip("/"):
            asked["S3Prefix"] = self.prefix.strip("/")
        if self.bucket_owner is not None:
            asked["S3BucketOwner"] = self.bucket_owner
        if self.kms_key is not None:
            asked |= {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": self.kms_key}
        return Request(operation="ExportTableToPointInTime", parameters=asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportState:
    """What DescribeExport says of an export."""

    arn: str
    id: str
    status: str
    export_time: datetime | None
    item_count: int | None
    failure: str | None
    """The service's own words, where it failed."""


class Exports:
    """The export calls of DynamoDB."""

    def __init__(self, client: Any) -> None:
        """Use boto3's DynamoDB ``client``."""
        self._client = client

    def start(self, wanted: ExportRequest, client_token: str) -> str:
        """Start an export and return its ARN; the same token gives the same export for 8 h.

        Raises:
            Refused: point-in-time recovery is off.
            Stopped: the service does not answer or says no.
        """
        table_arn, request = wanted.table_arn, wanted.request(client_token)
        with in_words(f"exporting {table_arn}"):
            try:
                answer = request.send(self._client)
            except ClientError as error:
                if code_of(error) == "PointInTimeRecoveryUnavailableException":
                    message = f"{table_arn} has no point-in-time recovery, which an export needs"
                    raise Refused(message, "turn it on for the table") from error
                if code_of(error) == "InvalidExportTimeException":
                    message = f"{table_arn} cannot be exported as of that time"
                    raise Refused(message, "point-in-time recovery does not reach there") from error
                raise
        return str(answer["ExportDescription"]["ExportArn"])

    def describe(self, arn: str) -> ExportState:
        """Return how the export stands."""
        with in_words(f"asking for the export {arn}"):
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
        """Return the export once it is no longer in progress.

        Raises:
            Stopped: it still is after ``patience`` seconds; waiting again goes on with it.
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
                raise Stopped(message, "resuming waits on; or look at it in the AWS console")
            if waited:
                progress.note(f"the export is in progress for {waited} s")
            clock.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
