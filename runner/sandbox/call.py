"""One DynamoDB request, as the sandbox sees it."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from retable.runner.sandbox.dynamodb.api_error import ApiError, serialization
from retable.runner.sandbox.moto_app import Environ
from retable.runner.sandbox.sandbox_options import ACCOUNT, DEFAULT_REGION

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]*/([^/]*)/")
TARGET_PREFIX = "DynamoDB_20120810."
STREAMS_PREFIX = "DynamoDBStreams_20120810."


@dataclass(frozen=True, slots=True)
class Call:
    """The caller, the operation and its parameters."""

    operation: str
    access_key: str
    region: str
    body: dict[str, Any]
    environ: Environ

    @property
    def principal(self) -> str:
        """Return the caller's ARN, as policies see it."""
        return principal_of(self.access_key)

    @property
    def table_name(self) -> str:
        """Return ``TableName``, which may be an ARN.

        Raises:
            ApiError: it is missing.
        """
        name = self.body.get("TableName")
        if not isinstance(name, str):
            code = "ValidationException"
            message = (
                "1 validation error detected: Value null at 'tableName' failed to satisfy "
                "constraint: Member must not be null"
            )
            raise ApiError(code, message)
        return name


def parse_call(environ: Environ, raw: bytes) -> Call:
    """Return the call in a request to DynamoDB.

    Raises:
        ApiError: the body is not a JSON object.
    """
    try:
        body = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError as error:
        message = "Unexpected token received from parser"
        raise serialization(message) from error
    if not isinstance(body, dict):
        message = "Start of structure or map was expected"
        raise serialization(message)
    access_key, region = credentials(environ)
    operation = environ.get("HTTP_X_AMZ_TARGET", "").removeprefix(TARGET_PREFIX)
    return Call(operation, access_key, region, body, environ)


def credentials(environ: Environ) -> tuple[str, str]:
    """Return access key id and region of a signed request; the signature is not checked."""
    found = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    return (found.group(1), found.group(2)) if found else ("anonymous", DEFAULT_REGION)


def principal_of(access_key: str) -> str:
    """Return the ARN of the user with ``access_key``."""
    return f"arn:aws:iam::{ACCOUNT}:user/{access_key}"
