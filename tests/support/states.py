"""Runs kept in a sandbox's S3."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from retable.runner.aws.objects import Objects, Seen
from retable.runner.aws.session import connect
from retable.runner.aws.state_address import Address
from retable.runner.clock import Clock
from retable.runner.runs.folder import RunFolder, new_folder
from retable.runner.runs.holder import Process
from retable.runner.runs.s3_lock import S3Lock
from retable.runner.runs.stored_runs import StoredRuns
from retable.runner.sandbox.server import SandboxServer

BUCKET = "acme-runs"
RUN_ID = "7f3a-c21e"
ELSEWHERE = Process(host="ci-1", pid=7, machine=None, started=None)
"""A process of which nothing can be known."""


class StateBed:
    """A bucket, and a prefix in it for each test."""

    def __init__(self, objects: Objects, client: Any) -> None:
        self.objects = objects
        self.client = client
        self._count = itertools.count()

    def runs(self) -> StoredRuns:
        """Return runs below a prefix of their own."""
        return StoredRuns(Address(bucket=BUCKET, prefix=f"p{next(self._count)}"), self.objects)

    def lock(self, clock: Clock, key: str) -> S3Lock:
        """Return a lock as another runner sees it."""
        return S3Lock(self.objects, BUCKET, key, clock)

    def keys(self, runs: StoredRuns) -> list[str]:
        """Return what lies there, without the prefix."""
        prefix = runs.address.prefix + "/"
        return [key.removeprefix(prefix) for key in self.objects.list_keys(BUCKET, prefix)]


@contextmanager
def state_bed() -> Iterator[StateBed]:
    """Serve a sandbox with a bucket for runs."""
    with SandboxServer() as server:
        client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="eu-west-1",
            aws_access_key_id="RUNNER",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        location: Any = {"LocationConstraint": "eu-west-1"}
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
        yield StateBed(connect(None, environ=server.environment()).objects, client)
        client.close()


class MapBucket:
    """Objects in memory, for laws that need many runs and no S3."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def look(self, bucket: str, key: str) -> Seen | None:
        del bucket
        if key not in self.objects:
            return None
        now = datetime.now(UTC)
        return Seen(body=self.objects[key], etag="", modified=now, age_seconds=0.0)

    def put(self, bucket: str, key: str, body: bytes) -> None:
        del bucket
        self.objects[key] = body

    def put_if(self, bucket: str, key: str, body: bytes, etag: str | None) -> str | None:
        if etag is None and key in self.objects:
            return None
        self.put(bucket, key, body)
        return "etag"

    def upload(self, bucket: str, key: str, path: Path) -> None:
        self.put(bucket, key, path.read_bytes())

    def download(self, bucket: str, key: str, path: Path, etag: str | None) -> str:
        del bucket, etag
        path.write_bytes(self.objects[key])
        return "etag"

    def list_keys(self, bucket: str, prefix: str) -> Iterator[str]:
        del bucket
        yield from sorted(key for key in self.objects if key.startswith(prefix))

    def list_folders(self, bucket: str, prefix: str) -> Iterator[str]:
        yield from {
            key.removeprefix(prefix).split("/")[0] for key in self.list_keys(bucket, prefix)
        }


def run_folder(place: Path) -> RunFolder:
    """Make a run folder with a plan that nobody reads."""
    folder = new_folder(place, RUN_ID)
    folder.plan.write_bytes(b"{}")
    return folder
