"""Requests that write from S3: ImportTable and StartBulkPutItems.

Built only here, for the call and for the check before it; they are sent by ``aws.bulk``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retable.runner.table.requests import Request

BULK_PUT = "StartBulkPutItems"
IMPORT_PARAMETERS = frozenset(
    [
        "TableName",
        "AttributeDefinitions",
        "KeySchema",
        "BillingMode",
        "ProvisionedThroughput",
        "OnDemandThroughput",
        "SSESpecification",
        "GlobalSecondaryIndexes",
    ]
)
"""The CreateTable parameters that an import takes; the rest is set afterwards or not at all."""
FORMAT = {"InputFormat": "DYNAMODB_JSON", "InputCompressionType": "GZIP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """Objects of gzipped DynamoDB JSON under a prefix."""

    bucket: str
    prefix: str
    bucket_owner: str | None
    kms_key: str | None = None
    """The KMS key that encrypts them and the service's output."""


def table_import(staged: Staged, creation: Mapping[str, Any], token: str) -> Request:
    """Return the request that imports what is staged into a new table, created by ``creation``."""
    parameters = {name: value for name, value in creation.items() if name in IMPORT_PARAMETERS}
    parameters = {
        "ClientToken": token,
        "S3BucketSource": _source(staged),
        **FORMAT,
        "TableCreationParameters": parameters,
    }
    return Request(operation="ImportTable", parameters=parameters)


def bulk_put(table: str, staged: Staged, output: str, rate: int | None, token: str) -> Request:
    """Return the request that writes what is staged into ``table``, errors under ``output``."""
    written: dict[str, Any] = {
        "S3Bucket": staged.bucket,
        "S3KeyPrefix": output,
        "OutputType": ["ERROR"],
    }
    if staged.kms_key is not None:
        written |= {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": staged.kms_key}
    limit = {} if rate is None else {"MaxWriteRequestUnits": rate}
    parameters = {
        "ClientToken": token,
        "TableName": table,
        "InputS3Configuration": {**_source(staged), **FORMAT},
        "OutputS3Configuration": written,
        **limit,
    }
    return Request(operation=BULK_PUT, parameters=parameters)


def _source(staged: Staged) -> dict[str, str]:
    owner = {} if staged.bucket_owner is None else {"S3BucketOwner": staged.bucket_owner}
    return {"S3Bucket": staged.bucket, "S3KeyPrefix": staged.prefix, **owner}
