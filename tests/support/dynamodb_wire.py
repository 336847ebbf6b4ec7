"""Signed DynamoDB requests over plain HTTP, so that tests can send what boto3 would refuse to."""

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.patience import PATIENCE_SECONDS

REGION = "eu-west-1"
IDLE_SECONDS = 2
"""A connection that is idle for longer is replaced: servers of Node close theirs after 5."""


@dataclass(frozen=True)
class Reply:
    """An answer: ``code`` is the error's name, or ``None`` for a success."""

    status: int
    code: str | None
    body: dict[str, Any]
    date: str | None

    @property
    def message(self) -> str:
        return str(self.body.get("message") or self.body.get("Message"))


class Wire:
    """One connection to one endpoint, under one access key."""

    def __init__(self, endpoint: str, access_key: str = "contract") -> None:
        self.endpoint = endpoint
        self._signer = SigV4Auth(Credentials(access_key, "secret"), "dynamodb", REGION)
        self.connection = http.client.HTTPConnection(
            urlsplit(endpoint).netloc, timeout=PATIENCE_SECONDS
        )
        self._used = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(self, operation: str, body: dict[str, Any]) -> Reply:
        """Send a request and return its answer, whatever it is."""
        request = AWSRequest(
            method="POST",
            url=f"{self.endpoint}/",
            data=json.dumps(body).encode(),
            headers={
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            },
        )
        self._signer.add_auth(request)
        if time.monotonic() - self._used > IDLE_SECONDS:
            self.connection.close()
        self.connection.request("POST", "/", request.data, dict(request.headers.items()))
        response = self.connection.getresponse()
        answer = json.loads(response.read() or b"{}")
        self._used = time.monotonic()
        code = str(answer.get("__type")).rpartition("#")[2] if response.status != 200 else None
        return Reply(response.status, code, answer, response.getheader("Date"))

    def done(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a request that must succeed."""
        reply = self.ask(operation, body)
        assert reply.code is None, f"{operation}: {reply.code}: {reply.message}"
        return reply.body
