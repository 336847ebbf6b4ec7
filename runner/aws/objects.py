"""Objects in S3: read, fetched to a file, listed; and stored, whole or only if nobody was first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

from retable.runner.aws.errors import code_of, in_words
from retable.runner.clock import Clock
from retable.runner.failure import CheckFailed, Stopped

CHUNK_BYTES = 1 << 20
ABSENT = frozenset(["NoSuchKey", "404", "NotFound"])
CHANGED = frozenset(["PreconditionFailed", "412"])
RACING = frozenset(["ConditionalRequestConflict", "409"])
"""Another write or delete of the object was under way; S3 asks to try again."""
MAX_RACES = 5
BROKEN = (HTTPClientError, IncompleteReadError)
"""What a connection that breaks inside a body raises; botocore does not try that again."""
MAX_BREAKS = 5
"""How often in a row a connection may break without one byte more before the fetch stops."""
FIRST_PAUSE_SECONDS = 0.2
MOST_DELETED = 1_000
"""Objects that one request may delete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A small object as S3 gave it."""

    body: bytes
    etag: str
    modified: datetime
    age_seconds: float
    """How long ago it was stored, by S3's own clock."""


class Objects:
    """S3, as far as exports and the state of runs need it."""

    def __init__(
        self, client: Any, clock: Clock, owner: str | None = None, kms_key: str | None = None
    ) -> None:
        """Use boto3's S3 ``client``. Buckets of another account than ``owner`` are refused.

        What is stored is encrypted with ``kms_key``, or as the bucket says.
        """
        self._client = client
        self._expected = {} if owner is None else {"ExpectedBucketOwner": owner}
        kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
        self._stored = {**self._expected, **(kms if kms_key is not None else {})}
        self._clock = clock

    def read(self, bucket: str, key: str) -> bytes:
        """Return a small object whole.

        Raises:
            CheckFailed: there is none.
            Stopped: the bucket or the service does not answer.
        """
        with in_words(f"reading s3://{bucket}/{key}", "s3"):
            body: bytes = self._get(bucket, key, None, 0)["Body"].read()
            return body

    def look(self, bucket: str, key: str) -> Seen | None:
        """Return a small object whole, or ``None`` where there is none.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        with in_words(f"reading s3://{bucket}/{key}", "s3"):
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
        """Fetch an object into ``path`` and return its ETag; ``etag`` pins the one expected.

        A connection that breaks is taken up where it broke, in the same object.

        Raises:
            CheckFailed: there is none, or it is not the one expected any more.
            Stopped: the bucket or the service does not answer, or the connection keeps breaking.
        """
        with in_words(f"fetching s3://{bucket}/{key}", "s3"), path.open("wb") as file:
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
        with in_words(f"writing s3://{bucket}/{key}", "s3"):
            self._client.put_object(Bucket=bucket, Key=key, Body=body, **self._stored)

    def put_if(self, bucket: str, key: str, body: bytes, etag: str | None) -> str | None:
        """Store a small object if it still has this ETag, or if there is none for ``None``.

        Returns its new ETag, or ``None`` where someone else was first. An equal body is taken for
        ours, stored by an attempt whose answer was lost: callers that race put their name in it.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": f'"{etag}"'}
        with in_words(f"writing s3://{bucket}/{key}", "s3"):
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
        """Store the content of a file, in parts where it is large.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        with in_words(f"writing s3://{bucket}/{key}", "s3"):
            try:
                self._client.upload_file(str(path), bucket, key, ExtraArgs=self._stored)
            except S3UploadFailedError as error:
                # boto3 wraps what the service said; the words are in what it wrapped.
                if isinstance(error.__context__, ClientError):
                    raise error.__context__ from error
                message = f"s3://{bucket}/{key} was not stored"
                raise Stopped(message, "resume: it is stored again") from error

    def delete(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete objects; those that are gone already are no error.

        Raises:
            Stopped: the bucket or the service does not answer, or does not let one go.
        """
        waiting = list(keys)
        while waiting:
            batch, waiting = waiting[:MOST_DELETED], waiting[MOST_DELETED:]
            wanted = {"Objects": [{"Key": key} for key in batch], "Quiet": True}
            with in_words(f"deleting {len(batch)} objects of s3://{bucket}", "s3"):
                answer = self._client.delete_objects(Bucket=bucket, Delete=wanted, **self._expected)
            for error in answer.get("Errors", ()):
                message = f"s3://{bucket}/{error['Key']} was not deleted: {error['Code']}"
                raise Stopped(message, "resume: it is deleted again")

    def list_keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Yield the keys below ``prefix``, in S3's own order.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        with in_words(f"listing s3://{bucket}/{prefix}", "s3"):
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
        with in_words(f"listing s3://{bucket}/{prefix}", "s3"):
            listed = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix, Delimiter="/", **self._expected
            )
            for page in listed:
                for entry in page.get("CommonPrefixes", ()):
                    yield str(entry["Prefix"]).removeprefix(prefix).rstrip("/")

    def _get(self, bucket: str, key: str, etag: str | None, offset: int) -> dict[str, Any]:
        """Ask for an object, and say in our words that it is absent or another one."""
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
                raise CheckFailed(message, "the export is not whole; make a new one") from error
            if code_of(error) in CHANGED:
                message = f"s3://{bucket}/{key} is not the object it was"
                raise CheckFailed(message, "the export was altered; make a new one") from error
            raise
        return answer
