"""The steps that change the source: freeze, backup and deletion."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from retable.runner.plan.export_steps import Approve, CheckExport, DryRun
from retable.runner.plan.step import Link, StepOf

Variant = Literal["absent", "present", "final", "original"]
"""A state of a CDK app: without the table, with it, its final one, and as it was before."""
WHEN: Mapping[str, str] = {
    "absent": "without the table",
    "present": "with the table",
    "final": "in its final state",
    "original": "as it was before",
}
"""The words for the states of a stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackVariant:
    """One state of a CDK app's stack, as it was synthesized while planning."""

    variant: Variant
    stack: str
    """The stack's path in the assembly, which ``cdk deploy`` takes."""
    stack_name: str
    """What CloudFormation calls it."""
    digest: str
    """Of everything that matters in the assembly, which is in the run folder."""
    before: str | None
    """The digest of the template that must be deployed before this one, if known at planning."""

    @property
    def words(self) -> str:
        """Return the words for the state."""
        return WHEN[self.variant]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Evidence that writes are denied."""

    seen_at: datetime
    """When GetResourcePolicy first showed the freeze, by the service's clock."""
    revision: str
    """The policy's revision."""
    bulk_writes: Literal["denied", "allowed"]
    """Whether the service took a policy that names StartBulkPutItems."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeSource(StepOf[Frozen]):
    """Deny every item write to the source by its resource policy; wait until it shows."""

    table_arn: str
    table_id: str

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"freeze writers of {_name(self.table_arn)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """Evidence of a backup that is AVAILABLE."""

    arn: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackUp(StepOf[BackedUp]):
    """Make an on-demand backup and wait until it is AVAILABLE."""

    table: str
    table_id: str
    symbol: ClassVar[str] = "+"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"back up {self.table}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Evidence that the freeze has held for long enough."""

    waited_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(StepOf[Settled]):
    """Wait until the freeze has held for this long, by the service's clock."""

    freeze: Link[FreezeSource]
    seconds: int
    symbol: ClassVar[str] = ""

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"wait {self.seconds} s for the freeze to settle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesListed:
    """Evidence of which items were written after the export, by the service's clock."""

    since: datetime
    until: datetime
    changes: int
    """Items ``written`` or ``deleted``."""
    written: int
    deleted: int
    expired: int
    """Items that time to live deleted, which does not count as a write."""
    listed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChanges(StepOf[ChangesListed]):
    """List the items that were written to the source after the export that is loaded."""

    table_arn: str
    table_id: str
    since: Link[CheckExport]
    """Which checks the export that they come after."""
    bucket: str
    prefix: str
    bucket_owner: str | None
    kms_key: str | None
    least_seconds: int
    """What an incremental export covers at least."""
    ttl: str | None
    """The source's time to live attribute: its deletions do not count as writes."""
    must: bool
    """Whether the table may be deleted only with the list; otherwise it is for information."""
    accepted: bool
    """Whether the spec accepts by name that those writes are lost."""
    symbol: ClassVar[str] = "?"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"list what was written to {_name(self.table_arn)} after the export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprotected:
    """Evidence that deletion protection is off."""

    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprotect(StepOf[Unprotected]):
    """Turn the source's deletion protection off, so that it can be deleted."""

    table: str
    table_id: str

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"turn off deletion protection of {self.table}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FromExport:
    """The new table is loaded from an export that was made behind the freeze."""

    freeze: Link[FreezeSource]
    check: Link[CheckExport]
    dry_run: Link[DryRun]
    settle_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FromEarlier:
    """The new table is loaded from an export of an earlier time."""

    freeze: Link[FreezeSource] | None
    """``None`` where deleting a table whose writers are not stopped is approved by name."""
    check: Link[CheckExport]
    dry_run: Link[DryRun]
    changes: Link[ListChanges]
    """Which lists what is lost by it."""
    settle_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FromBackup:
    """The new table is restored from an earlier backup of another physical table."""

    freeze: Link[FreezeSource]
    backup_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Evidence that the table is deleted, or retained by its stack for a delete by API."""

    table: str
    table_id: str
    template: str | None = None
    """The digest of the template that its stack has now, if the table was in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal(StepOf[Removed]):
    """Deletes a table, or starts to, after the steps that must have proved everything (I1)."""

    table: str
    table_id: str
    backup: Link[BackUp]
    approval: Link[Approve]
    successor: FromExport | FromEarlier | FromBackup
    symbol: ClassVar[str] = "-"

    @property
    def freeze(self) -> Link[FreezeSource] | None:
        """Return what stops the table's writers, if anything does."""
        return self.successor.freeze


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTable(Removal):
    """Delete the source by API, once everything provable is proved (I1)."""

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"delete {self.table}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropFromStack(Removal):
    """Deploy the stack without the table, once everything provable is proved (I1)."""

    stack: StackVariant
    retains: bool
    """Whether the deployed template retains the table, for a ``DeleteTable`` to delete."""
    original: StackVariant
    """The stack as it was before, which a restore deploys again."""
    logical_id: str
    """The table's logical id in that."""

    @property
    def title(self) -> str:
        """Return the line for readers."""
        end = "retains it" if self.retains else "deletes it"
        return f"deploy {self.stack.stack_name} without {self.table}, which {end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDeployed:
    """Evidence of a deployment."""

    template: str
    """The digest of the template that the stack has now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetTable(StepOf[StackDeployed]):
    """Deploy the stack without a deleted table: an unchanged stack would not recreate it."""

    table: str
    """Its name, which no table has: CloudFormation would delete one that was recreated."""
    stack: StackVariant

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"deploy {self.stack.stack_name} without {self.table}, which is deleted"


SourceStep = (
    FreezeSource
    | BackUp
    | Settle
    | ListChanges
    | Unprotect
    | DropFromStack
    | ForgetTable
    | DeleteTable
)


def _name(arn: str) -> str:
    """Return a table's name from its ARN."""
    return arn.rpartition("/")[2]
