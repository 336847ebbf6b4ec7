"""A sandbox's state besides moto's: options, faults, counters, and more about each table."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from typing import Any

import orjson
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

from retable.runner.sandbox.call import Call
from retable.runner.sandbox.dynamodb.api_error import MotoError, no_resource
from retable.runner.sandbox.dynamodb.bulk_job import BulkJob
from retable.runner.sandbox.dynamodb.changelog import ChangeLog
from retable.runner.sandbox.dynamodb.export_job import ExportJob
from retable.runner.sandbox.dynamodb.policy_rules import PolicyHistory
from retable.runner.sandbox.moto_app import MotoApp
from retable.runner.sandbox.sandbox_options import Faults, SandboxOptions


@dataclass(slots=True)
class Extras:
    """A table's state that moto does not keep. Its lifetime is that of moto's table object."""

    table_id: str
    policy: PolicyHistory = field(default_factory=PolicyHistory)
    log: ChangeLog | None = None
    """The writes since point-in-time recovery was enabled; ``None`` while it is disabled."""
    active_from: float = 0.0
    """Until then (monotonic seconds) the table has the status ``passing``."""
    passing: str = "ACTIVE"
    deleted_at: float | None = None
    """When a DELETING table is removed."""
    insights: dict[str, str] = field(default_factory=dict)
    """The mode of enabled contributor insights, by index; the table is the empty name."""
    kinesis: dict[str, str] = field(default_factory=dict)
    """The timestamp precision of each Kinesis destination, by ARN."""
    shown: dict[str, Any] = field(default_factory=dict)
    """Members of its description that moto does not keep."""


@dataclass(slots=True)
class State:
    """The sandbox's own state. ``lock`` is held while a DynamoDB request is answered."""

    options: SandboxOptions
    moto: MotoApp
    faults: Faults = field(default_factory=Faults)
    counters: Counter[str] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)
    exports: dict[str, ExportJob] = field(default_factory=dict)
    """By ARN; they outlive their tables."""
    backups_ready: dict[str, float] = field(default_factory=dict)
    """From when (monotonic seconds) a backup is AVAILABLE, by ARN."""
    bulk: dict[str, BulkJob] = field(default_factory=dict)
    """Imports and bulk operations, by ARN, oldest first."""
    stopping: threading.Event = field(default_factory=threading.Event)
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        """Seed the only random generator."""
        self.random = Random(self.options.seed)  # noqa: S311 -- repeatable on purpose

    def now(self) -> float:
        """Return monotonic seconds."""
        return self.options.clock.monotonic()

    def extras(self, table: Table) -> Extras:
        """Return the state of ``table``; a new table gets its TableId."""
        found: Extras | None = vars(table).get("_retable")
        if found is None:
            table_id = uuid.UUID(int=self.random.getrandbits(128), version=4)
            found = Extras(str(table_id))
            vars(table)["_retable"] = found
        return found

    def tables(self, region: str) -> Iterator[Table]:
        """Yield the tables of ``region``, without those whose deletion is due."""
        backend = self.moto.dynamodb(region)
        for table in list(backend.tables.values()):
            if not self._sweep(backend, table):
                yield table

    def find_table(self, region: str, name: str) -> Table | None:
        """Return the table by name or ARN."""
        for table in self.tables(region):
            if name in {table.name, table.table_arn}:
                return table
        return None

    def data_table_of(self, region: str, name: str) -> Table:
        """Return an existing table, whatever its status.

        Raises:
            ApiError: it does not exist.
        """
        table = self.find_table(region, name)
        if table is None:
            raise no_resource()
        return table

    def data_table(self, region: str, name: str) -> Table:
        """Return the table that a data operation names.

        Raises:
            ApiError: it does not exist, or is still CREATING.
        """
        table = self.find_table(region, name)
        if table is None or self.status(table) == "CREATING":
            raise no_resource()
        return table

    def forward(self, call: Call, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return moto's answer to ``call``, with another body if one is given.

        Raises:
            MotoError: moto refuses.
        """
        raw = orjson.dumps(call.body if body is None else body)
        status, _, answer = self.moto.forward(call.environ, raw)
        if status != HTTPStatus.OK:
            raise MotoError(status, answer)
        parsed: dict[str, Any] = orjson.loads(answer or b"{}")
        return parsed

    def status(self, table: Table) -> str:
        """Return the current TableStatus of ``table``."""
        forced = self.faults.table_status.get(table.name)
        extras = self.extras(table)
        if forced is not None:
            return forced
        if extras.deleted_at is not None:
            return "DELETING"
        return extras.passing if self.now() < extras.active_from else "ACTIVE"

    def is_being_backed_up(self, table: Table) -> bool:
        """Return whether a backup of ``table`` is still CREATING."""
        now = self.now()
        prefix = f"{table.table_arn}/backup/"
        return any(
            arn.startswith(prefix) and ready > now for arn, ready in self.backups_ready.items()
        )

    def pass_through(self, table: Table, status: str, seconds: float) -> None:
        """Put ``table`` into ``status`` for ``seconds``."""
        extras = self.extras(table)
        extras.passing, extras.active_from = status, self.now() + seconds

    def _sweep(self, backend: DynamoDBBackend, table: Table) -> bool:
        """Remove a table that has been DELETING long enough; return whether it was removed."""
        deleted_at = self.extras(table).deleted_at
        if deleted_at is None or self.now() < deleted_at:
            return False
        backend.tables.pop(table.name, None)
        return True
