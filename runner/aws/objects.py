"""Objects in S3: read, downloaded, listed; and stored, also by compare-and-set on the ETag."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

from retable.runner.aws.errors import code_of, translated_errors
from retable.runner.clock import Clock
from retable.runner.failure import CheckFailed, Stopped

CHUNK_BYTES = 1 << 20
ABSENT = frozenset(["NoSuchKey", "404", "NotFound"])
CHANGED = frozenset(["PreconditionFailed", "412"])
RACING = frozenset(["ConditionalRequestConflict", "409"])
"""Another write or delete of the object was in progress; S3 asks for a retry."""
MAX_RACES = 5
BROKEN = (HTTPClientError, IncompleteReadError)
"""Errors of a connection that breaks inside a body; botocore does not retry these."""
MAX_BREAKS = 5
"""How many times in a row a connection may break without progress before the fetch stops."""
FIRST_PAUSE_SECONDS = 0.2
MOST_DELETED = 1_000
"""Objects per DeleteObjects request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A small object as read from S3."""

    body: bytes
    etag: str
    modified: datetime
    age_seconds: float
    """How long ago it was stored, by S3's clock."""


class Objects:
    """The S3 operations that exports and the state of runs need."""

    def __init__(
        self, client: Any, clock: Clock, owner: str | None = None, kms_key: str | None = None
    ) -> None:
        """Use boto3's S3 ``client``. Buckets of an account other than ``owner`` are refused.

        New objects are encrypted with ``kms_key``, or by the bucket's default.
        """
        self._client = client
        self._expected = {} if owner is None else {"ExpectedBucketOwner": owner}
        kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
        self._stored = {**self._expected, **(kms if kms_key is not None else {})}
        self._clock = clock

    def read(self, bucket: str, key: str) -> bytes:
        """Return a small object.

        Raises:
            CheckFailed: it does not exist.
            Stopped: the bucket or the service does not answer.
        """
        with translated_errors(f"reading s3://{bucket}/{key}", "s3"):
            body: bytes = self._get(bucket, key, None, 0)["Body"].read()
            return body

    def look(self, bucket: str, key: str) -> Seen | None:
        """Return a small object, or ``None`` if it does not exist.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        with translated_errors(f"reading s3://{bucket}/{key}", "s3"):
            try:
                answer = self._client.get_object(Bucket=bucket, Key=key, **self._expected)
                body: bytes = answer["Body"].read()
            except ClientError as error:
                if code_of(error) in ABSENT:
                    return None
                raise
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = parsedate_to_datetime(date) if date else self._clock.now()
        modified = answer["LastModified"].astimezone(UTC)
        return Seen(
            body=body,
            etag=str(answer["ETag"]).strip('"'),
            modified=modified,
            age_seconds=(now - modified).total_seconds(),
        )

    def download(self, bucket: str, key: str, path: Path, etag: str | None) -> str:
        """Download an object to ``path`` and return its ETag; ``etag`` is the expected one.

        After a broken connection, the download continues at the same byte of the same object.

        Raises:
            CheckFailed: it does not exist, or its ETag has changed.
            Stopped: the bucket or the service does not answer, or the connection keeps breaking.
        """
        with translated_errors(f"fetching s3://{bucket}/{key}", "s3"), path.open("wb") as file:
            breaks = 0
            while True:
                before = file.tell()
                try:
                    answer = self._get(bucket, key, etag, before)
                    etag = str(answer["ETag"]).strip('"')
                    for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                        file.write(chunk)
                except BROKEN:
                    breaks = breaks + 1 if file.tell() == before else 1
                    if breaks >= MAX_BREAKS:
                        raise
                    self._clock.sleep(FIRST_PAUSE_SECONDS * 2**breaks)
                else:
                    return etag

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Store a small object.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        with translated_errors(f"writing s3://{bucket}/{key}", "s3"):
            self._client.put_object(Bucket=bucket, Key=key, Body=body, **self._stored)

    def put_if(self, bucket: str, key: str, body: bytes, etag: str | None) -> str | None:
        """Store a small object if it still has this ETag, or, for ``None``, does not exist.

        Returns its new ETag, or ``None`` if another writer was first. An equal body counts as
        ours, stored by an attempt whose answer was lost: racing callers must put their name in it.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": f'"{etag}"'}
        with translated_errors(f"writing s3://{bucket}/{key}", "s3"):
            for attempt in range(1, MAX_RACES + 1):
                try:
                    answer = self._client.put_object(
                        Bucket=bucket, Key=key, Body=body, **condition, **self._stored
                    )
                    return str(answer["ETag"]).strip('"')
                except ClientError as error:
                    if code_of(error) in CHANGED | ABSENT:
                        break
                    if code_of(error) not in RACING or attempt == MAX_RACES:
                        raise
                    self._clock.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
        found = self.look(bucket, key)
        return found.etag if found is not None and found.body == body else None

    def upload(self, bucket: str, key: str, path: Path) -> None:
        """Upload a file, in parts if it is large.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        with translated_errors(f"writing s3://{bucket}/{key}", "s3"):
            try:
                self._client.upload_file(str(path), bucket, key, ExtraArgs=self._stored)
            except S3UploadFailedError as error:
                # boto3 wraps the service's error; the message is in the wrapped one.
                if isinstance(error.__context__, ClientError):
                    raise error.__context__ from error
                message = f"s3://{bucket}/{key} was not stored"
                raise Stopped(message, "resume to store it again") from error

    def delete(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete objects; an absent object is no error.

        Raises:
            Stopped: the bucket or the service does not answer, or refuses to delete one.
        """
        waiting = list(keys)
        while waiting:
            batch, waiting = waiting[:MOST_DELETED], waiting[MOST_DELETED:]
            request = {"Objects": [{"Key": key} for key in batch], "Quiet": True}
            with translated_errors(f"deleting {len(batch)} objects of s3://{bucket}", "s3"):
                answer = self._client.delete_objects(
                    Bucket=bucket, Delete=request, **self._expected
                )
            for error in answer.get("Errors", ()):
                message = f"s3://{bucket}/{error['Key']} was not deleted: {error['Code']}"
                raise Stopped(message, "resume to delete it again")

    def list_keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Yield the keys below ``prefix``, in S3's order.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        with translated_errors(f"listing s3://{bucket}/{prefix}", "s3"):
            listed = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix, **self._expected
            )
            for page in listed:
                for entry in page.get("Contents", ()):
                    yield str(entry["Key"])

    def list_folders(self, bucket: str, prefix: str) -> Iterator[str]:
        """Yield the names between ``prefix``, which ends in a slash, and the next slash.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        with translated_errors(f"listing s3://{bucket}/{prefix}", "s3"):
            listed = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix, Delimiter="/", **self._expected
            )
            for page in listed:
                for entry in page.get("CommonPrefixes", ()):
                    yield str(entry["Prefix"]).removeprefix(prefix).rstrip("/")

    def _get(self, bucket: str, key: str, etag: str | None, offset: int) -> dict[str, Any]:
        """Get an object; raise CheckFailed if it is absent or has changed."""
        request = {"Bucket": bucket, "Key": key, **self._expected}
        if etag:
            request["IfMatch"] = etag
        if offset:
            request["Range"] = f"bytes={offset}-"
        try:
            answer: dict[str, Any] = self._client.get_object(**request)
        except ClientError as error:
            if code_of(error) in ABSENT:
                message = f"s3://{bucket}/{key} does not exist"
                raise CheckFailed(message, "the export is incomplete; make a new one") from error
            if code_of(error) in CHANGED:
                message = f"s3://{bucket}/{key} has changed"
                raise CheckFailed(message, "the export was modified; make a new one") from error
            raise
        return answer
