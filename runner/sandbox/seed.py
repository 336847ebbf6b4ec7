"""Fills a running sandbox with what a spec expects: bucket, source table, one export.

It uses the sandbox over HTTP, like any client.
"""

import gzip
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from retable.runner.clock import Clock, SystemClock
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.failure import Refused
from retable.runner.sandbox.generate import generate_items, guess_key
from retable.runner.sandbox.sandbox_client import SandboxClient, SandboxError
from retable.runner.sandbox.sandbox_options import ACCESS_KEY
from retable.runner.sandbox.source_table import table_request
from retable.schema.spec import CdkVariant, Sandbox, Spec

DeployApp = Callable[[str, Spec, CdkVariant, Clock], None]
"""Deploys one state of a spec's CDK app to the sandbox at an endpoint."""
BATCH = 25
POLL_SECONDS = 0.05
WAIT_SECONDS = 120.0
"""How long a table or an export may take before seeding gives up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedReport:
    """What was created."""

    table: str
    items: int
    export_id: str | None
    """The finished export; ``None`` if the spec reads none from S3."""
    guessed: str | None
    """The attribute that was guessed as the source's key, if the spec does not name one."""


def seed(
    endpoint: str, spec: Spec, deploy_app: DeployApp, clock: Clock | None = None
) -> SeedReport:
    """Create the source of ``spec`` in the sandbox at ``endpoint``.

    ``deploy_app`` deploys the app whose stack creates the table, if the spec names one.

    Raises:
        Refused: the spec lacks information, or its seed file does not exist or has no items.
    """
    section = spec.sandbox or Sandbox(key=guess_key(spec))
    if "autoscaling" in section.settings:
        message = "the sandbox cannot set autoscaling"
        raise Refused(message, "remove sandbox.settings.autoscaling")
    client = SandboxClient(endpoint, ACCESS_KEY, spec.source.region)
    seeder = _Seeder(endpoint, client, spec, section, deploy_app, clock or SystemClock())
    try:
        count, export_id = seeder.run()
    finally:
        client.close()
    return SeedReport(
        table=spec.source.table_name,
        items=count,
        export_id=export_id,
        guessed=None if spec.sandbox else section.key.partition.name,
    )


