"""AWS's errors in our words: what failed, and what to do. No request or item is ever quoted."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    TokenRetrievalError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from retable.runner.failure import Failure, Refused, Stopped

EXPIRED = frozenset(
    ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "UnrecognizedClientException"]
)
DENIED = frozenset(["AccessDenied", "AccessDeniedException", "403", "Forbidden"])
UNKNOWN_CALL = frozenset(
    ["UnknownOperationException", "UnknownOperation", "InvalidAction", "NotImplemented", "404"]
)
"""What an endpoint that is not AWS says of a call it does not know."""


class PolicyUnsupported(Stopped):
    """The endpoint does not know resource policies; AWS itself always does."""


def code_of(error: ClientError) -> str:
    """Return the error's code."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Turn any AWS error inside into a ``Failure`` that names ``what`` was being done.

    Raises:
        Stopped: the network, the credentials or the service; all of them can be resumed.
        Refused: no region is set.
    """
    try:
        yield
    except ClientError as error:
        raise _of_client_error(error, what) from error
    except BotoCoreError as error:
        raise _of_library_error(error, what) from error


def _of_client_error(error: ClientError, what: str) -> Failure:
    """Return the failure for an answer that says no."""
    code = code_of(error)
    if code in EXPIRED:
        return Stopped(f"{what}: the credentials are expired or not known", "renew them")
    if code in DENIED:
        action = error.operation_name
        return Stopped(
            f"{what}: access to {action} was denied", f"the caller needs leave for {action}"
        )
    if code == "NoSuchBucket":
        bucket = error.response.get("Error", {}).get("BucketName", "")
        return Stopped(
            f"{what}: the bucket {bucket} does not exist".replace("  ", " "),
            "check source.export.location and the region",
        )
    if code == "ResourceInUseException":
        return Stopped(f"{what}: the table is in use ({code})", "wait until it is ACTIVE")
    message = str(error.response.get("Error", {}).get("Message", ""))
    return Stopped(f"{what}: {error.operation_name} answered {code}: {message}")


def _of_library_error(error: BotoCoreError, what: str) -> Failure:
    """Return the failure for a call that got no answer."""
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return Stopped(
                f"{what}: no AWS credentials were found",
                "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            )
        case CredentialRetrievalError() | TokenRetrievalError():
            return Stopped(f"{what}: the AWS credentials could not be fetched", "log in again")
        case NoRegionError():
            return Refused(f"{what}: no AWS region is set", "set source.region or AWS_REGION")
        case BotoConnectionError() | HTTPClientError():
            endpoint = error.kwargs.get("endpoint_url", "the endpoint")
            return Stopped(f"{what}: {endpoint} cannot be reached", "check network and endpoint")
        case _:
            return Stopped(f"{what}: {type(error).__name__}")
