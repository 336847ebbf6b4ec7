"""One signed BatchWriteItem: what is sent, and what each response means."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from retable.runner.aws.session import Aws, connect
from retable.runner.clock import SystemClock
from retable.runner.failure import Stopped
from retable.runner.load.client import Answer, BatchClient, Kind
from retable.runner.load.pool import Pool
from retable.runner.load.route import route_to
from support.loads import COUNT, Loading
from support.sink import Item, Reply, Script, all_written, sink

ITEM = b'{"id":{"S":"o-1"},"n":{"N":"12345678901234567890123456789012345678"}}'


async def ask(aws: Aws, *items: bytes) -> Answer:
    async with aclosing(Pool(route_to(aws), 1)) as pool:
        return await BatchClient(pool, aws, "orders-v2", SystemClock()).put(items)


def put(script: Script) -> tuple[Answer, list[list[Item]]]:
    """Return the answer to one request, and what the endpoint was given."""
    with sink(script) as (taker, aws):
        return asyncio.run(ask(aws, ITEM)), taker.batches


def test_the_kernels_bytes_are_sent_unchanged() -> None:
    answer, [[item]] = put(all_written)
    assert answer.kind is Kind.WRITTEN
    assert item["n"] == {"N": "12345678901234567890123456789012345678"}


def test_the_signature_is_botocores_over_what_was_sent() -> None:
    """A second signer, given the same request, comes to the same signature."""
    with sink(all_written) as (taker, aws):
        asyncio.run(ask(aws, ITEM))
        [(headers, body)] = taker.requests
        url = aws.dynamodb_url
    signed = {name: headers[name] for name in ("Content-Type", "X-Amz-Date", "X-Amz-Target")}
    request = AWSRequest("POST", url, headers=signed, data=body)
    request.context["timestamp"] = headers["X-Amz-Date"]
    signer = SigV4Auth(Credentials("LOADER", "secret"), "dynamodb", "eu-west-1")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert headers["Authorization"].endswith(f"Signature={signer.signature(text, request)}")
    assert "/eu-west-1/dynamodb/aws4_request" in headers["Authorization"]


def test_a_session_token_is_sent_and_signed() -> None:
    with sink(all_written) as (taker, aws):
        environ = {
            "AWS_ENDPOINT_URL": aws.dynamodb_url,
            "AWS_ACCESS_KEY_ID": "LOADER",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "a-token",
        }
        asyncio.run(ask(connect("eu-west-1", environ=environ), ITEM))
        [(headers, _)] = taker.requests
    assert headers["X-Amz-Security-Token"] == "a-token"
    assert "x-amz-security-token" in headers["Authorization"]


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (Reply(), Kind.WRITTEN, ""),
        (Reply(wrong_crc=True), Kind.BROKEN, "wrong CRC-32"),
        (Reply(hang_up=True), Kind.BROKEN, "connection lost"),
        (Reply(status=500, error="InternalServerError"), Kind.BROKEN, "InternalServerError"),
        (Reply(status=503, error="ServiceUnavailable"), Kind.BROKEN, "ServiceUnavailable"),
        (Reply(status=400, error="ThrottlingException"), Kind.THROTTLED, "ThrottlingException"),
        (Reply(status=400, error="ValidationException"), Kind.POISONED, "ValidationException"),
        (Reply(status=413, error="TooLarge"), Kind.POISONED, "HTTP 413"),
        (
            Reply(status=400, error="ItemCollectionSizeLimitExceededException"),
            Kind.POISONED,
            "ItemCollectionSizeLimitExceededException",
        ),
    ],
)
def test_each_answer_means_one_thing(reply: Reply, kind: Kind, code: str) -> None:
    answer, _ = put(lambda *_: reply)
    assert (answer.kind, answer.code) == (kind, code)


def test_what_was_consumed_is_what_the_service_says() -> None:
    answer, _ = put(lambda _, items: Reply(written=items, units=37.5))
    assert str(answer.units) == "37.5"
    answer, _ = put(lambda _, items: Reply(written=items, units=None))
    assert answer.units == 0


def test_an_endpoint_that_does_not_exist_is_a_broken_answer(tmp_path: Path) -> None:
    loading = Loading(tmp_path)
    with pytest.raises(Stopped, match="no connection"):
        loading.load_at("http://127.0.0.1:9", idle_seconds=0.1)


def test_missing_credentials_stop_the_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(Stopped, match="no AWS credentials were found"):
        Loading(tmp_path).load_at("http://127.0.0.1:9", access_key=None)


def test_unprocessed_items_that_were_never_sent_do_not_count_as_written(tmp_path: Path) -> None:
    """I3: an answer that names other items says nothing about ours."""
    loading = Loading(tmp_path)

    def confused(number: int, items: list[Item]) -> Reply:
        if number < 3:
            return Reply(unprocessed=[{"id": {"S": "nobody"}}])
        return Reply(written=items)

    assert len(loading.load(confused)) == COUNT
    assert loading.sums() == (COUNT, 0, 0)
