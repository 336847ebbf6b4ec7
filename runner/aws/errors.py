"""AWS's errors in our words: what failed, and what to do. No request or item is ever quoted."""

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
"""Their messages repeat the signed headers, a session's token among them: never show them."""
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
"""What an endpoint that is not AWS says of a call it does not know."""
HTTP_REFUSED, HTTP_FAULT = 400, 500
S3_ACTIONS = {"ListObjectsV2": "s3:ListBucket", "HeadObject": "s3:GetObject"}
"""S3's calls whose permission has another name."""
LOG_IN = "log in again, or set AWS_PROFILE"
SET_KEYS = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


class PolicyUnsupported(Stopped):
    """The endpoint does not know resource policies; AWS itself always does."""


class PolicyRefused(Stopped):
    """The service does not take the text as a resource policy."""


def is_unknown_call(error: ClientError) -> bool:
    """Return whether an endpoint that is not AWS says that it does not know a call.

    Some say so with a status alone; AWS always gives a code.
    """
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in UNKNOWN_CALL or (not code and HTTP_REFUSED <= status < HTTP_FAULT)


def if_known(call: Callable[..., Any], **request: Any) -> dict[str, Any]:
    """Return the answer, or nothing from an endpoint that does not know the call."""
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
def in_words(what: str, service: str = "dynamodb") -> Iterator[None]:
    """Turn any AWS error inside into a ``Failure`` that names ``what`` was being done.

    ``service`` is the prefix of the permissions that the calls inside need.

    Raises:
        Stopped: the network, the credentials or the service; all of them can be resumed.
        Refused: no region is set, or the profile does not exist.
    """
    try:
        yield
    except ClientError as error:
        raise _of_answer(error, what, service) from error
    except BotoCoreError as error:
        raise _of_library(error, what) from error


def credentials_refused(what: str, code: str) -> Stopped | None:
    """Return the failure for a ``code`` that means the credentials are no good, if it is one."""
    if code in EXPIRED:
        return Stopped(f"{what}: the credentials are expired ({code})", "renew them")
    if code in UNKNOWN_CALLER:
        return Stopped(f"{what}: the credentials are not accepted ({code})", SET_KEYS)
    if code in SKEWED:
        return Stopped(f"{what}: this machine's clock is wrong ({code})", "set it right")
    return None


def _of_answer(error: ClientError, what: str, service: str) -> Failure:
    """Return the failure for an answer that says no."""
    code = code_of(error)
    refused = credentials_refused(what, code)
    if refused is not None:
        return refused
    if code in DENIED:
        action = S3_ACTIONS.get(error.operation_name, f"{service}:{error.operation_name}")
        return Stopped(f"{what}: access was denied", f"the caller needs leave for {action}")
    if code in THROTTLED:
        return Stopped(f"{what}: AWS asks to slow down ({code})", "wait a few minutes")
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
    """Return the failure for a call that got no answer."""
    match error:
        case ProfileNotFound():
            name = error.kwargs.get("profile", "")
            return Refused(f"{what}: the AWS profile {name} does not exist", "check AWS_PROFILE")
        case NoRegionError():
            return Refused(f"{what}: no AWS region is set", "set source.region or AWS_REGION")
        case ParamValidationError():
            # Its text repeats the values of the request.
            return Stopped(f"{what}: the request does not fit AWS's model of the call")
        case BotoConnectionError() | HTTPClientError():
            endpoint = error.kwargs.get("endpoint_url") or "the endpoint"
            return Stopped(f"{what}: {endpoint} cannot be reached", "check network and endpoint")
        case _:
            return _of_credentials(error, what)


def _of_credentials(error: BotoCoreError, what: str) -> Failure:
    """Return the failure where credentials could not be had, or for anything else."""
    match error:
        case NoCredentialsError() | PartialCredentialsError() | NoAuthTokenError():
            return Stopped(f"{what}: no AWS credentials were found", SET_KEYS)
        case CredentialRetrievalError() | TokenRetrievalError() | MetadataRetrievalError():
            return Stopped(f"{what}: the AWS credentials could not be fetched", LOG_IN)
        case SSOError() | LoginError():
            return Stopped(f"{what}: the AWS login has ended", LOG_IN)
        case _:
            return Stopped(f"{what}: {type(error).__name__}")
