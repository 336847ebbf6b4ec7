"""DynamoDB as CloudFormation calls it: the sandbox's operations, with the caller's credentials."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from retable.runner.sandbox.call import TARGET_PREFIX, credentials
from retable.runner.sandbox.dispatch import answer_dynamodb
from retable.runner.sandbox.moto_app import Environ
from retable.runner.sandbox.sandbox_state import State

POLL_SECONDS = 0.01
"""Between two polls of a table that is changing; polling is cheap in the same process."""
CARRIED_OVER = ("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "HTTP_HOST", "REMOTE_ADDR")


class CallError(Exception):
    """DynamoDB refuses."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code apart."""
        self.code = code
        self.message = message
        super().__init__(f"{code}: {message}")


class SandboxStopped(Exception):  # noqa: N818 -- it is not an error
    """The sandbox stops; ends every wait in it."""


class DynamoDB:
    """One caller's client of DynamoDB in one region. It holds no state."""

    def __init__(self, state: State, environ: Environ) -> None:
        """Call with the credentials of the request in ``environ``."""
        self._state = state
        access_key, self.region = credentials(environ)
        scope = f"{access_key}/20260101/{self.region}/dynamodb/aws4_request"
        self._environ: Environ = {
            **{name: value for name, value in environ.items() if name.startswith("wsgi.")},
            **{name: environ[name] for name in CARRIED_OVER if name in environ},
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "QUERY_STRING": "",
            "CONTENT_TYPE": "application/x-amz-json-1.0",
            "HTTP_AUTHORIZATION": (
                f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
            ),
        }

    def ask(self, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return DynamoDB's answer.

        Raises:
            CallError: it is an error.
        """
        environ = {**self._environ, "HTTP_X_AMZ_TARGET": f"{TARGET_PREFIX}{operation}"}
        status, answer = answer_dynamodb(self._state, environ, orjson.dumps(body))
        parsed: dict[str, Any] = orjson.loads(answer or b"{}")
        if status != HTTPStatus.OK:
            code = str(parsed.get("__type", status)).rpartition("#")[2]
            raise CallError(code, str(parsed.get("message") or parsed.get("Message")))
        return parsed

    def describe(self, name: str) -> dict[str, Any] | None:
        """Return DescribeTable's description; ``None`` if the table does not exist."""
        try:
            found: dict[str, Any] = self.ask("DescribeTable", {"TableName": name})["Table"]
        except CallError as error:
            if error.code == "ResourceNotFoundException":
                return None
            raise
        return found

    def await_active(self, name: str) -> dict[str, Any]:
        """Return the description of a table once it is ACTIVE.

        Raises:
            CallError: the table does not exist, or no longer.
        """
        while True:
            table: dict[str, Any] = self.ask("DescribeTable", {"TableName": name})["Table"]
            if table["TableStatus"] == "ACTIVE":
                return table
            self._pause()

    def await_deleted(self, name: str) -> None:
        """Return once the table is deleted."""
        while self.describe(name) is not None:
            self._pause()

    def _pause(self) -> None:
        """Wait for a moment.

        Raises:
            SandboxStopped: the sandbox stops.
        """
        if self._state.stopping.wait(POLL_SECONDS):
            raise SandboxStopped
