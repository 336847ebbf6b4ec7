"""The steps that verify a loaded target, restore its settings and open it for writes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from retable.runner.plan.export_steps import DryRun
from retable.runner.plan.step import Link, StepOf, Target
from retable.runner.plan.target_steps import (
    DECIDED_LATER,
    AnyLoad,
    AnyTable,
    NewTable,
    RestoreBackup,
    StageItems,
)
from retable.runner.report.item_figures import Buckets
from retable.runner.report.model import Check
from retable.runner.table import requests
from retable.runner.table.export_request import ExportRequest
from retable.runner.table.requests import Request
from retable.runner.table.settings import Attached


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a step compared, recorded before it is judged, so that a failed one is reported too."""

    checks: tuple[Check, ...]
    remarks: tuple[str, ...] = ()
    """Differences that are not the run's fault, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCompared(Compared):
    """What a verification compared, in items. ``None`` was not examined."""

    missing: int
    extra: int
    different: int
    expected: int | None = None
    actual: int | None = None
    expired: int | None = None
    """Expected items that time to live has deleted since; they are not missing."""
    buckets: Buckets | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsCounted:
    """Evidence of how many items a restored table holds."""

    items: int
    exported: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountItems(StepOf[ItemsCounted]):
    """Count the items of a restored table and compare them with what was exported of it."""

    create: Link[RestoreBackup]
    exported: int
    """How many items the last export of the table had, made behind the same freeze."""
    expires: bool
    """Whether time to live may have deleted items between the backup and the export."""
    symbol: ClassVar[str] = "?"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return "count the restored items"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetExport:
    """The export that a table is read back from, once any export includes its last write."""

    bucket: str
    prefix: str
    bucket_owner: str | None
    kms_key: str | None
    settle_seconds: int
    """How long after the last write the export may be requested."""

    def of(self, table_arn: str) -> ExportRequest:
        """Return the request that exports the table ``table_arn``."""
        return ExportRequest(
            table_arn=table_arn,
            bucket=self.bucket,
            prefix=self.prefix,
            format="DYNAMODB_JSON",
            bucket_owner=self.bucket_owner,
            kms_key=self.kms_key,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableVerified:
    """Evidence of a verification, in items."""

    missing: int
    extra: int
    different: int
    expected: int | None = None
    """``None`` where a single item was verified."""
    actual: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyTable(StepOf[TableVerified]):
    """Read the target back and compare both sides with the ledger (I4)."""

    table: str
    dry_run: Link[DryRun]
    create: Link[AnyTable] | None
    """Which created the table, whose TableId must be unchanged; ``None`` to verify any."""
    load: Link[AnyLoad] | None
    """Which loaded it; ``None`` where another run did."""
    loaded_by: str | None = None
    """The run whose load is verified; its quarantine lists items that could not be written."""
    others: bool = False
    """Whether the table may hold other items, which are not compared."""
    export: TargetExport | None = None
    """How the table is exported to be read; ``None`` reads it with a scan."""
    symbol: ClassVar[str] = "?"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        if self.export is None:
            return "verify both sides"
        return f"verify both sides by an export into s3://{self.export.bucket}/{self.export.prefix}"

    def requests(self, target: Target) -> Iterator[Request]:
        """Yield what exports the table, if it is read by an export."""
        if self.export is not None:
            yield self.export.of(target.arn).request(DECIDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsRestored:
    """Evidence of which settings were changed."""

    restored: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSettings(StepOf[SettingsRestored]):
    """Give the target the settings that were captured before the first change (I8)."""

    create: Link[NewTable]
    ttl: str | None
    """The attribute that holds the expiry time."""
    stream: str | None
    """The stream's view type."""
    pitr: bool
    pitr_days: int | None
    deletion_protection: bool
    tags: Mapping[str, str]
    attached: Attached = field(default_factory=Attached)
    """What is attached by API; nothing where a stack creates the table, as it attaches these."""

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return "restore settings"

    def requests(self, target: Target) -> Iterator[Request]:
        """Yield what sets every setting of the target, whether it has it already or not."""
        table, attached = target.table, self.attached
        if self.tags:
            yield requests.tagging(target.arn, self.tags)
        if self.ttl is not None:
            yield requests.time_to_live(table, self.ttl)
        yield requests.recovery(table, enabled=self.pitr, days=self.pitr_days)
        if self.stream is not None:
            yield requests.stream(table, self.stream)
        if self.deletion_protection:
            yield requests.deletion_protection(table, enabled=True)
        for index, warmth in attached.warm.items():
            yield requests.warm_throughput(table, index, warmth)
        for scaling in attached.scaling:
            yield from requests.autoscaling(table, scaling)
        for index, mode in attached.insights.items():
            yield requests.contributor_insights(table, index, mode)
        for kinesis in attached.kinesis:
            yield requests.kinesis_stream(table, kinesis)


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceLifted:
    """Evidence that writes are allowed, and whether the table has a policy of its own."""

    policy: Literal["none", "restored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftFence(StepOf[FenceLifted]):
    """Replace the fence by the resource policy that the target keeps, or by none."""

    create: Link[NewTable]
    policy: str | None
    declared: bool = False
    """Whether the policy is the stack's, so that only the fence's own statement is removed."""

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return "lift the fence"

    def requests(self, target: Target) -> Iterator[Request]:
        """Yield what puts the policy, if there is one."""
        if self.policy is not None:
            yield requests.resource_policy(target.arn, self.policy, requests.NO_POLICY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsCompared:
    """Evidence of how many settings were compared, and how many the stack set differently."""

    settings: int
    different: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSettings(StepOf[SettingsCompared]):
    """Compare every setting of the finished target with what was captured and planned."""

    create: Link[NewTable]
    settings: Link[RestoreSettings]
    fence: Link[LiftFence]
    """Which has the policy that the target ends up with."""
    attached: Attached
    """What must be attached, whoever attaches it."""
    symbol: ClassVar[str] = "?"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return "compare the settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCleared:
    """Evidence of how many staged objects were deleted."""

    objects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearStage(StepOf[StageCleared]):
    """Delete the staged objects, once the table made from them has been verified."""

    stage: Link[StageItems]

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return "delete the staged items"


FinishStep = CountItems | VerifyTable | RestoreSettings | LiftFence | CompareSettings | ClearStage
