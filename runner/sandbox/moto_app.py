"""moto inside the sandbox: its WSGI application, its tables and its S3, in this process."""

import hashlib
import io
import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from moto.core.base_backend import BackendDict
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends

from retable.runner.sandbox.dynamodb.stored_items import patch_moto
from retable.runner.sandbox.sandbox_options import ACCOUNT

Environ = dict[str, Any]


class MotoApp:
    """moto with its own state while entered; the previous state is restored at the end.

    moto's state is global to the process, so of several sandboxes only the one entered last works.
    """

    def __init__(self) -> None:
        """Create the application; services load at their first use."""
        self.application = DomainDispatcherApplication(create_backend_app)
        self._before: list[tuple[BackendDict[Any], dict[str, Any]]] = []
        self._owners: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Save moto's state and begin empty."""
        patch_moto()
        backends = _backends_in_use()
        self._before = [(backend, dict(backend.items())) for backend in backends]
        # The owners of buckets are kept beside the buckets.
        self._owners = dict(s3_backends.bucket_accounts)
        for backend in list(backends):
            backend.clear()
        backends.clear()
        s3_backends.bucket_accounts.clear()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop the state and restore the saved one."""
        BackendDict.reset()
        for backend, accounts in self._before:
            backend.update(accounts)
            _backends_in_use().append(backend)
        s3_backends.bucket_accounts.clear()
        s3_backends.bucket_accounts.update(self._owners)

    def dynamodb(self, region: str) -> DynamoDBBackend:
        """Return moto's DynamoDB of ``region``."""
        return dynamodb_backends[ACCOUNT][region]

    def dynamodb_regions(self) -> list[DynamoDBBackend]:
        """Return moto's DynamoDB of every region in use."""
        return list(dynamodb_backends[ACCOUNT].values())

    def forward(self, environ: Environ, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Let moto answer a request with ``body`` in place of its own."""
        seen: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            seen["status"], seen["headers"] = int(status[:3]), headers

        inner = {
            **environ,
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
        }
        chunks: Iterable[bytes] = self.application(inner, start_response)
        try:
            answer = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        return seen["status"], seen["headers"], answer

    def has_bucket(self, bucket: str) -> bool:
        """Return whether S3 has ``bucket``."""
        try:
            s3_backends[ACCOUNT]["aws"].head_bucket(bucket)
        except MissingBucket:
            return False
        return True

    def objects(self, bucket: str, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Yield the objects of ``bucket`` whose keys begin with ``prefix``, in key order."""
        found = s3_backends[ACCOUNT]["aws"].head_bucket(bucket).keys
        for key in sorted(name for name in found if name.startswith(prefix)):
            yield key, found[key].value

    def write_log(self, region: str, group: str, stream: str, messages: Sequence[str]) -> None:
        """Write messages into a new log stream."""
        backend = logs_backends[ACCOUNT][region]
        if group not in backend.groups:
            backend.create_log_group(group, {})
        backend.create_log_stream(group, stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": message} for message in messages]
        backend.put_log_events(group, stream, events)

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """Store an object as the export service does: a multipart upload, here of one part."""
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        etag = hashlib.md5(digest, usedforsecurity=False).hexdigest() + "-1"
        s3_backends[ACCOUNT]["aws"].put_object(bucket, key, body, etag=etag)


def _backends_in_use() -> list[BackendDict[Any]]:
    """Return moto's list of the services with state; it has no public access."""
    return vars(BackendDict)["_instances"]  # type: ignore[no-any-return]
