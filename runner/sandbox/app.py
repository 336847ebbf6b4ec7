"""The sandbox as a WSGI application: DynamoDB, CloudFormation and STS here, all else by moto."""

import itertools
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import orjson

from retable.runner.sandbox.background import Sweeper, Writer
from retable.runner.sandbox.call import credentials, principal_of
from retable.runner.sandbox.cloudformation.all_stacks import AllStacks
from retable.runner.sandbox.cloudformation.wire import is_cloudformation
from retable.runner.sandbox.dispatch import answer_dynamodb, checksum, is_dynamodb
from retable.runner.sandbox.moto_app import Environ, MotoApp
from retable.runner.sandbox.sandbox_options import ACCOUNT, SandboxOptions
from retable.runner.sandbox.sandbox_state import State

LOGGER = logging.getLogger(__name__)
CONTROL = "/_retable/"
CONDITIONS = frozenset({"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"})
"""Headers of S3's conditional writes, which are atomic."""
IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>{arn}</Arn><UserId>{user}</UserId><Account>{account}</Account>
</GetCallerIdentityResult>
<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>"""
NOT_THE_OWNER = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"""
UNKNOWN_CALL = b'{"__type":"com.amazon.coral.service#UnknownOperationException"}'
UNKNOWN_QUERY = b"""<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>
<Message>the sandbox does not support this call</Message></Error></ErrorResponse>"""

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Sandbox:
    """One account in one process. Enter it before serving it; its state ends with it."""

    def __init__(self, options: SandboxOptions) -> None:
        """Create an empty account."""
        self.moto = MotoApp()
        self.state = State(options, self.moto)
        self.all_stacks = AllStacks(self.state)
        self.writer = Writer(self.state)
        self._sweeper = Sweeper(self.state)
        self._request_ids = itertools.count(1)
        self._one_writer = threading.Lock()

    def __enter__(self) -> Self:
        """Take over moto's state."""
        self.moto.__enter__()
        self._sweeper.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the background activity and drop the state."""
        self.state.stopping.set()
        self.writer.stop()
        self._sweeper.stop()
        for thread in self.all_stacks.threads:
            thread.join()
        for job in self.state.exports.values():
            if job.thread is not None:
                job.thread.join()
        self.moto.__exit__(kind, error, trace)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        raw = _read_body(environ)
        try:
            status, headers, body = self._answer(environ, raw)
        except NotImplementedError:
            # moto's exception for a call that it lacks; SDKs understand this answer.
            is_query = "urlencoded" in environ.get("CONTENT_TYPE", "")
            status, headers, body = 400, [], UNKNOWN_QUERY if is_query else UNKNOWN_CALL
        except Exception:
            # Any exception of moto is a service error to the client, not a dropped connection.
            LOGGER.debug("the sandbox failed to answer", exc_info=True)
            self.state.counters["internal_errors"] += 1
            status, headers, body = 500, [], b'{"__type":"InternalFailure","message":"sandbox"}'
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def report(self) -> dict[str, Any]:
        """Return the sandbox's counters, as ``GET /_retable/sandbox`` shows them."""
        with self.state.lock:
            return {
                "sandbox": True,
                "account": ACCOUNT,
                "seed": self.state.options.seed,
                "counters": dict(self.state.counters),
                "writer": self.writer.report(),
            }

    def _answer(self, environ: Environ, raw: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return status, headers and body of the answer."""
        path = environ.get("PATH_INFO", "")
        if path.startswith(CONTROL):
            return self._control(environ, path.removeprefix(CONTROL), raw)
        if is_dynamodb(environ):
            status, body = answer_dynamodb(self.state, environ, raw)
            headers = [
                ("Content-Type", "application/x-amz-json-1.0"),
                ("x-amzn-RequestId", f"{next(self._request_ids):032X}"),
                ("x-amz-crc32", checksum(body)),
            ]
            return status, headers, body
        if is_cloudformation(environ):
            return self._answer_cloudformation(environ, raw)
        if _is_identity(environ, raw):
            return 200, [("Content-Type", "text/xml")], _identity(environ)
        owner = self.state.faults.bucket_owner
        if environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER", owner) != owner:
            # moto does not check the expected bucket owner.
            return 403, [("Content-Type", "application/xml")], NOT_THE_OWNER
        # moto checks a condition and then writes; two writers must not both be first.
        with self._one_writer if CONDITIONS & environ.keys() else nullcontext():
            return self.moto.forward(environ, raw)

    def _answer_cloudformation(
        self, environ: Environ, raw: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Answer a request about stacks."""
        # Loads a dozen of moto's services, which few sandboxes need.
        from retable.runner.sandbox.cloudformation.answer import (  # noqa: PLC0415 -- see above
            answer_cloudformation,
        )

        status, body = answer_cloudformation(self.all_stacks, environ, raw)
        return status, [("Content-Type", "text/xml")], body

    def _control(
        self, environ: Environ, what: str, raw: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Answer a request to the sandbox itself."""
        status, answer = 200, self.report()
        match environ["REQUEST_METHOD"], what:
            case "GET", "sandbox":
                pass
            case "POST", "faults":
                status, answer = self._set_faults(orjson.loads(raw))
            case "POST", "past":
                status, answer = self._set_past(orjson.loads(raw))
            case "POST", "writer":
                body = orjson.loads(raw)
                endpoint = f"http://{environ['HTTP_HOST']}"
                self.writer.start(endpoint, body["table"], body.get("region"))
            case _:
                status, answer = 404, {"message": f"the sandbox has no {what}"}
        return status, [("Content-Type", "application/json")], orjson.dumps(answer)

    def _set_past(self, body: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Date the current items of a table to some time in the past."""
        moment = datetime.fromisoformat(body["since"])
        with self.state.lock:
            table = self.state.find_table(body["region"], body["table"])
            log = None if table is None else self.state.extras(table).log
            if table is None or log is None:
                return 400, {"message": f"{body['table']} has no point-in-time recovery"}
            log.begin_at(moment)
            recovery = table.continuous_backups["PointInTimeRecoveryDescription"]
            recovery["EarliestRestorableDateTime"] = moment.timestamp()
        return 200, self.report()

    def _set_faults(self, changes: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Put faults in force; ``seed`` restarts the random numbers."""
        with self.state.lock:
            seed = changes.pop("seed", None)
            if seed is not None:
                self.state.random.seed(seed)
            try:
                self.state.faults = self.state.faults.updated(changes)
            except ValueError as error:
                return 400, {"message": str(error)}
        return 200, self.report()


def _read_body(environ: Environ) -> bytes:
    """Return the body of a request, also if it is chunked."""
    length = environ.get("CONTENT_LENGTH")
    stream = environ["wsgi.input"]
    if length:
        body: bytes = stream.read(int(length))
        return body
    if environ.get("wsgi.input_terminated"):
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["wsgi.input_terminated"] = False
        chunked: bytes = stream.read()
        return chunked
    return b""


def _is_identity(environ: Environ, raw: bytes) -> bool:
    """Return whether a request is STS GetCallerIdentity."""
    if "/sts/" not in environ.get("HTTP_AUTHORIZATION", ""):
        return False
    return parse_qs(raw.decode()).get("Action") == ["GetCallerIdentity"]


def _identity(environ: Environ) -> bytes:
    """Return the caller: the user named after the access key."""
    access_key, _ = credentials(environ)
    arn = escape(principal_of(access_key))
    return IDENTITY.format(arn=arn, user=escape(access_key), account=ACCOUNT).encode()
