"""Objects in S3: read, fetched to a file, listed; and stored, for an export of our own."""

from collections.abc import Iterable, Iterator
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
BROKEN = (HTTPClientError, IncompleteReadError)
"""What a connection that breaks inside a body raises; botocore does not try that again."""
MAX_BREAKS = 5
"""How often in a row a connection may break without one byte more before the fetch stops."""
FIRST_PAUSE_SECONDS = 0.2
MOST_DELETED = 1_000
"""Objects that one request may delete."""


class Objects:
    """S3, as far as exports need it."""

    def __init__(self, client: Any, clock: Clock, owner: str | None = None) -> None:
        """Use boto3's S3 ``client``. Buckets of another account than ``owner`` are refused."""
        self._client = client
        self._expected = {} if owner is None else {"ExpectedBucketOwner": owner}
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
            self._client.put_object(Bucket=bucket, Key=key, Body=body, **self._expected)

    def upload(self, bucket: str, key: str, path: Path, kms_key: str | None = None) -> None:
        """Store the content of a file, in parts where it is large; sealed with a key of KMS's own.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        sealed = {} if kms_key is None else _sealed(kms_key)
        with in_words(f"writing s3://{bucket}/{key}", "s3"):
            try:
                self._client.upload_file(
                    str(path), bucket, key, ExtraArgs={**self._expected, **sealed}
                )
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


def _sealed(kms_key: str) -> dict[str, str]:
    """Return what a request says to have an object encrypted with that key."""
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