class _Seeder:
    """The steps of seeding one table."""

    def __init__(  # noqa: PLR0913, PLR0917 -- what every step needs
        self,
        endpoint: str,
        client: SandboxClient,
        spec: Spec,
        section: Sandbox,
        deploy_app: DeployApp,
        clock: Clock,
    ) -> None:
        """Keep what every step needs."""
        self._endpoint = endpoint
        self._client = client
        self._spec = spec
        self._section = section
        self._deploy_app = deploy_app
        self._clock = clock
        self._table = spec.source.table_name
        self._arn = ""

    def run(self) -> tuple[int, str | None]:
        """Run every step and return the number of items and the export's id."""
        location = self._spec.source.export.location
        parsed = parse_location(location, self._spec.origin.folder) if location else None
        if isinstance(parsed, S3Prefix):
            self._client.create_bucket(parsed.bucket)
        self._create_table()
        count = self._fill()
        export_id = self._export(parsed) if isinstance(parsed, S3Prefix) else None
        if self._section.lost:
            self._delete_table()
            return count, export_id
        self._apply_settings()
        if self._spec.source.export.at is not None:
            self._damage(self._spec.source.export.at)
        self._client.control("writer", {"table": self._table, "region": self._client.region})
        return count, export_id

    def _create_table(self) -> None:
        """Create the source table, or have its stack deployed, and wait for it."""
        if self._section.stack is not None:
            self._deploy_app(self._endpoint, self._spec, self._section.stack, self._clock)
            request = {"TableName": self._table}
            self._arn = self._client.dynamodb("DescribeTable", request)["Table"]["TableArn"]
            return
        try:
            answer = self._client.dynamodb("CreateTable", table_request(self._table, self._section))
        except SandboxError as error:
            message = f"the sandbox cannot create {self._table}: {error}"
            raise Refused(message, "correct the sandbox: section of the spec") from error
        self._arn = answer["TableDescription"]["TableArn"]
        self._wait_active()

    def _delete_table(self) -> None:
        """Delete the table directly, without its stack."""
        named = {"TableName": self._table}
        self._client.dynamodb("UpdateTable", {**named, "DeletionProtectionEnabled": False})
        self._wait_active()
        self._client.dynamodb("DeleteTable", named)
        give_up = self._clock.monotonic() + WAIT_SECONDS
        while self._table in self._client.dynamodb("ListTables", {})["TableNames"]:
            if self._clock.monotonic() > give_up:
                message = f"{self._table} still exists, and the spec says it is lost"
                raise Refused(message)
            self._clock.sleep(POLL_SECONDS)

    def _damage(self, at: datetime) -> None:
        """Date the existing items before ``at``, and write the later ones."""
        since = at - timedelta(hours=1)
        past = {"table": self._table, "region": self._client.region, "since": since.isoformat()}
        self._client.control("past", past)
        if self._section.damage is None:
            return
        first = 1
        for batch in _batches(_seed_items(self._spec.origin.folder / self._section.damage)):
            self._write(batch, first)
            first += len(batch)

    def _wait_active(self) -> None:
        """Wait until the table is ACTIVE."""
        self._wait(
            lambda: self._client.dynamodb("DescribeTable", {"TableName": self._table})["Table"],
            "TableStatus",
            "ACTIVE",
        )

    def _fill(self) -> int:
        """Write the items and return how many the table has at the end."""
        first = 1
        for batch in _batches(self._items()):
            self._write(batch, first)
            first += len(batch)
        table = self._client.dynamodb("DescribeTable", {"TableName": self._table})["Table"]
        return int(table["ItemCount"])

    def _items(self) -> Iterator[dict[str, Any]]:
        """Yield the items of the seed file, or generated ones."""
        if self._section.seed is None:
            return generate_items(self._spec, self._section.key, self._section.items)
        return _seed_items(self._spec.origin.folder / self._section.seed)

    def _write(self, batch: list[dict[str, Any]], first: int) -> None:
        """Write items; ``first`` is the line of the first one."""
        requests = [{"PutRequest": {"Item": item}} for item in batch]
        try:
            while requests:
                body = {"RequestItems": {self._table: requests}}
                answer = self._client.dynamodb("BatchWriteItem", body)
                requests = answer["UnprocessedItems"].get(self._table, [])
        except SandboxError as error:
            if len(batch) > 1:
                # Finds the refused one; also lets a later item with the same key win.
                for number, item in enumerate(batch):
                    self._write([item], first + number)
                return
            source = self._section.seed or "generated item"
            message = f"{source} line {first}: {self._table} cannot hold the item ({error.code})"
            raise Refused(
                message, 'every line is {"Item": …} with the key of sandbox.key'
            ) from error

    def _export(self, location: S3Prefix) -> str:
        """Make one export and return its id, with point-in-time recovery enabled for it."""
        self._set_recovery(on=True)
        export = self._spec.source.export
        request = {"TableArn": self._arn, "S3Bucket": location.bucket}
        if location.prefix:
            request["S3Prefix"] = location.prefix
        if export.format == "ion":
            request["ExportFormat"] = "ION"
        if export.bucket_owner is not None:
            self._client.control("faults", {"bucket_owner": export.bucket_owner})
            request["S3BucketOwner"] = export.bucket_owner
        if export.kms_key is not None:
            request |= {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": export.kms_key}
        made = self._client.dynamodb("ExportTableToPointInTime", request)["ExportDescription"]
        request = {"ExportArn": made["ExportArn"]}
        self._wait(
            lambda: self._client.dynamodb("DescribeExport", request)["ExportDescription"],
            "ExportStatus",
            "COMPLETED",
        )
        return str(made["ExportArn"]).rpartition("/")[2]

    def _apply_settings(self) -> None:
        """Apply the section's settings, the policy last since it may deny us."""
        settings = self._section.settings
        name = {"TableName": self._table}
        if self._section.stack is None or "point_in_time_recovery" in settings:
            self._set_recovery(on=bool(settings.get("point_in_time_recovery")))
        if settings.get("ttl"):
            specification = {"Enabled": True, "AttributeName": settings["ttl"]}
            self._client.dynamodb(
                "UpdateTimeToLive", {**name, "TimeToLiveSpecification": specification}
            )
        if settings.get("stream"):
            stream = {"StreamEnabled": True, "StreamViewType": settings["stream"]}
            self._update({"StreamSpecification": stream})
        if settings.get("tags"):
            tags = [{"Key": key, "Value": str(tag)} for key, tag in settings["tags"].items()]
            self._client.dynamodb("TagResource", {"ResourceArn": self._arn, "Tags": tags})
        if settings.get("deletion_protection"):
            self._update({"DeletionProtectionEnabled": True})
        if settings.get("policy"):
            policy = orjson.dumps(settings["policy"], default=str).decode()
            self._client.dynamodb("PutResourcePolicy", {"ResourceArn": self._arn, "Policy": policy})

    def _set_recovery(self, *, on: bool) -> None:
        """Enable or disable point-in-time recovery."""
        self._client.dynamodb(
            "UpdateContinuousBackups",
            {
                "TableName": self._table,
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": on},
            },
        )

    def _update(self, change: Mapping[str, Any]) -> None:
        """Change the table and wait until it is ACTIVE again."""
        self._client.dynamodb("UpdateTable", {"TableName": self._table, **change})
        self._wait_active()

    def _wait(self, poll: Callable[[], Mapping[str, Any]], member: str, expected: str) -> None:
        """Poll until ``member`` is ``expected``.

        Raises:
            Refused: it takes too long.
        """
        give_up = self._clock.monotonic() + WAIT_SECONDS
        while (found := poll()[member]) != expected:
            if self._clock.monotonic() > give_up:
                message = f"{self._table}: {member} is {found}, expected {expected}"
                raise Refused(message)
            self._clock.sleep(POLL_SECONDS)


def _batches(items: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield ``items`` in lists of at most 25."""
    while batch := list(itertools.islice(items, BATCH)):
        yield batch


def _seed_items(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the items of a seed file of ``{"Item": …}`` lines, which may be compressed.

    Raises:
        Refused: the file does not exist, or a line is not an item.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                yield _seed_item(path, number, line)
    except (OSError, EOFError) as error:
        message = f"the seed file {path} cannot be read: {error}"
        raise Refused(message, "sandbox.seed is relative to the spec's folder") from error


def _seed_item(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """Return the item on one line."""
    try:
        item = orjson.loads(line)["Item"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        message = f"{path} line {number} is not an item"
        raise Refused(message, 'every line is {"Item": {…}} in DynamoDB JSON') from error
    return dict(item)
