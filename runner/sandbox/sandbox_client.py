"""A plain client of the sandbox over real HTTP: what seeding and the background writer use.

It only names the access key: the sandbox checks no signatures. It is not a client for AWS.
"""

import http.client
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from retable.runner.sandbox.sandbox_options import DEFAULT_REGION

TIMEOUT_SECONDS = 60.0
UNNAMED_REGION = "us-east-1"
"""The only region that CreateBucket must not name."""
LOCATION = (
    '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>"
)


class SandboxError(Exception):
    """An error answer; ``code`` is DynamoDB's error code."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code apart."""
        self.code = code
        super().__init__(f"{code}: {message}")


class SandboxClient:
    """One connection, for one thread."""

    def __init__(self, endpoint: str, access_key: str, region: str | None = None) -> None:
        """Connect at the first request."""
        self._authority = urlsplit(endpoint).netloc
        self._access_key = access_key
        self.region = region or DEFAULT_REGION
        self._connection = http.client.HTTPConnection(self._authority, timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def dynamodb(self, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return DynamoDB's answer.

        Raises:
            SandboxError: it is an error.
            OSError: the sandbox does not answer.
        """
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        }
        status, answer = self._send("POST", "/", "dynamodb", orjson.dumps(body), headers)
        parsed: dict[str, Any] = orjson.loads(answer or b"{}")
        if status != http.client.OK:
            code = str(parsed.get("__type", status)).rpartition("#")[2]
            raise SandboxError(code, str(parsed.get("message")))
        return parsed

    def create_bucket(self, bucket: str) -> None:
        """Create an S3 bucket; do nothing if it is already ours."""
        body = b"" if self.region == UNNAMED_REGION else LOCATION.format(self.region).encode()
        status, _ = self._send("PUT", f"/{bucket}", "s3", body, {})
        if status not in {http.client.OK, http.client.CONFLICT}:
            code = "CreateBucket"
            raise SandboxError(code, f"S3 answered {status}")

    def control(self, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request to the sandbox itself."""
        _, answer = self._send("POST", f"/_retable/{what}", "retable", orjson.dumps(body), {})
        parsed: dict[str, Any] = orjson.loads(answer)
        return parsed

    def _send(
        self, method: str, path: str, service: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Send a request and read its answer."""
        scope = f"{self._access_key}/20260101/{self.region}/{service}/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
        try:
            self._connection.request(method, path, body, {**headers, "Authorization": signed})
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
