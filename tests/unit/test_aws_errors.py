"""AWS errors as failures: what failed, what to do, and nothing of what was sent."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOTokenLoadError,
    UnauthorizedSSOTokenError,
)

from retable.runner.aws.errors import translated_errors
from retable.runner.failure import CheckFailed, Failure, Refused, Stopped


def failure_of(error: Exception, service: str = "dynamodb") -> Failure:
    """Return the failure that ``error`` becomes."""
    with pytest.raises(Failure) as caught, translated_errors("describing orders", service):
        raise error
    return caught.value


def answer(code: str, operation: str = "DescribeTable", message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("code", "said", "hint"),
    [
        ("ExpiredTokenException", "the credentials have expired", "renew them"),
        ("ExpiredToken", "the credentials have expired", "renew them"),
        ("UnrecognizedClientException", "the credentials are not accepted", "AWS_PROFILE"),
        ("InvalidClientTokenId", "the credentials are not accepted", "AWS_PROFILE"),
        ("RequestTimeTooSkewed", "this machine's clock is wrong", "set the clock"),
        ("AccessDeniedException", "access was denied", "dynamodb:DescribeTable"),
        ("ThrottlingException", "throttles the requests", "wait"),
        ("ResourceInUseException", "the table is in use", "ACTIVE"),
        ("SomethingNew", "DescribeTable answered SomethingNew: no", None),
    ],
)
def test_an_error_response_names_the_cause_and_the_remedy(
    code: str, said: str, hint: str | None
) -> None:
    failure = failure_of(answer(code))
    assert isinstance(failure, Stopped)
    assert failure.message.startswith("describing orders: ")
    assert said in failure.message
    assert (hint or "") in (failure.hint or "")


@pytest.mark.parametrize(
    ("operation", "service", "action"),
    [
        ("ListObjectsV2", "s3", "s3:ListBucket"),
        ("GetObject", "s3", "s3:GetObject"),
        ("DescribeScalableTargets", "application-autoscaling", "application-autoscaling:"),
        ("GetCallerIdentity", "sts", "sts:GetCallerIdentity"),
    ],
)
def test_a_denial_names_the_permission_that_is_missing(
    operation: str, service: str, action: str
) -> None:
    assert action in str(failure_of(answer("AccessDenied", operation), service).hint)


@pytest.mark.parametrize("code", ["InvalidSignatureException", "SignatureDoesNotMatch"])
def test_i6_a_refused_signature_shows_nothing_of_what_was_signed(code: str) -> None:
    message = "The Canonical String should have been 'x-amz-security-token:HUSH'"
    failure = failure_of(answer(code, message=message))
    assert "HUSH" not in str(failure)


def test_i6_a_request_that_botocore_refuses_is_not_repeated() -> None:
    failure = failure_of(ParamValidationError(report="Invalid value HUSH"))
    assert "HUSH" not in str(failure)


def test_a_missing_bucket_is_named() -> None:
    error = ClientError(
        {"Error": {"Code": "NoSuchBucket", "BucketName": "acme-exports"}},  # type: ignore[typeddict-unknown-key]  # S3 adds it
        "ListObjectsV2",
    )
    assert "the bucket acme-exports does not exist" in failure_of(error, "s3").message
    assert "the bucket does not exist" in failure_of(answer("NoSuchBucket"), "s3").message


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (NoCredentialsError(), Stopped, "no AWS credentials were found"),
        (CredentialRetrievalError(provider="x", error_msg="HUSH"), Stopped, "not be fetched"),
        (SSOTokenLoadError(error_msg="x"), Stopped, "the AWS login has expired"),
        (UnauthorizedSSOTokenError(), Stopped, "the AWS login has expired"),
        (NoRegionError(), Refused, "no AWS region is set"),
        (ProfileNotFound(profile="nope"), Refused, "the AWS profile nope does not exist"),
        (
            EndpointConnectionError(endpoint_url="http://localhost:1"),
            Stopped,
            "http://localhost:1 cannot be reached",
        ),
        (ReadTimeoutError(endpoint_url="http://h"), Stopped, "http://h cannot be reached"),
        (BotoCoreError(), Stopped, "BotoCoreError"),
    ],
)
def test_a_call_without_an_answer_says_why(
    error: BotoCoreError, kind: type[Failure], said: str
) -> None:
    failure = failure_of(error)
    assert type(failure) is kind
    assert said in failure.message
    assert "HUSH" not in str(failure)


def test_our_own_failures_pass_unchanged() -> None:
    ours = CheckFailed("no")
    with pytest.raises(CheckFailed) as caught, translated_errors("x"):
        raise ours
    assert caught.value is ours
