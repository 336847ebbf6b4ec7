"""Captures the settings that DescribeTable does not return, before the first change (I8).

An endpoint that does not support one of the calls has no such setting; AWS supports them all.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from retable.runner.aws.errors import if_known, translated_errors
from retable.runner.aws.read_attached import ON, attached_to
from retable.runner.table.settings import TableDescription, TableSettings
from retable.schema.limits import is_tag_key


def capture(
    dynamodb: Any,
    client_of: Callable[[str], Any],
    description: TableDescription,
    policy: str | None,
) -> TableSettings:
    """Return the settings of the table that ``description`` describes.

    ``client_of`` opens boto3's client for another service.

    Raises:
        Stopped: a service does not answer or denies access.
    """
    pitr, days = pitr_of(dynamodb, description.name)
    attached, unkept = attached_to(dynamodb, client_of, description)
    return TableSettings(
        description=replace(description, sse=_sse(client_of, description.sse)),
        ttl=ttl_of(dynamodb, description.name),
        pitr=pitr,
        pitr_days=days,
        tags=_tags(dynamodb, description.arn),
        policy=policy,
        unkept=(*_unkept(description), *unkept),
        attached=attached,
    )


def ttl_of(dynamodb: Any, table: str) -> str | None:
    """Return the TTL attribute, if TTL is enabled."""
    with translated_errors(f"reading the TTL of {table}"):
        answer = if_known(dynamodb.describe_time_to_live, TableName=table)
    found = answer.get("TimeToLiveDescription", {})
    return found.get("AttributeName") if found.get("TimeToLiveStatus") in ON else None


def pitr_of(dynamodb: Any, table: str) -> tuple[bool, int | None]:
    """Return whether point-in-time recovery is enabled, and its recovery period in days."""
    with translated_errors(f"reading point-in-time recovery of {table}"):
        answer = if_known(dynamodb.describe_continuous_backups, TableName=table)
    backups = answer.get("ContinuousBackupsDescription", {})
    found = backups.get("PointInTimeRecoveryDescription", {})
    on = found.get("PointInTimeRecoveryStatus") in ON
    return on, found.get("RecoveryPeriodInDays") if on else None


def _sse(
    client_of: Callable[[str], Any], found: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """Return the encryption to request: DynamoDB's own key must not be named by its ARN.

    CreateTable's KMSMasterKeyId is for keys other than ``alias/aws/dynamodb``, and DescribeTable
    shows the ARN of that key as well.
    """
    if found is None or "KMSMasterKeyId" not in found:
        return found
    with translated_errors("reading the table's encryption key", "kms"):
        answer = if_known(client_of("kms").describe_key, KeyId=found["KMSMasterKeyId"])
    if answer.get("KeyMetadata", {}).get("KeyManager") != "AWS":
        return found
    return {name: value for name, value in found.items() if name != "KMSMasterKeyId"}


def _tags(dynamodb: Any, arn: str) -> dict[str, str]:
    """Return the user's tags; the tags of AWS services cannot be set."""
    tags: dict[str, str] = {}
    more: dict[str, str] = {}
    while True:
        with translated_errors(f"reading the tags of {arn}"):
            answer = if_known(dynamodb.list_tags_of_resource, ResourceArn=arn, **more)
        tags.update({tag["Key"]: tag["Value"] for tag in answer.get("Tags", ())})
        if not answer.get("NextToken"):
            return {name: tags[name] for name in sorted(tags) if is_tag_key(name)}
        more = {"NextToken": answer["NextToken"]}


def _unkept(description: TableDescription) -> Iterator[str]:
    """Yield the features of the table that cannot be carried over yet."""
    if description.replicas:
        yield f"replicas in {', '.join(description.replicas)}"
    if description.vector_indexes:
        yield "vector indexes"
