"""Everything about a table that DescribeTable does not say, read before the first change (I8).

An endpoint that does not know one of the calls has nothing of the kind; AWS knows them all.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.errors import in_words, is_unknown_call
from retable.runner.aws.settings import TableDescription, TableSettings

ON = frozenset(["ACTIVE", "ENABLED", "ENABLING", "UPDATING"])
SERVICE_TAG = "aws:"
"""How the tags of AWS's own services begin; nobody else can set them."""


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
    return TableSettings(
        description=replace(description, sse=_sse(client_of, description.sse)),
        ttl=ttl_of(dynamodb, description.name),
        pitr=pitr,
        pitr_days=days,
        tags=_tags(dynamodb, description.arn),
        policy=policy,
        unkept=tuple(_unkept(dynamodb, client_of, description)),
    )


def ttl_of(dynamodb: Any, table: str) -> str | None:
    """Return the attribute by which items expire."""
    with in_words(f"reading how items of {table} expire"):
        answer = _if_known(dynamodb.describe_time_to_live, TableName=table)
    found = answer.get("TimeToLiveDescription", {})
    return found.get("AttributeName") if found.get("TimeToLiveStatus") in ON else None


def pitr_of(dynamodb: Any, table: str) -> tuple[bool, int | None]:
    """Return whether point-in-time recovery is on, and how many days back it reaches."""
    with in_words(f"reading point-in-time recovery of {table}"):
        answer = _if_known(dynamodb.describe_continuous_backups, TableName=table)
    backups = answer.get("ContinuousBackupsDescription", {})
    found = backups.get("PointInTimeRecoveryDescription", {})
    on = found.get("PointInTimeRecoveryStatus") in ON
    return on, found.get("RecoveryPeriodInDays") if on else None


def _sse(
    client_of: Callable[[str], Any], found: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """Return the encryption to ask for: DynamoDB's own key must not be named by its ARN.

    CreateTable's KMSMasterKeyId is for keys other than ``alias/aws/dynamodb``, and DescribeTable
    shows that one's ARN all the same.
    """
    if found is None or "KMSMasterKeyId" not in found:
        return found
    with in_words("looking at the table's encryption key", "kms"):
        answer = _if_known(client_of("kms").describe_key, KeyId=found["KMSMasterKeyId"])
    if answer.get("KeyMetadata", {}).get("KeyManager") != "AWS":
        return found
    return {name: value for name, value in found.items() if name != "KMSMasterKeyId"}


def _tags(dynamodb: Any, arn: str) -> dict[str, str]:
    """Return the table's own tags."""
    tags: dict[str, str] = {}
    more: dict[str, str] = {}
    while True:
        with in_words(f"reading the tags of {arn}"):
            answer = _if_known(dynamodb.list_tags_of_resource, ResourceArn=arn, **more)
        tags.update({tag["Key"]: tag["Value"] for tag in answer.get("Tags", ())})
        if not answer.get("NextToken"):
            return {name: tags[name] for name in sorted(tags) if not name.startswith(SERVICE_TAG)}
        more = {"NextToken": answer["NextToken"]}


def _unkept(
    dynamodb: Any, client_of: Callable[[str], Any], description: TableDescription
) -> Iterator[str]:
    """Yield what the table has and cannot be carried over yet."""
    if description.replicas:
        yield "replicas in other regions"
    if description.vector_indexes:
        yield "vector indexes"
    with in_words(f"looking for a Kinesis stream of {description.name}"):
        answer = _if_known(
            dynamodb.describe_kinesis_streaming_destination, TableName=description.name
        )
    destinations = answer.get("KinesisDataStreamDestinations", ())
    if any(entry.get("DestinationStatus") in ON for entry in destinations):
        yield "a Kinesis stream"
    if _is_scaled(client_of, description):
        yield "autoscaling"


def _is_scaled(client_of: Callable[[str], Any], description: TableDescription) -> bool:
    """Return whether something scales the table or one of its indexes."""
    table = f"table/{description.name}"
    resources = [table, *(f"{table}/index/{index.name}" for index in description.indexes.global_)]
    with in_words(f"looking for autoscaling of {description.name}", "application-autoscaling"):
        answer = _if_known(
            client_of("application-autoscaling").describe_scalable_targets,
            ServiceNamespace="dynamodb",
            ResourceIds=resources,
        )
    return bool(answer.get("ScalableTargets"))


def _if_known(call: Callable[..., Any], **request: Any) -> dict[str, Any]:
    """Return the answer, or nothing from an endpoint that does not know the call."""
    try:
        answer: dict[str, Any] = call(**request)
    except ClientError as error:
        if is_unknown_call(error):
            return {}
        raise
    return answer
