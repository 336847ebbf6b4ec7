"""The request that exports a table to S3, whole or the changes of a window.

Built only here, for the call and for the check before it; it is sent by ``aws.exports``.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from retable.runner.table.requests import Request

Format = Literal["DYNAMODB_JSON", "ION"]
"""How a native export's lines are written."""


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
