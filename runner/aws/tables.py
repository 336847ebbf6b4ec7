"""Describes, creates, changes, deletes and scans tables. Reads items and never writes them."""

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.capture import capture, pitr_of, ttl_of
from retable.runner.aws.describe_table import describe
from retable.runner.aws.errors import PolicyUnsupported, code_of, translated_errors
from retable.runner.aws.policy_calls import POLICY_PAUSE_SECONDS, Policies
from retable.runner.aws.scan_pages import as_json, pages, scan
from retable.runner.clock import Clock
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.progress import Progress
from retable.runner.table import requests
from retable.runner.table.resource_policy import is_ours, own_policy
from retable.runner.table.settings import TableDescription, TableSettings
from retable.schema.spec import TypedItem

DEADLINE_SECONDS = 3600.0
"""How long a table may take to become ACTIVE or be deleted; with indexes, minutes."""
ABSENT_SECONDS = 60.0
"""How long DescribeTable may miss a new table; it is eventually consistent."""
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 20.0
FINAL_STATUSES = frozenset(
    ["ARCHIVED", "INACCESSIBLE_ENCRYPTION_CREDENTIALS", "REPLICATION_NOT_AUTHORIZED"]
)
"""Statuses that a table does not leave by itself."""
TOO_FRESH = "ContinuousBackupsUnavailableException"
"""The error of a new table's point-in-time recovery for a while."""


