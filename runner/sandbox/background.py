"""Background activity: items that expire, and an application that writes all the time.

The writer uses HTTP like any other client, and policies deny it like any other.
"""

import http.client
import threading
from collections import Counter
from decimal import Decimal
from typing import Any

from moto.dynamodb.models.table import Table

from retable.runner.sandbox.dynamodb.key_shape import key_of, shape_of
from retable.runner.sandbox.dynamodb.recording import record
from retable.runner.sandbox.dynamodb.stored_items import items_of, remove, typed_of
from retable.runner.sandbox.sandbox_client import SandboxClient, SandboxError
from retable.runner.sandbox.sandbox_options import WRITER_ACCESS_KEY
from retable.runner.sandbox.sandbox_state import State

TEMPLATES = 25
"""The number of the table's items that the writer varies."""
MAX_EXPIRED_SECONDS = 5 * 365 * 86400
"""An item that expired longer ago is kept; "How it works: Time to Live" in the guide."""


class Sweeper:
    """Deletes expired items of tables with TTL, at intervals."""

    def __init__(self, state: State) -> None:
        """Start nothing yet."""
        self._state = state
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start, if the options enable it."""
        if self._state.options.ttl_seconds is not None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Wait until it has ended; ``stopping`` must be set."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        """Sweep until the sandbox stops."""
        while not self._state.stopping.wait(self._state.options.ttl_seconds):
            with self._state.lock:
                for backend in self._state.moto.dynamodb_regions():
                    for table in backend.tables.values():
                        self._state.counters["expired"] += self._sweep(table)

    def _sweep(self, table: Table) -> int:
        """Delete expired items of ``table`` and return their number."""
        name = table.ttl.get("AttributeName")
        if table.ttl.get("TimeToLiveStatus") != "ENABLED" or name is None:
            return 0
        now = Decimal(int(self._state.options.clock.now().timestamp()))
        expired = [
            item
            for item in map(typed_of, items_of(table))
            if "N" in item.get(name, {})
            and now - MAX_EXPIRED_SECONDS < Decimal(item[name]["N"]) < now
        ]
        for item in expired:
            key = key_of(item, shape_of(table))
            remove(table, key)
            record(self._state, table, key, item, None)
        return len(expired)


class Writer:
    """An application that updates and inserts items of one table by name, despite errors."""

    def __init__(self, state: State) -> None:
        """Start nothing yet."""
        self._state = state
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._counts: Counter[str] = Counter()
        self._table = ""

    def start(self, endpoint: str, table: str, region: str | None) -> None:
        """Start writing to ``table``, if the options enable it and it is not running yet."""
        if self._state.options.writer_rate <= 0 or self._thread is not None:
            return
        self._table = table
        client = SandboxClient(endpoint, WRITER_ACCESS_KEY, region)
        self._thread = threading.Thread(target=self._run, args=(client,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop writing and wait until the last request is answered."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def report(self) -> dict[str, Any]:
        """Return the number of writes by outcome: ``accepted``, ``denied``, ``failed``."""
        return {
            "running": self._thread is not None and not self._stop.is_set(),
            "table": self._table,
            "accepted": self._counts["accepted"],
            "denied": self._counts["denied"],
            "failed": self._counts["failed"],
        }

    def _run(self, client: SandboxClient) -> None:
        """Write at the configured rate until stopped."""
        number = 0
        templates = _Templates(client, self._table)
        while not self._stop.wait(1 / self._state.options.writer_rate):
            number += 1
            try:
                self._write(client, templates, number)
            except SandboxError as error:
                denied = error.code == "AccessDeniedException"
                self._counts["denied" if denied else "failed"] += 1
            except (OSError, http.client.HTTPException):
                self._counts["failed"] += 1
        client.close()

    def _write(self, client: SandboxClient, templates: "_Templates", number: int) -> None:
        """Update an item, or put a new one every second time."""
        found = templates.pick(number)
        if found is None:
            return
        item, key = found
        if number % 2:
            client.dynamodb(
                "UpdateItem",
                {
                    "TableName": self._table,
                    "Key": {name: item[name] for name in key},
                    "UpdateExpression": "SET written_by_application = :n",
                    "ExpressionAttributeValues": {":n": {"N": str(number)}},
                },
            )
        else:
            fresh = {**item, **{name: varied(item[name], number) for name in key[:1]}}
            client.dynamodb("PutItem", {"TableName": self._table, "Item": fresh})
        self._counts["accepted"] += 1


class _Templates:
    """The items that the application knows, read again when the table's key changes."""

    def __init__(self, client: SandboxClient, table: str) -> None:
        """Begin without items."""
        self._client = client
        self._table = table
        self._key: list[str] = []
        self._items: list[dict[str, Any]] = []

    def pick(self, number: int) -> tuple[dict[str, Any], list[str]] | None:
        """Return an item and the names of its key; ``None`` while the table is empty."""
        description = self._client.dynamodb("DescribeTable", {"TableName": self._table})
        key = [entry["AttributeName"] for entry in description["Table"]["KeySchema"]]
        if key != self._key or not self._items:
            page = self._client.dynamodb("Scan", {"TableName": self._table, "Limit": TEMPLATES})
            self._key, self._items = key, page["Items"]
        return (self._items[number % len(self._items)], key) if self._items else None


def varied(value: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a key value of the same type that is unique to ``number``."""
    if "S" in value:
        return {"S": f"{value['S']}-w{number}"}
    if "N" in value:
        return {"N": str(int(Decimal(value["N"])) + 10**12 + number)}
    return {"B": f"{number:08d}"}
