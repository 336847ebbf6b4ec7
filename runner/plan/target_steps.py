"""The steps that create the target, by API, by its stack or from a backup, and load it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from retable.runner.plan.export_steps import DryRun, PitrEnabled
from retable.runner.plan.source_steps import (
    DropFromStack,
    ForgetTable,
    Removal,
    StackDeployed,
    StackVariant,
)
from retable.runner.plan.step import Link, StepOf, Target, find
from retable.runner.table import requests
from retable.runner.table.load_requests import Staged, bulk_put, table_import
from retable.runner.table.requests import Request

STAGING_FOLDER = "retable-staging"
"""The folder below the declared prefix that holds the staged items."""
DECIDED_LATER = "decided-later"
"""The placeholder of what a step learns only when it runs."""
CONFLICTS: Mapping[str, str] = {
    "overwrite": "",
    "keep": ", keeping existing items",
    "fail": ", stopping at an existing item",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsStaged:
    """Evidence of the objects that hold the items to load."""

    prefix: str
    """This run's own folder below the declared prefix."""
    items: int
    objects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageItems(StepOf[ItemsStaged]):
    """Write every item to load as objects in S3, from which the service itself loads them."""

    dry_run: Link[DryRun]
    bucket: str
    prefix: str
    """The declared prefix."""
    bucket_owner: str | None
    kms_key: str | None = None
    """The KMS key that the objects are encrypted with."""
    symbol: ClassVar[str] = ">"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"stage the items in s3://{self.bucket}/{self.prefix}"

    def staged(self, prefix: str) -> Staged:
        """Return what it writes under ``prefix``, which is known once it is done."""
        return Staged(
            bucket=self.bucket, prefix=prefix, bucket_owner=self.bucket_owner, kms_key=self.kms_key
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFound:
    """Evidence of which physical table the run loads."""

    table: str
    table_id: str | None
    arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMade(TableFound):
    """Evidence of a table that the run created."""

    fenced: bool
    """Whether the endpoint supports resource policies: AWS does, some emulators do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable(StepOf[TableMade]):
    """Create the target, fenced from the start, and check that it is empty (I9)."""

    request: Mapping[str, Any]
    """CreateTable's request, without the fence, which names the caller and is added when sent."""
    replaces: Link[Removal] | None
    """Which must be done first; ``None`` side by side."""
    symbol: ClassVar[str] = "+"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"create {self.request['TableName']}, fenced"

    def requests(self, target: Target) -> Iterator[Request]:
        """Yield what creates the table."""
        yield requests.table_creation(self.request, target.fence)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableImported(TableMade):
    """Evidence of a table that ImportTable created."""

    import_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTable(StepOf[TableImported]):
    """Let the service create the target with the staged items in it, then fence it."""

    request: Mapping[str, Any]
    """CreateTable's request for such a table."""
    replaces: Link[Removal] | None
    """Which must be done first; ``None`` side by side."""
    stage: Link[StageItems]
    symbol: ClassVar[str] = "+"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"import {self.request['TableName']} from the staged items, then fence it"

    def requests(self, target: Target) -> Iterator[Request]:
        """Yield what imports the table."""
        staged = find(self.stage, target.steps).staged(DECIDED_LATER)
        yield table_import(staged, self.request, DECIDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDeployed(TableMade):
    """Evidence of a table that its stack created."""

    template: str
    """The digest of the template that the stack has now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployTable(StepOf[TableDeployed]):
    """Deploy the stack with the target in it, fence it, and check that it is empty (I9)."""

    stack: StackVariant
    after: Link[DropFromStack | ForgetTable] | None
    """Which deployed the state before this one."""
    logical_id: str
    """The table's logical id in the template."""
    request: Mapping[str, Any]
    """The CreateTable request for such a table."""
    named: bool
    """Whether the template names the table; CloudFormation generates a name otherwise."""
    replaces: Link[Removal] | None
    """Which must be done first; ``None`` side by side."""
    symbol: ClassVar[str] = "+"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        name = self.request["TableName"] if self.named else self.logical_id
        return f"deploy {self.stack.stack_name} with {name}, and fence it"

    def requests(self, target: Target) -> Iterator[Request]:
        """Yield what CloudFormation sends: the template was checked against this request."""
        del target
        yield requests.table_creation(self.request, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreBackup(StepOf[TableMade]):
    """Restore a table from a backup, and fence it once it exists."""

    backup_arn: str
    request: Mapping[str, Any]
    """The CreateTable request for the table that was backed up."""
    replaces: Link[Removal] | None
    """Which must be done first; ``None`` where there is no table to delete."""
    symbol: ClassVar[str] = "+"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"restore {self.request['TableName']} from its backup, and fence it"


@dataclass(frozen=True, slots=True, kw_only=True)
class UseTable(StepOf[TableFound]):
    """Use an existing table, with whatever it holds; it must be the one that was planned for."""

    table: str
    table_id: str | None
    symbol: ClassVar[str] = "="

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"use the existing table {self.table}"


NewTable = CreateTable | ImportTable | DeployTable | RestoreBackup
"""Every kind of step that creates the target."""
AnyTable = NewTable | UseTable
"""Every kind of step that provides the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableTargetPitr(StepOf[PitrEnabled]):
    """Turn on the target's point-in-time recovery, which reading it by an export needs."""

    create: Link[NewTable]
    """Which creates the table; its name may be known only then."""
    table: str

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"turn on point-in-time recovery of {self.table}"

    def requests(self, target: Target) -> Iterator[Request]:
        """Yield what turns it on."""
        yield requests.recovery(target.table, enabled=True, days=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptTable(StepOf[StackDeployed]):
    """Import the table that was created by API into its stack, by CloudFormation's import."""

    stack: StackVariant
    after: Link[DropFromStack | ForgetTable] | None
    """Which deployed the state before this one."""
    create: Link[NewTable]
    logical_id: str
    """The table's logical id in the template."""

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"import the table into {self.stack.stack_name} as {self.logical_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployStack(StepOf[StackDeployed]):
    """Deploy a state of the stack that neither creates nor deletes a table with items."""

    stack: StackVariant
    after: Link[DeployTable | AdoptTable]
    """Which deployed the state before this one."""

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"deploy {self.stack.stack_name} {self.stack.words}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsLoaded:
    """Evidence of a load: what became of every result of the dry run (I3)."""

    loaded: int
    superseded: int
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadItems(StepOf[ItemsLoaded]):
    """Write every kept item to the target with BatchWriteItem."""

    create: Link[AnyTable]
    dry_run: Link[DryRun]
    rate: int | None
    """Write units a second; ``None`` is as fast as the table allows."""
    on_conflict: Literal["overwrite", "keep", "fail"] = "overwrite"
    """What happens to an item of the same key that is already in the table."""
    symbol: ClassVar[str] = ">"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        rate = f" at {self.rate:,} write units a second" if self.rate else ""
        return f"load the items{rate}{CONFLICTS[self.on_conflict]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPutItems(StepOf[ItemsLoaded]):
    """Let the service write the staged items into the target, with StartBulkPutItems."""

    create: Link[AnyTable]
    dry_run: Link[DryRun]
    stage: Link[StageItems]
    rate: int | None
    """Write units a second; ``None`` is as fast as the service goes."""
    symbol: ClassVar[str] = ">"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return "load the items with a DynamoDB bulk operation"

    def requests(self, target: Target) -> Iterator[Request]:
        """Yield what starts the operation."""
        staged = find(self.stage, target.steps).staged(DECIDED_LATER)
        yield bulk_put(target.table, staged, DECIDED_LATER, self.rate, DECIDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountForImport(StepOf[ItemsLoaded]):
    """Read back the items that the import could not write, and account for every item (I3)."""

    create: Link[ImportTable]
    dry_run: Link[DryRun]
    stage: Link[StageItems]
    symbol: ClassVar[str] = ">"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return "account for the imported items"


AnyLoad = LoadItems | BulkPutItems | AccountForImport
"""Every kind of step that accounts for the items that were loaded."""
TargetStep = StageItems | AnyTable | EnableTargetPitr | AdoptTable | DeployStack | AnyLoad
