"""One export as DescribeExport shows it. ``export_operations`` creates them."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retable.runner.export.write_export import ExportHead, ExportWindow


@dataclass(slots=True, kw_only=True)
class ExportJob:
    """One export, as DescribeExport shows it."""

    arn: str
    token: str
    parameters: Mapping[str, Any]
    """The request's parameters, without the token."""
    table_arn: str
    table_id: str
    start: datetime
    bucket: str
    prefix: str | None
    files: int
    export_time: datetime
    """The export time of a full export."""
    window: ExportWindow | None = None
    """The window of an incremental export."""
    item_count: int = 0
    size: int = 0
    status: str = "IN_PROGRESS"
    failure: tuple[str, str] | None = None
    end: datetime | None = None
    thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def export_id(self) -> str:
        """Return the id, which names the folder in S3."""
        return self.arn.rpartition("/")[2]

    @property
    def head(self) -> ExportHead:
        """Return the export's description in its manifests."""
        return ExportHead(
            table_arn=self.table_arn,
            table_id=self.table_id,
            bucket=self.bucket,
            prefix=self.prefix,
            export_id=self.export_id,
            export_time=self.export_time,
            output_format=self.parameters.get("ExportFormat", "DYNAMODB_JSON"),
            kms_key=self.parameters.get("S3SseKmsKeyId"),
            window=self.window,
        )

    def _covered(self) -> dict[str, Any]:
        """Return the members with its export time or window."""
        if self.window is None:
            return {"ExportTime": self.export_time.timestamp()}
        specification = {
            "ExportFromTime": self.window.start.timestamp(),
            "ExportToTime": self.window.end.timestamp(),
            "ExportViewType": self.window.view,
        }
        return {"IncrementalExportSpecification": specification}

    def describe(self) -> dict[str, Any]:
        """Return ``ExportDescription``; times are epoch seconds."""
        answer: dict[str, Any] = {
            "ExportArn": self.arn,
            "ExportStatus": self.status,
            "StartTime": self.start.timestamp(),
            **self._covered(),
            "TableArn": self.table_arn,
            "TableId": self.table_id,
            "ClientToken": self.token,
            "S3Bucket": self.bucket,
            "S3SseAlgorithm": self.parameters.get("S3SseAlgorithm", "AES256"),
            "ExportFormat": self.head.output_format,
        }
        for name in ("S3BucketOwner", "S3SseKmsKeyId"):
            if name in self.parameters:
                answer[name] = self.parameters[name]
        if self.prefix is not None:
            answer["S3Prefix"] = self.prefix
        if "ExportType" in self.parameters:
            answer["ExportType"] = self.parameters["ExportType"]
        if self.end is not None:
            answer["EndTime"] = self.end.timestamp()
        if self.failure is not None:
            answer["FailureCode"], answer["FailureMessage"] = self.failure
        if self.status == "COMPLETED":
            prefix = f"{self.prefix.rstrip('/')}/" if self.prefix else ""
            answer["ExportManifest"] = f"{prefix}AWSDynamoDB/{self.export_id}/manifest-summary.json"
            answer["ItemCount"] = self.item_count
            answer["BilledSizeBytes"] = self.size
        return answer
