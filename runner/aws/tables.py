"""Tables: described, changed, made, deleted, scanned. Items are read here and never written."""

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.capture import capture, pitr_of, ttl_of
from retable.runner.aws.describe_table import describe
from retable.runner.aws.errors import PolicyUnsupported, code_of, in_words
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
"""How long a table may take to become ACTIVE or to go; one with indexes takes minutes."""
ABSENT_SECONDS = 60.0
"""How long DescribeTable may not know a table that was just made; it is eventually consistent."""
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 20.0
HOPELESS = frozenset(
    ["ARCHIVED", "INACCESSIBLE_ENCRYPTION_CREDENTIALS", "REPLICATION_NOT_AUTHORIZED"]
)
"""States that a table does not leave by itself."""
TOO_FRESH = "ContinuousBackupsUnavailableException"
"""What a table that was just made says of point-in-time recovery for a while."""


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

        Between two changes of one table's policy there are ``policy_pause`` seconds at least.
        """
        self._client = dynamodb
        self._client_of = client_of
        self._clock = clock
        self.policies = Policies(dynamodb, clock, policy_pause)

    def describe(self, table: str) -> TableDescription | None:
        """Return what the table is, or ``None`` if there is none of that name."""
        with in_words(f"describing {table}"):
            try:
                return describe(self._client.describe_table(TableName=table)["Table"])
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                raise

    def service_time(self, table: str) -> datetime:
        """Return what time it is by the service's own clock, to the second."""
        with in_words(f"describing {table}"):
            answer = self._client.describe_table(TableName=table)
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    def created_at(self, table: str) -> datetime:
        """Return when the table was made, by the service's own clock."""
        with in_words(f"describing {table}"):
            found = self._client.describe_table(TableName=table)["Table"]
        made: datetime = found["CreationDateTime"]
        return made

    def settings(self, table: str) -> TableSettings | None:
        """Return everything that must come back after a rebuild, or ``None`` without a table."""
        description = self.describe(table)
        if description is None:
            return None
        policy = None
        try:
            present = self.policies.get(description.arn)
            # What a run that was left put there is no setting of the table's own.
            policy = own_policy(present.text) if present else None
        except PolicyUnsupported:
            pass
        return capture(self._client, self._client_of, description, policy)

    def is_fenced(self, description: TableDescription) -> bool:
        """Return whether a run has stopped writes to the table, and nobody has let them go on."""
        try:
            present = self.policies.get(description.arn)
        except PolicyUnsupported:
            return False
        return present is not None and is_ours(present.text)

    def create(self, parameters: Mapping[str, Any], fence: str | None) -> None:
        """Send CreateTable; a table of that name that is there already is left as it is.

        ``fence`` is the resource policy that it is born with.
        """
        table = str(parameters["TableName"])
        with in_words(f"creating {table}"):
            try:
                requests.table_creation(parameters, fence).send(self._client)
                if fence is not None:
                    self.policies.hold(table)
            except ClientError as error:
                if code_of(error) != "ResourceInUseException":
                    raise

    def delete(self, table: str) -> None:
        """Send DeleteTable; one that is going or gone is left alone.

        Raises:
            CheckFailed: it is protected against deletion.
            Stopped: it is being changed, or the service says no.
        """
        with in_words(f"deleting {table}"):
            try:
                self._client.delete_table(TableName=table)
            except ClientError as error:
                description = self.describe(table)
                if description is None or description.status == "DELETING":
                    return
                # Which code a protected table answers is not documented.
                if description.deletion_protection:
                    message = f"the table {table} is protected against deletion"
                    raise CheckFailed(message, "someone turned it on meanwhile") from error
                raise

    def wait_active(self, table: str, *, clock: Clock, progress: Progress) -> TableDescription:
        """Return the table once it is ACTIVE.

        Raises:
            Stopped: it does not become ACTIVE, or is not there.
        """
        began = clock.monotonic()
        for description in self._watch(table, clock, progress):
            if description is None and clock.monotonic() - began > ABSENT_SECONDS:
                message = f"the table {table} is not there"
                raise Stopped(message, "someone deleted it, or it was never made; resume")
            if description is not None and description.status == "ACTIVE":
                return description
            if description is not None and description.status in HOPELESS:
                message = f"the table {table} is {description.status}, expected ACTIVE"
                raise Stopped(message, "look at it in the console, then resume")
        message = f"the table {table} does not become ACTIVE"
        raise Stopped(message, "look at it in the console, then resume")

    def wait_gone(self, table: str, table_id: str, *, clock: Clock, progress: Progress) -> None:
        """Return once the table with ``table_id`` is gone.

        Raises:
            Stopped: it does not go.
        """
        for description in self._watch(table, clock, progress):
            if description is None or (description.table_id or "") != table_id:
                return
        message = f"the table {table} does not go away"
        raise Stopped(message, "look at it in the console, then resume")

    def recoverable(self, table: str) -> tuple[datetime, datetime] | None:
        """Return the first and the last moment that point-in-time recovery knows, where it is on.

        The last is now: the service tells one about five minutes back, and takes later ones.
        """
        answer = self._client.describe_continuous_backups(TableName=table)
        told = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        first = told.get("EarliestRestorableDateTime")
        if told.get("PointInTimeRecoveryStatus") != "ENABLED" or first is None:
            return None
        return first, self.service_time(table)

    def enable_pitr(self, table: str, *, clock: Clock, progress: Progress) -> None:
        """Turn point-in-time recovery on and wait until it is.

        A fresh table answers ContinuousBackupsUnavailableException for a while.

        Raises:
            Stopped: it does not come on.
        """
        for _ in self._watch(table, clock, progress):
            if pitr_of(self._client, table)[0]:
                return
            self.set_pitr(table, enabled=True, days=None)
        message = f"point-in-time recovery of {table} does not come on"
        raise Stopped(message, "look at it in the console, then resume")

    def set_pitr(self, table: str, *, enabled: bool, days: int | None) -> None:
        """Turn point-in-time recovery on or off, waiting where the table is too fresh for it."""
        wanted = requests.recovery(table, enabled=enabled, days=days)
        end = self._clock.monotonic() + DEADLINE_SECONDS
        pause = FIRST_PAUSE_SECONDS
        with in_words(f"setting point-in-time recovery of {table}"):
            while True:
                try:
                    wanted.send(self._client)
                except ClientError as error:
                    if code_of(error) != TOO_FRESH or self._clock.monotonic() >= end:
                        raise
                    self._clock.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                else:
                    return

    def set_ttl(self, table: str, attribute: str) -> None:
        """Let items expire by ``attribute``; again is harmless."""
        if ttl_of(self._client, table) == attribute:
            return
        with in_words(f"setting TTL of {table}"):
            requests.time_to_live(table, attribute).send(self._client)

    def set_stream(self, table: str, view_type: str) -> None:
        """Turn a stream on; again is harmless, where the service would refuse it."""
        present = self.describe(table)
        if present is not None and present.stream == view_type:
            return
        with in_words(f"turning the stream of {table} on"):
            requests.stream(table, view_type).send(self._client)

    def set_deletion_protection(self, table: str, *, enabled: bool) -> None:
        """Turn deletion protection on or off."""
        with in_words(f"setting deletion protection of {table}"):
            requests.deletion_protection(table, enabled=enabled).send(self._client)

    def set_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add these tags."""
        if not tags:
            return
        with in_words(f"tagging {arn}"):
            requests.tagging(arn, tags).send(self._client)

    def create_backup(self, table: str, name: str) -> str:
        """Return the ARN of the table's backup called ``name``, made now if there is none."""
        with in_words(f"backing up {table}"):
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
        with in_words(f"asking for the backup {arn}"):
            answer = self._client.describe_backup(BackupArn=arn)["BackupDescription"]
        return str(answer["BackupDetails"]["BackupStatus"])

    def restore_backup(self, arn: str, table: str, sse: Mapping[str, Any] | None) -> None:
        """Begin to make ``table`` of a backup; one of that name that is there is left as it is."""
        with in_words(f"restoring {table} from its backup"):
            try:
                requests.restoration(arn, table, sse).send(self._client)
            except ClientError as error:
                if code_of(error) not in {"TableAlreadyExistsException", "TableInUseException"}:
                    raise

    def restored_from(self, table: str) -> str | None:
        """Return the ARN of the backup that a table was made of, if it was made of one."""
        with in_words(f"describing {table}"):
            answer = self._client.describe_table(TableName=table)["Table"]
        found = (answer.get("RestoreSummary") or {}).get("SourceBackupArn")
        return None if found is None else str(found)

    def counts(self, table: str) -> Iterator[int]:
        """Yield how many items each page of a table has, by consistent reads.

        Raises:
            Stopped: the service does not answer, or has no room for reads for minutes.
        """
        request = {"TableName": table, "ConsistentRead": True, "Select": "COUNT"}
        with in_words(f"counting the items of {table}"):
            for page in pages(self._client, self._clock, request):
                yield int(page["Count"])

    def is_empty(self, table: str) -> bool:
        """Return whether a consistent scan finds no item."""
        request = {"TableName": table, "ConsistentRead": True, "Select": "COUNT", "Limit": 1}
        with in_words(f"looking into {table}"):
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
        """Yield the items of one segment page by page, as DynamoDB JSON with B as base64 text.

        ``spent`` is told the read units of each page before the next one is asked for.

        Raises:
            Stopped: the service does not answer, or has no room for reads for minutes.
        """
        request = {
            "TableName": table,
            "ConsistentRead": consistent,
            "Segment": segment,
            "TotalSegments": segments,
        }
        with in_words(f"reading {table}"):
            yield from scan(self._client, self._clock, request, spent)

    def get_item(self, table: str, key: TypedItem) -> TypedItem | None:
        """Return the item of that key by a consistent read; ``None`` if there is none.

        Raises:
            Stopped: the service does not answer, or has no room for reads.
        """
        given = {name: _from_json(typed) for name, typed in key.items()}
        with in_words(f"reading an item of {table}"):
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
                progress.note(f"{table} is {description.status if description else 'gone'}")
            clock.sleep(pause)
            pause = min(pause * 1.6, LONGEST_PAUSE_SECONDS)


def _from_json(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a key attribute as boto3 takes it: binary as bytes."""
    return {
        kind: base64.b64decode(value) if kind == "B" else value for kind, value in typed.items()
    }
