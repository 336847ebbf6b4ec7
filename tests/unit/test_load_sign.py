"""Our signatures are botocore's, byte for byte."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from retable.runner.failure import Stopped
from retable.runner.load.sign import Signer

URLS = [
    "https://dynamodb.eu-west-1.amazonaws.com",
    "https://dynamodb.eu-west-1.amazonaws.com/",
    "https://dynamodb.eu-west-1.amazonaws.com:443",
    "http://localhost:8123",
    "http://127.0.0.1:80/",
    "https://vpce-1.example.com:8443/dynamo db/x",
]


def signed(
    signer: Signer, target: str, body: bytes, credentials: ReadOnlyCredentials, now: datetime
) -> dict[str, str]:
    """Return the header lines as what they say."""
    lines = signer.headers(target, body, credentials, now).decode().split("\r\n")
    assert lines.pop() == ""
    return dict(line.split(": ", 1) for line in lines)


WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


def theirs(
    url: str, target: str, body: bytes, credentials: ReadOnlyCredentials, now: datetime
) -> str:
    """Return botocore's signature at ``now``."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
    request = AWSRequest(method="POST", url=url, data=body, headers=headers)
    with patch("botocore.auth.get_current_datetime", return_value=now):
        SigV4Auth(credentials, "dynamodb", "eu-west-1").add_auth(request)
    return str(request.headers["Authorization"])


@given(
    url=st.sampled_from(URLS),
    target=st.sampled_from(["DynamoDB_20120810.BatchWriteItem", "DynamoDB_20120810.PutItem"]),
    body=st.binary(min_size=1, max_size=200),
    secret=WORD,
    token=st.none() | WORD,
    now=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001 -- made aware below
)
def test_any_request_is_signed_as_botocore_signs_it(  # noqa: PLR0913, PLR0917 -- what a request is made of
    url: str, target: str, body: bytes, secret: str, token: str | None, now: datetime
) -> None:
    moment = now.replace(tzinfo=UTC)
    credentials = ReadOnlyCredentials("AKIDEXAMPLE", secret, token)
    signer = Signer(url, "eu-west-1")
    made = signed(signer, target, body, credentials, moment)
    assert made["authorization"] == theirs(url, target, body, credentials, moment)


def test_new_credentials_and_a_new_day_make_another_key() -> None:
    signer = Signer(URLS[0], "eu-west-1")
    for secret in ("one", "two", "one"):
        for day in (1, 2):
            moment = datetime(2026, 11, day, 12, tzinfo=UTC)
            credentials = ReadOnlyCredentials("AKID", secret, None)
            made = signed(signer, "T", b"{}", credentials, moment)
            assert made["authorization"] == theirs(URLS[0], "T", b"{}", credentials, moment)


@pytest.mark.parametrize(("url", "host"), [(URLS[0], None), (URLS[3], "localhost:8123")])
def test_the_port_is_part_of_the_host_where_it_is_not_the_usual_one(
    url: str, host: str | None
) -> None:
    credentials = ReadOnlyCredentials("AKID", "s", None)
    made = signed(Signer(url, "eu-west-1"), "T", b"{}", credentials, datetime.now(UTC))
    assert made["host"] == (host or "dynamodb.eu-west-1.amazonaws.com")


def test_a_token_that_would_make_other_lines_is_refused_unquoted() -> None:
    credentials = ReadOnlyCredentials("AKID", "s", "token\r\nx-amz-target: Other")
    with pytest.raises(Stopped, match="contain characters that a header cannot have") as stopped:
        Signer(URLS[0], "eu-west-1").headers("T", b"{}", credentials, datetime.now(UTC))
    assert "token\r" not in str(stopped.value)
