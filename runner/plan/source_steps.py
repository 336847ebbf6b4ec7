"""The steps of a plan that are about the table there is: leave, freeze, backup, and its end."""

from dataclasses import dataclass
from typing import Literal

Variant = Literal["absent", "present", "final", "original"]
"""A state of a CDK app: without the table, with it, as it stays, and as it was before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Ask for leave, or take it from the command line; bind it to the plan and its bounds."""

    id: str
    dry_run: str | None
    """The rehearsal whose figures are shown and bound; ``None`` where nothing is mapped."""
    deletes: str | None
    """The table that approval lets be deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeSource:
    """Deny every item write to the source by its resource policy; wait until it shows."""

    id: str
    table_arn: str
    table_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackUp:
    """Make an on-demand backup and wait until it is AVAILABLE."""

    id: str
    table: str
    table_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Wait until the fence has held for this long, by the service's clock."""

    id: str
    freeze: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChanges:
    """List whose items were written to the source after the export that is loaded."""

    id: str
    table_arn: str
    table_id: str
    since: str
    """The id of the ``CheckExport`` step whose export they come after."""
    bucket: str
    prefix: str
    bucket_owner: str | None
    kms_key: str | None
    least_seconds: int
    """What an incremental export covers at least."""
    ttl: str | None
    """The attribute by which the source lets items expire, which is no write."""
    must: bool
    """Whether nothing may be deleted without the list; else it is for information."""
    accepted: bool
    """Whether it was accepted by name that those writes are lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprotect:
    """Turn the source's deletion protection off, so that it can be deleted."""

    id: str
    table: str
    table_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FromExport:
    """What comes after a removal is loaded from an export, which these steps have proved."""

    final_export: str
    final_check: str
    final_dry_run: str
    settle_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FromEarlier:
    """What comes after a removal is loaded from an export of an earlier time."""

    check: str
    dry_run: str
    changes: str
    """The id of the ``ListChanges`` step, which has told what is lost by it."""
    settle_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FromBackup:
    """What comes after a removal is an earlier backup of another physical table."""

    backup_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """The end of a table, and the ids of the steps that must have proved all before it (I1)."""

    id: str
    table: str
    table_id: str
    freeze: str | None
    """``None`` where leave is given by name to delete a table whose writers nothing stops."""
    backup: str
    approval: str
    successor: FromExport | FromEarlier | FromBackup


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTable(Removal):
    """Delete the source by API, once everything that can be proved has been (I1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackVariant:
    """One state of a CDK app's stack, as it was synthesized while planning."""

    variant: Variant
    stack: str
    """The stack's path in the assembly, which ``cdk deploy`` takes."""
    stack_name: str
    """What CloudFormation calls it."""
    digest: str
    """Of all that counts of the assembly, which lies in the run folder."""
    before: str | None
    """The digest of the template that must be deployed before, where that is known beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropFromStack(Removal):
    """Deploy the stack without the table, once everything that can be proved has been (I1)."""

    stack: StackVariant
    retains: bool
    """Whether the deployed template lets the table stay behind, for a ``DeleteTable`` to delete."""
    original: StackVariant
    """The stack as it was before, which a restore brings back."""
    logical_id: str
    """The table's address in that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetTable:
    """Deploy the stack without a table that is gone: unchanged, it would not make it again."""

    id: str
    table: str
    """Its name, under which there is no table: CloudFormation would delete one that came back."""
    stack: StackVariant


SourceStep = (
    Approve
    | FreezeSource
    | BackUp
    | Settle
    | ListChanges
    | Unprotect
    | DropFromStack
    | ForgetTable
    | DeleteTable
)
"""What becomes of the old table."""
