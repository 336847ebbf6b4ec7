"""Tables: described, changed, made, deleted, scanned. Items are read here and never written."""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.describe import describe
from retable.runner.aws.errors import UNKNOWN_CALL, PolicyUnsupported, code_of, in_words
from retable.runner.aws.settings import TableDescription, TableSettings
from retable.runner.clock import Clock
from retable.runner.failure import CheckFailed, Refused, Stopped
from retable.runner.progress import Progress
from retable.schema.spec import TypedItem

DEADLINE_SECONDS = 3600.0
"""How long a table may take to become ACTIVE or to go; one with indexes takes minutes."""
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A table's resource policy, and when it was seen, by the service's own clock."""

    text: str
    revision_id: str
    seen_at: datetime


class Tables:
    """The control plane of DynamoDB, and reading items."""

    def __init__(self, dynamodb: Any, autoscaling: Callable[[], Any]) -> None:
        """Use boto3's clients; that for application-autoscaling is opened when it is needed."""
        self._client = dynamodb
        self._autoscaling = autoscaling

    def describe(self, table: str) -> TableDescription | None:
        """Return what the table is, or ``None`` if there is none of that name."""
        with in_words(f"describing {table}"):
            try:
                return describe(self._client.describe_table(TableName=table)["Table"])
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                raise

    def settings(self, table: str) -> TableSettings | None:
        """Return everything that must come back after a rebuild, or ``None`` without a table."""
        description = self.describe(table)
        if description is None:
            return None
        policy = None
        try:
            present = self.get_policy(description.arn)
            policy = present.text if present else None
        except PolicyUnsupported:
            pass
        pitr, days = self._pitr(table)
        return TableSettings(
            description=description,
            ttl=self._ttl(table),
            pitr=pitr,
            pitr_days=days,
            tags=self._tags(description.arn),
            policy=policy,
            unkept=tuple(self._unkept(description)),
        )

    def create(self, request: Mapping[str, Any]) -> None:
        """Send CreateTable; a table of that name that is there already is left as it is."""
        with in_words(f"creating {request['TableName']}"):
            try:
                self._client.create_table(**request)
            except ClientError as error:
                if code_of(error) != "ResourceInUseException":
                    raise

    def delete(self, table: str) -> None:
        """Send DeleteTable; one that is going or gone is left alone."""
        with in_words(f"deleting {table}"):
            try:
                self._client.delete_table(TableName=table)
            except ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise

    def wait_active(self, table: str, *, clock: Clock, progress: Progress) -> TableDescription:
        """Return the table once it is ACTIVE.

        Raises:
            Stopped: it does not become ACTIVE, or is not there.
        """
        for description in self._watch(table, clock, progress):
            if description is not None and description.status == "ACTIVE":
                return description
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

    def get_policy(self, arn: str) -> Policy | None:
        """Return the table's resource policy, or ``None``.

        Raises:
            PolicyUnsupported: the endpoint does not know resource policies.
        """
        with in_words(f"reading the policy of {arn}"):
            try:
                answer = self._client.get_resource_policy(ResourceArn=arn)
            except ClientError as error:
                if code_of(error) == "PolicyNotFoundException":
                    return None
                raise _or_unsupported(error) from error
        date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        return Policy(
            text=answer["Policy"],
            revision_id=answer["RevisionId"],
            seen_at=parsedate_to_datetime(date),
        )

    def put_policy(self, arn: str, text: str, expected_revision: str | None) -> None:
        """Give the table this policy, if it still has the expected one (``None``: none).

        Raises:
            CheckFailed: someone else changed it meanwhile.
            PolicyUnsupported: the endpoint does not know resource policies.
        """
        revision = expected_revision or "NO_POLICY"
        with in_words(f"changing the policy of {arn}"):
            try:
                self._client.put_resource_policy(
                    ResourceArn=arn, Policy=text, ExpectedRevisionId=revision
                )
            except ClientError as error:
                raise _or_unsupported(_or_changed(error, arn)) from error

    def delete_policy(self, arn: str, expected_revision: str) -> None:
        """Take the table's policy away, if it is still the expected one.

        Raises:
            CheckFailed: someone else changed it meanwhile.
        """
        with in_words(f"removing the policy of {arn}"):
            try:
                self._client.delete_resource_policy(
                    ResourceArn=arn, ExpectedRevisionId=expected_revision
                )
            except ClientError as error:
                if code_of(error) == "PolicyNotFoundException":
                    return
                raise _or_changed(error, arn) from error

    def enable_pitr(self, table: str, *, clock: Clock, progress: Progress) -> None:
        """Turn point-in-time recovery on and wait until it is.

        A fresh table answers ContinuousBackupsUnavailableException for a while.

        Raises:
            Stopped: it does not come on.
        """
        for _ in self._watch(table, clock, progress):
            if self._pitr(table)[0]:
                return
            try:
                self.set_pitr(table, enabled=True, days=None)
            except Stopped as error:
                if "ContinuousBackupsUnavailableException" not in error.message:
                    raise
        message = f"point-in-time recovery of {table} does not come on"
        raise Stopped(message)

    def set_pitr(self, table: str, *, enabled: bool, days: int | None) -> None:
        """Turn point-in-time recovery on or off."""
        wanted: dict[str, Any] = {"PointInTimeRecoveryEnabled": enabled}
        if enabled and days is not None:
            wanted["RecoveryPeriodInDays"] = days
        with in_words(f"setting point-in-time recovery of {table}"):
            self._client.update_continuous_backups(
                TableName=table, PointInTimeRecoverySpecification=wanted
            )

    def set_ttl(self, table: str, attribute: str) -> None:
        """Let items expire by ``attribute``."""
        wanted = {"Enabled": True, "AttributeName": attribute}
        with in_words(f"setting TTL of {table}"):
            self._client.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)

    def set_stream(self, table: str, view_type: str) -> None:
        """Turn a stream on."""
        wanted = {"StreamEnabled": True, "StreamViewType": view_type}
        with in_words(f"turning the stream of {table} on"):
            self._client.update_table(TableName=table, StreamSpecification=wanted)

    def set_deletion_protection(self, table: str, *, enabled: bool) -> None:
        """Turn deletion protection on or off."""
        with in_words(f"setting deletion protection of {table}"):
            self._client.update_table(TableName=table, DeletionProtectionEnabled=enabled)

    def set_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add these tags."""
        if not tags:
            return
        with in_words(f"tagging {arn}"):
            self._client.tag_resource(
                ResourceArn=arn,
                Tags=[{"Key": name, "Value": value} for name, value in sorted(tags.items())],
            )

    def create_backup(self, table: str, name: str) -> str:
        """Return the ARN of the table's backup called ``name``, made now if there is none."""
        with in_words(f"backing up {table}"):
            pages = self._client.get_paginator("list_backups").paginate(
                TableName=table, BackupType="USER"
            )
            for page in pages:
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

    def is_empty(self, table: str) -> bool:
        """Return whether a consistent scan finds no item."""
        with in_words(f"looking into {table}"):
            pages = self._client.get_paginator("scan").paginate(
                TableName=table, ConsistentRead=True, Select="COUNT", Limit=1
            )
            return not any(page["Count"] for page in pages)

    def scan_pages(
        self, table: str, *, segment: int, segments: int, consistent: bool = True
    ) -> Iterator[list[TypedItem]]:
        """Yield the items of one segment page by page, as DynamoDB JSON with B as base64 text.

        Raises:
            Stopped: the service does not answer.
        """
        with in_words(f"reading {table}"):
            pages = self._client.get_paginator("scan").paginate(
                TableName=table,
                ConsistentRead=consistent,
                Segment=segment,
                TotalSegments=segments,
            )
            for page in pages:
                yield [
                    {name: _as_json(value) for name, value in item.items()}
                    for item in page["Items"]
                ]

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

    def _ttl(self, table: str) -> str | None:
        """Return the attribute by which items expire."""
        answer = self._if_known(self._client.describe_time_to_live, TableName=table)
        found = answer.get("TimeToLiveDescription", {})
        on = found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
        return found.get("AttributeName") if on else None

    def _pitr(self, table: str) -> tuple[bool, int | None]:
        """Return whether point-in-time recovery is on, and how many days back it reaches."""
        answer = self._if_known(self._client.describe_continuous_backups, TableName=table)
        found = answer.get("ContinuousBackupsDescription", {}).get(
            "PointInTimeRecoveryDescription", {}
        )
        on = found.get("PointInTimeRecoveryStatus") == "ENABLED"
        return on, found.get("RecoveryPeriodInDays") if on else None

    def _tags(self, arn: str) -> dict[str, str]:
        """Return the table's own tags; those of AWS services cannot be set by anyone."""
        tags: dict[str, str] = {}
        more: dict[str, str] = {}
        while True:
            answer = self._if_known(self._client.list_tags_of_resource, ResourceArn=arn, **more)
            tags.update({tag["Key"]: tag["Value"] for tag in answer.get("Tags", ())})
            if not answer.get("NextToken"):
                return {name: tags[name] for name in sorted(tags) if not name.startswith("aws:")}
            more = {"NextToken": answer["NextToken"]}

    def _unkept(self, description: TableDescription) -> Iterator[str]:
        """Yield what the table has and cannot be carried over yet."""
        if description.replicas:
            yield "replicas in other regions"
        answer = self._if_known(
            self._client.describe_kinesis_streaming_destination, TableName=description.name
        )
        destinations = answer.get("KinesisDataStreamDestinations", ())
        if any(entry.get("DestinationStatus") == "ACTIVE" for entry in destinations):
            yield "a Kinesis stream"
        scaled = self._if_known(
            self._autoscaling().describe_scalable_targets,
            ServiceNamespace="dynamodb",
            ResourceIds=[f"table/{description.name}"],
        )
        if scaled.get("ScalableTargets"):
            yield "autoscaling"

    def _if_known(self, call: Callable[..., Any], **request: Any) -> dict[str, Any]:
        """Return the answer, or nothing from an endpoint that does not know the call."""
        with in_words("reading the table's settings"):
            try:
                answer: dict[str, Any] = call(**request)
            except ClientError as error:
                if code_of(error) in UNKNOWN_CALL:
                    return {}
                raise
        return answer


def _or_unsupported(error: Exception) -> Exception:
    """Return ``PolicyUnsupported`` for an endpoint without resource policies, else ``error``."""
    if isinstance(error, ClientError) and code_of(error) in UNKNOWN_CALL:
        return PolicyUnsupported("the endpoint does not know resource policies")
    return error


def _or_changed(error: ClientError, arn: str) -> Exception:
    """Return what to raise where the policy is not the expected one any more."""
    if code_of(error) == "PolicyNotFoundException":
        return CheckFailed(f"the policy of {arn} was changed by someone else", "start again")
    if code_of(error) == "LimitExceededException":
        return Refused(f"the policy of {arn} cannot be changed just now", "try again in a minute")
    return error


def _as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a typed value as DynamoDB JSON: boto3 hands binary out as bytes."""
    [(kind, inner)] = value.items()
    match kind:
        case "B":
            return {kind: base64.b64encode(inner).decode()}
        case "BS":
            return {kind: [base64.b64encode(member).decode() for member in inner]}
        case "L":
            return {kind: [_as_json(member) for member in inner]}
        case "M":
            return {kind: {name: _as_json(member) for name, member in inner.items()}}
        case _:
            return {kind: inner}
