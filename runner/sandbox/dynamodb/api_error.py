"""An error as DynamoDB answers it: a code, a message, an HTTP status.

Messages follow observed answers of the service; programs should match on the code alone.
"""

from collections.abc import Mapping
from typing import Any

import orjson

SERVICE = "com.amazonaws.dynamodb.v20120810"
NAMESPACES = {
    "ValidationException": "com.amazon.coral.validate",
    "AccessDeniedException": "com.amazon.coral.service",
    "SerializationException": "com.amazon.coral.service",
    "UnknownOperationException": "com.amazon.coral.service",
    "ThrottlingException": "com.amazon.coral.availability",
    "ExpiredTokenException": "com.amazon.coral.service",
    "UnrecognizedClientException": "com.amazon.coral.service",
}
SERVER_ERRORS = {"InternalServerError": 500, "ServiceUnavailable": 503}


class ApiError(Exception):
    """An error with the exact ``code`` that a client sees; ``members`` are its further fields."""

    def __init__(self, code: str, message: str, members: Mapping[str, Any] | None = None) -> None:
        """Keep the parts of the answer."""
        self.code = code
        self.message = message
        self.members = members or {}
        super().__init__(f"{code}: {message}")

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return SERVER_ERRORS.get(self.code, 400)

    def body(self) -> bytes:
        """Return the answer's body."""
        name = f"{NAMESPACES.get(self.code, SERVICE)}#{self.code}"
        return orjson.dumps({"__type": name, "message": self.message, **self.members})


class MotoError(Exception):
    """An error answer of moto, to pass through unchanged."""

    def __init__(self, status: int, body: bytes) -> None:
        """Keep the answer."""
        self.status = status
        self.body = body
        super().__init__(f"moto answered {status}")


def invalid(message: str) -> ApiError:
    """Return a ValidationException."""
    return ApiError("ValidationException", message)


def invalid_values(message: str) -> ApiError:
    """Return a ValidationException about parameter values."""
    return invalid(f"One or more parameter values were invalid: {message}")


def serialization(message: str) -> ApiError:
    """Return a SerializationException: the request does not have the protocol's form."""
    return ApiError("SerializationException", message)


def no_resource() -> ApiError:
    """Return the ResourceNotFoundException of data operations."""
    return ApiError("ResourceNotFoundException", "Requested resource not found")


def no_table(name: str) -> ApiError:
    """Return the ResourceNotFoundException of table operations."""
    return ApiError(
        "ResourceNotFoundException", f"Requested resource not found: Table: {name} not found"
    )
