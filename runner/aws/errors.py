"""AWS errors as failures: what failed, and what to do. No request or item is ever quoted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    MetadataRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from retable.runner.failure import Failure, Refused, Stopped

EXPIRED = frozenset(
    ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"]
)
UNKNOWN_CALLER = frozenset(
    [
        "AuthFailure",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ]
)
"""Their messages repeat the signed headers, including a session token: never show them."""
SKEWED = frozenset(["RequestTimeTooSkewed", "RequestInTheFuture"])
DENIED = frozenset(["AccessDenied", "AccessDeniedException", "403", "Forbidden"])
THROTTLED = frozenset(
    [
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ]
)
UNKNOWN_CALL = frozenset(
    ["UnknownOperationException", "UnknownOperation", "InvalidAction", "NotImplemented", "404"]
)
"""The codes with which an endpoint that is not AWS refuses an unknown operation."""
HTTP_REFUSED, HTTP_FAULT = 400, 500
S3_ACTIONS = {"ListObjectsV2": "s3:ListBucket", "HeadObject": "s3:GetObject"}
"""S3 operations whose permission has another name."""
LOG_IN = "log in again, or set AWS_PROFILE"
SET_KEYS = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


class PolicyUnsupported(Stopped):
    """The endpoint does not support resource policies; AWS itself always does."""


class PolicyRefused(Stopped):
    """The service rejects the text as a resource policy."""


def is_unknown_call(error: ClientError) -> bool:
    """Return whether an endpoint that is not AWS reports an unknown operation.

    Some answer with a status code alone; AWS always gives an error code.
    """
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in UNKNOWN_CALL or (not code and HTTP_REFUSED <= status < HTTP_FAULT)


def if_known(call: Callable[..., Any], **request: Any) -> dict[str, Any]:
    """Return the answer, or an empty one if the endpoint does not know the operation."""
    try:
        answer: dict[str, Any] = call(**request)
    except ClientError as error:
        if is_unknown_call(error):
            return {}
        raise
    return answer


def code_of(error: ClientError) -> str:
    """Return the error's code."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def translated_errors(what: str, service: str = "dynamodb") -> Iterator[None]:
    """Turn any AWS error inside into a ``Failure`` that names ``what`` was being done.

    ``service`` is the IAM prefix of the permissions that the calls inside need.

    Raises:
        Stopped: the network, the credentials or the service failed; the run can be resumed.
        Refused: no region is set, or the profile does not exist.
    """
    try:
        yield
    except ClientError as error:
        raise _of_answer(error, what, service) from error
    except BotoCoreError as error:
        raise _of_library(error, what) from error


def credentials_refused(what: str, code: str) -> Stopped | None:
    """Return the failure if ``code`` means that the credentials are not usable."""
    if code in EXPIRED:
        return Stopped(f"{what}: the credentials have expired ({code})", "renew them")
    if code in UNKNOWN_CALLER:
        return Stopped(f"{what}: the credentials are not accepted ({code})", SET_KEYS)
    if code in SKEWED:
        return Stopped(f"{what}: this machine's clock is wrong ({code})", "set the clock")
    return None


def _of_answer(error: ClientError, what: str, service: str) -> Failure:
    """Return the failure for an error response."""
    code = code_of(error)
    refused = credentials_refused(what, code)
    if refused is not None:
        return refused
    if code in DENIED:
        action = S3_ACTIONS.get(error.operation_name, f"{service}:{error.operation_name}")
        return Stopped(f"{what}: access was denied", f"the caller needs permission for {action}")
    if code in THROTTLED:
        return Stopped(f"{what}: AWS throttles the requests ({code})", "wait a few minutes")
    if code == "NoSuchBucket":
        bucket = error.response.get("Error", {}).get("BucketName", "")
        named = f"the bucket {bucket}" if bucket else "the bucket"
        hint = "check source.export.location and the region"
        return Stopped(f"{what}: {named} does not exist", hint)
    if code == "ResourceInUseException":
        return Stopped(f"{what}: the table is in use ({code})", "wait until it is ACTIVE")
    message = str(error.response.get("Error", {}).get("Message", ""))
    return Stopped(f"{what}: {error.operation_name} answered {code}: {message}")


def _of_library(error: BotoCoreError, what: str) -> Failure:
    """Return the failure for a call without an answer."""
    match error:
        case ProfileNotFound():
            name = error.kwargs.get("profile", "")
            return Refused(f"{what}: the AWS profile {name} does not exist", "check AWS_PROFILE")
        case NoRegionError():
            return Refused(f"{what}: no AWS region is set", "set source.region or AWS_REGION")
        case ParamValidationError():
            # Its text repeats the request's values.
            return Stopped(f"{what}: the request does not fit AWS's model of the call")
        case BotoConnectionError() | HTTPClientError():
            endpoint = error.kwargs.get("endpoint_url") or "the endpoint"
            message = f"{what}: {endpoint} cannot be reached"
            return Stopped(message, "check the network and the endpoint")
        case _:
            return _of_credentials(error, what)


def _of_credentials(error: BotoCoreError, what: str) -> Failure:
    """Return the failure for missing credentials, or for any other error."""
    match error:
        case NoCredentialsError() | PartialCredentialsError() | NoAuthTokenError():
            return Stopped(f"{what}: no AWS credentials were found", SET_KEYS)
        case CredentialRetrievalError() | TokenRetrievalError() | MetadataRetrievalError():
            return Stopped(f"{what}: the AWS credentials could not be fetched", LOG_IN)
        case SSOError() | LoginError():
            return Stopped(f"{what}: the AWS login has expired", LOG_IN)
        case _:
            return Stopped(f"{what}: {type(error).__name__}")
