"""Objects in S3: read, fetched to a file, listed. Nothing here writes to S3."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.errors import code_of, in_words
from retable.runner.failure import CheckFailed

CHUNK_BYTES = 1 << 20
ABSENT = frozenset(["NoSuchKey", "404", "NotFound"])
CHANGED = frozenset(["PreconditionFailed", "412"])


class Objects:
    """S3, as far as exports need it."""

    def __init__(self, client: Any) -> None:
        """Use boto3's S3 ``client``."""
        self._client = client

    def read(self, bucket: str, key: str) -> bytes:
        """Return a small object whole.

        Raises:
            CheckFailed: there is none.
            Stopped: the bucket or the service does not answer.
        """
        with in_words(f"reading s3://{bucket}/{key}"):
            body: bytes = self._get(bucket, key, None)["Body"].read()
            return body

    def download(self, bucket: str, key: str, path: Path, etag: str | None) -> str:
        """Fetch an object into ``path`` and return its ETag; ``etag`` pins the one expected.

        Raises:
            CheckFailed: there is none, or it is not the one expected any more.
            Stopped: the bucket or the service does not answer, or the connection broke.
        """
        with in_words(f"fetching s3://{bucket}/{key}"):
            answer = self._get(bucket, key, etag)
            with path.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                    file.write(chunk)
            return str(answer["ETag"]).strip('"')

    def list_keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Yield the keys below ``prefix``, in S3's own order.

        Raises:
            Stopped: the bucket or the service does not answer.
        """
        with in_words(f"listing s3://{bucket}/{prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix
            )
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield str(entry["Key"])

    def _get(self, bucket: str, key: str, etag: str | None) -> dict[str, Any]:
        """Ask for an object, and say in our words that it is absent or another one."""
        pin = {"IfMatch": etag} if etag else {}
        try:
            answer: dict[str, Any] = self._client.get_object(Bucket=bucket, Key=key, **pin)
        except ClientError as error:
            if code_of(error) in ABSENT:
                message = f"s3://{bucket}/{key} does not exist"
                raise CheckFailed(message, "the export is not whole; make a new one") from error
            if code_of(error) in CHANGED:
                message = f"s3://{bucket}/{key} is not the object it was"
                raise CheckFailed(message, "the export was altered; make a new one") from error
            raise
        return answer
