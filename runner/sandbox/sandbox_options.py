"""The options of a sandbox: how long operations take, and which faults to inject.

Times are in seconds. All random values come from one generator, so a seed repeats a run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from retable.runner.clock import Clock, SystemClock

ACCOUNT = "123456789012"
"""The account id of the sandbox; moto's default."""
DEFAULT_REGION = "eu-west-1"
ACCESS_KEY = "migrate"
"""The access key id of ``SandboxServer.environment``; its principal is ``user/migrate``."""
WRITER_ACCESS_KEY = "application"
"""The access key id of the background writer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """The sandbox's behaviour without faults."""

    seed: int = 0
    clock: Clock = field(default_factory=SystemClock)
    creating_seconds: float = 0.0
    """How long a new table is CREATING."""
    updating_seconds: float = 0.0
    """How long a table is UPDATING after UpdateTable."""
    deleting_seconds: float = 0.0
    """How long a table is DELETING; reads and writes still work then, as they may in AWS."""
    export_seconds: float = 0.0
    """The minimum time an export is IN_PROGRESS; its content is fixed when it is requested."""
    export_files: int = 4
    """The number of an export's data files; one of them is empty."""
    window_seconds: float = 0.0
    """The shortest window of an incremental export; the service requires 15 minutes."""
    bulk_seconds: float = 0.0
    """How long an import or a bulk operation is IN_PROGRESS."""
    backup_seconds: float = 0.0
    """How long a backup is CREATING."""
    resource_seconds: float = 0.0
    """How long CloudFormation takes to create, change or delete a resource."""
    ttl_seconds: float | None = None
    """Seconds between two deletions of expired items; ``None`` never deletes them."""
    policy_delay_seconds: float = 0.0
    """How long GetResourcePolicy returns a resource policy before it takes effect."""
    writer_rate: float = 0.0
    """Writes per second of an application that writes to the seeded table all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedError:
    """An error to answer in place of the operation: for ``times`` requests of ``operation``."""

    operation: str
    code: str = "InternalServerError"
    message: str = "injected by the sandbox"
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFailure:
    """A resource that a stack fails to create, update, import or delete, for ``reason``.

    It fails ``times`` times, after ``passes`` successes.
    """

    resource: str
    """Its logical ID."""
    action: str = "create"
    reason: str = "injected by the sandbox"
    times: int = 1
    passes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Faults in force, as ``POST /_retable/faults`` sets them; others stay unchanged."""

    unprocessed: float = 0.0
    """Share of a batch's writes that are returned as UnprocessedItems."""
    throttle: float = 0.0
    """Below 1: the share of write requests that are throttled; else the number of next ones."""
    throttle_reads: float = 0.0
    """The same for Scan, Query, GetItem and BatchGetItem."""
    fail_500: int = 0
    """The number of next write requests that answer InternalServerError; about half take effect."""
    policy_delay_seconds: float | None = None
    """Overrides the option of that name for policies put from now on."""
    table_status: Mapping[str, str] = field(default_factory=dict)
    """Tables that stay in a status, by name: ``{"orders": "UPDATING"}``."""
    export_failure: str | None = None
    """The FailureCode of the next exports."""
    hold_exports: bool = False
    """Exports stay IN_PROGRESS for as long as this is set."""
    bucket_owner: str = ACCOUNT
    """The account that all buckets belong to."""
    errors: tuple[InjectedError, ...] = ()
    stack_failures: tuple[StackFailure, ...] = ()

    def updated(self, changes: Mapping[str, Any]) -> "Faults":
        """Return the faults with ``changes`` (from JSON) made.

        Raises:
            ValueError: a name is unknown, or an error lacks its operation.
        """
        known = {entry.name for entry in fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            message = f"unknown fault {unknown[0]!r}; known: {', '.join(sorted(known))}"
            raise ValueError(message)
        values = dict(changes)
        for name, kind in (("errors", InjectedError), ("stack_failures", StackFailure)):
            if name in values:
                try:
                    values[name] = tuple(kind(**one) for one in values[name])
                except TypeError as error:
                    raise ValueError(str(error)) from error
        return replace(self, **values)