class Tables:
    """The control plane of DynamoDB, and reading items."""

    def __init__(
        self,
        dynamodb: Any,
        client_of: Callable[[str], Any],
        clock: Clock,
        *,
        policy_pause: float = POLICY_PAUSE_SECONDS,
    ) -> None:
        """Use boto3's client ``dynamodb``; ``client_of`` opens those of other services.

        Two changes of one table's policy are at least ``policy_pause`` seconds apart.
        """
        self._client = dynamodb
        self._client_of = client_of
        self._clock = clock
        self.policies = Policies(dynamodb, clock, policy_pause)

    def describe(self, table: str) -> TableDescription | None:
        """Return the table's description, or ``None`` if it does not exist."""
        with translated_errors(f"describing {table}"):
            try:
                return describe(self._client.describe_table(TableName=table)["Table"])
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                raise

    def service_time(self, table: str) -> datetime:
        """Return the time by the service's clock, to the second."""
        with translated_errors(f"describing {table}"):
            answer = self._client.describe_table(TableName=table)
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    def created_at(self, table: str) -> datetime:
        """Return when the table was created, by the service's clock."""
        with translated_errors(f"describing {table}"):
            found = self._client.describe_table(TableName=table)["Table"]
        made: datetime = found["CreationDateTime"]
        return made

    def settings(self, table: str) -> TableSettings | None:
        """Return every setting that a rebuild must restore, or ``None`` without a table."""
        description = self.describe(table)
        if description is None:
            return None
        policy = None
        try:
            present = self.policies.get(description.arn)
            # A freeze or fence of an unfinished run is not a setting of the table.
            policy = own_policy(present.text) if present else None
        except PolicyUnsupported:
            pass
        return capture(self._client, self._client_of, description, policy)

    def is_fenced(self, description: TableDescription) -> bool:
        """Return whether a run has frozen the table and it is still frozen."""
        try:
            present = self.policies.get(description.arn)
        except PolicyUnsupported:
            return False
        return present is not None and is_ours(present.text)

    def create(self, parameters: Mapping[str, Any], fence: str | None) -> None:
        """Send CreateTable; an existing table of that name is left unchanged.

        ``fence`` is the resource policy that it is created with.
        """
        table = str(parameters["TableName"])
        with translated_errors(f"creating {table}"):
            try:
                requests.table_creation(parameters, fence).send(self._client)
                if fence is not None:
                    self.policies.hold(table)
            except ClientError as error:
                if code_of(error) != "ResourceInUseException":
                    raise

    def delete(self, table: str) -> None:
        """Send DeleteTable; does nothing if the table is DELETING or deleted.

        Raises:
            CheckFailed: it has deletion protection.
            Stopped: it is being changed, or the service refuses.
        """
        with translated_errors(f"deleting {table}"):
            try:
                self._client.delete_table(TableName=table)
            except ClientError as error:
                description = self.describe(table)
                if description is None or description.status == "DELETING":
                    return
                # The error code for a protected table is not documented.
                if description.deletion_protection:
                    message = f"the table {table} has deletion protection enabled"
                    raise CheckFailed(message, "it was enabled during the run") from error
                raise

    def wait_active(self, table: str, *, clock: Clock, progress: Progress) -> TableDescription:
        """Return the table once it is ACTIVE.

        Raises:
            Stopped: it does not become ACTIVE, or does not exist.
        """
        began = clock.monotonic()
        for description in self._watch(table, clock, progress):
            if description is None and clock.monotonic() - began > ABSENT_SECONDS:
                message = f"the table {table} does not exist"
                raise Stopped(message, "it was deleted, or never created; resume")
            if description is not None and description.status == "ACTIVE":
                return description
            if description is not None and description.status in FINAL_STATUSES:
                message = f"the table {table} is {description.status}, expected ACTIVE"
                raise Stopped(message, "check it in the console, then resume")
        message = f"the table {table} did not become ACTIVE in time"
        raise Stopped(message, "check it in the console, then resume")

    def wait_deleted(self, table: str, table_id: str, *, clock: Clock, progress: Progress) -> None:
        """Return once the table with ``table_id`` is deleted.

        Raises:
            Stopped: it was not deleted in time.
        """
        for description in self._watch(table, clock, progress):
            if description is None or (description.table_id or "") != table_id:
                return
        message = f"the table {table} was not deleted in time"
        raise Stopped(message, "check it in the console, then resume")

    def recoverable(self, table: str) -> tuple[datetime, datetime] | None:
        """Return the earliest and latest restorable time, if point-in-time recovery is enabled.

        The latest is now: the service reports about five minutes ago, and accepts later times.
        """
        answer = self._client.describe_continuous_backups(TableName=table)
        recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        first = recovery.get("EarliestRestorableDateTime")
        if recovery.get("PointInTimeRecoveryStatus") != "ENABLED" or first is None:
            return None
        return first, self.service_time(table)

    def enable_pitr(self, table: str, *, clock: Clock, progress: Progress) -> None:
        """Enable point-in-time recovery and wait until it is ENABLED.

        A new table answers ContinuousBackupsUnavailableException for a while.

        Raises:
            Stopped: it was not enabled in time.
        """
        for _ in self._watch(table, clock, progress):
            if pitr_of(self._client, table)[0]:
                return
            self.set_pitr(table, enabled=True, days=None)
        message = f"point-in-time recovery of {table} was not enabled in time"
        raise Stopped(message, "check it in the console, then resume")

    def set_pitr(self, table: str, *, enabled: bool, days: int | None) -> None:
        """Enable or disable point-in-time recovery, waiting if the table is too new for it."""
        request = requests.recovery(table, enabled=enabled, days=days)
        end = self._clock.monotonic() + DEADLINE_SECONDS
        pause = FIRST_PAUSE_SECONDS
        with translated_errors(f"setting point-in-time recovery of {table}"):
            while True:
                try:
                    request.send(self._client)
                except ClientError as error:
                    if code_of(error) != TOO_FRESH or self._clock.monotonic() >= end:
                        raise
                    self._clock.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                else:
                    return

    def set_ttl(self, table: str, attribute: str) -> None:
        """Enable TTL on ``attribute``; idempotent."""
        if ttl_of(self._client, table) == attribute:
            return
        with translated_errors(f"setting TTL of {table}"):
            requests.time_to_live(table, attribute).send(self._client)

    def set_stream(self, table: str, view_type: str) -> None:
        """Enable a stream; idempotent, although the service refuses a second call."""
        present = self.describe(table)
        if present is not None and present.stream == view_type:
            return
        with translated_errors(f"enabling the stream of {table}"):
            requests.stream(table, view_type).send(self._client)

    def set_deletion_protection(self, table: str, *, enabled: bool) -> None:
        """Enable or disable deletion protection."""
        with translated_errors(f"setting deletion protection of {table}"):
            requests.deletion_protection(table, enabled=enabled).send(self._client)

    def set_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add these tags."""
        if not tags:
            return
        with translated_errors(f"tagging {arn}"):
            requests.tagging(arn, tags).send(self._client)

    def create_backup(self, table: str, name: str) -> str:
        """Return the ARN of the table's backup ``name``, created now if there is none."""
        with translated_errors(f"backing up {table}"):
            listed = self._client.get_paginator("list_backups").paginate(
                TableName=table, BackupType="USER"
            )
            for page in listed:
                for backup in page["BackupSummaries"]:
                    if backup["BackupName"] == name:
                        return str(backup["BackupArn"])
            answer = self._client.create_backup(TableName=table, BackupName=name)
        return str(answer["BackupDetails"]["BackupArn"])

    def backup_status(self, arn: str) -> str:
        """Return CREATING, AVAILABLE or DELETED."""
        with translated_errors(f"describing the backup {arn}"):
            answer = self._client.describe_backup(BackupArn=arn)["BackupDescription"]
        return str(answer["BackupDetails"]["BackupStatus"])

    def restore_backup(self, arn: str, table: str, sse: Mapping[str, Any] | None) -> None:
        """Start restoring ``table`` from a backup; an existing table is left unchanged."""
        with translated_errors(f"restoring {table} from its backup"):
            try:
                requests.restoration(arn, table, sse).send(self._client)
            except ClientError as error:
                if code_of(error) not in {"TableAlreadyExistsException", "TableInUseException"}:
                    raise

    def restored_from(self, table: str) -> str | None:
        """Return the ARN of the backup that a table was restored from, if any."""
        with translated_errors(f"describing {table}"):
            answer = self._client.describe_table(TableName=table)["Table"]
        found = (answer.get("RestoreSummary") or {}).get("SourceBackupArn")
        return None if found is None else str(found)

    def counts(self, table: str) -> Iterator[int]:
        """Yield the item count of each page of a table, by consistent reads.

        Raises:
            Stopped: the service does not answer, or throttles reads for minutes.
        """
        request = {"TableName": table, "ConsistentRead": True, "Select": "COUNT"}
        with translated_errors(f"counting the items of {table}"):
            for page in pages(self._client, self._clock, request):
                yield int(page["Count"])

    def is_empty(self, table: str) -> bool:
        """Return whether a consistent scan finds no item."""
        request = {"TableName": table, "ConsistentRead": True, "Select": "COUNT", "Limit": 1}
        with translated_errors(f"checking whether {table} is empty"):
            return not any(page["Count"] for page in pages(self._client, self._clock, request))

    def scan_pages(
        self,
        table: str,
        *,
        segment: int,
        segments: int,
        consistent: bool = True,
        spent: Callable[[float], None] | None = None,
    ) -> Iterator[list[TypedItem]]:
        """Yield the items of one segment page by page, as DynamoDB JSON with B in base64.

        ``spent`` gets the read units of each page before the next request.

        Raises:
            Stopped: the service does not answer, or throttles reads for minutes.
        """
        request = {
            "TableName": table,
            "ConsistentRead": consistent,
            "Segment": segment,
            "TotalSegments": segments,
        }
        with translated_errors(f"reading {table}"):
            yield from scan(self._client, self._clock, request, spent)

    def get_item(self, table: str, key: TypedItem) -> TypedItem | None:
        """Return the item with that key by a consistent read; ``None`` if there is none.

        Raises:
            Stopped: the service does not answer, or throttles reads.
        """
        given = {name: _from_json(typed) for name, typed in key.items()}
        with translated_errors(f"reading an item of {table}"):
            answer = self._client.get_item(TableName=table, Key=given, ConsistentRead=True)
        return as_json(answer["Item"]) if "Item" in answer else None

    def _watch(
        self, table: str, clock: Clock, progress: Progress
    ) -> Iterator[TableDescription | None]:
        """Yield the table's description at growing intervals until the deadline."""
        end = clock.monotonic() + DEADLINE_SECONDS
        pause = FIRST_PAUSE_SECONDS
        while clock.monotonic() < end:
            description = self.describe(table)
            yield description
            if pause > 1:
                progress.note(f"{table} is {description.status if description else 'deleted'}")
            clock.sleep(pause)
            pause = min(pause * 1.6, LONGEST_PAUSE_SECONDS)


def _from_json(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a key attribute in boto3's form: binary as bytes."""
    return {
        kind: base64.b64decode(value) if kind == "B" else value for kind, value in typed.items()
    }
