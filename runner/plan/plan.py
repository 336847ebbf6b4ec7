"""The plan: what a run will do, as data. It holds no item data and no secret, and does nothing.

``compile`` makes a plan from a spec and what was observed, ``explain`` tells it to a reader,
``execute`` carries it out: all three read the same steps. Steps refer to one another by id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from retable.runner.aws.exports import Format
from retable.runner.plan.plan_settings import CompareSettings
from retable.runner.plan.source_steps import Removal, SourceStep, StackVariant
from retable.runner.table.settings import Attached, TableSettings
from retable.schema.spec import KeySchema

Role = Literal["rehearsal", "final", "only"]
"""Which export a step handles: ``only`` where no final one follows the rehearsal."""
STAGING_FOLDER = "retable-staging"
"""The folder below the declared prefix that staged items lie in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnablePitr:
    """Turn point-in-time recovery on, which an export needs; wait until it can be exported."""

    id: str
    table: str
    create: str | None = None
    """The step that makes the table, whose name may be known only then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeExport:
    """Export the table to S3 and wait until it is COMPLETED."""

    id: str
    table_arn: str
    table_id: str
    bucket: str
    prefix: str
    format: Format
    bucket_owner: str | None = None
    kms_key: str | None = None
    at: str | None = None
    """The moment that the export shall show, in ISO 8601; ``None`` is when it is made."""
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTable:
    """Scan the table into an export of our own, in the layout of a native one."""

    id: str
    table: str
    table_arn: str
    table_id: str | None
    location: str | None
    """Where the export is written; ``None`` is the run folder."""
    segments: int
    rate: int | None
    """Read units a second; ``None`` is as fast as the table allows."""
    consistent: bool
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertFiles:
    """Make an export in the run folder of files that something else wrote."""

    id: str
    location: str
    format: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class UseExport:
    """Take a finished export as it is, and the incremental ones that go on top of it."""

    id: str
    location: str
    export_id: str
    incrementals: tuple[str, ...] = ()
    """In the order of their windows."""
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckExport:
    """Prove the export whole: every digest, every count, the table it is of."""

    id: str
    export: str
    """The id of the ``MakeExport``, ``ScanTable``, ``ConvertFiles`` or ``UseExport`` step."""
    table_id: str | None
    """The physical table the export must be of; ``None`` accepts any."""
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeExports:
    """Find which lines of a full and of incremental exports are the table's last word."""

    id: str
    check: str
    """The id of the ``CheckExport`` step whose files are merged."""
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """Map every item into the ledger and hold the figures against what is allowed."""

    id: str
    check: str
    """The id of the ``CheckExport`` step whose files are mapped."""
    role: Role
    bounds: str | None
    """The id of the ``Approve`` step whose bounds must hold, for a final export."""
    sample: int | None = None
    """How many items are looked at; ``None`` is every one, which anything but a look needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployStack:
    """Deploy one state of the stack by which no table with items goes or comes."""

    id: str
    stack: StackVariant
    after: str | None
    """The id of the step that deployed the state before this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageItems:
    """Write every item to load as objects in S3, from where the service itself writes them."""

    id: str
    dry_run: str
    bucket: str
    prefix: str
    """The declared prefix; objects lie below it, in a folder of this run's own."""
    bucket_owner: str | None
    kms_key: str | None = None
    """The KMS key that the objects are encrypted with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearStage:
    """Delete what was staged, once the table that was made of it has been verified."""

    id: str
    stage: str
    """The id of the ``StageItems`` step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable:
    """Create the target, fenced from birth, and find it empty (I9)."""

    id: str
    request: Mapping[str, Any]
    """CreateTable's request, without the fence, which names the caller and is added on the way."""
    replaces: str | None
    """The id of the ``Removal`` step that must be done first; ``None`` side by side."""
    imports: str | None = None
    """The id of the ``StageItems`` step whose items the table is born with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreBackup:
    """Make a table of a backup, fence it once it is there."""

    id: str
    backup_arn: str
    request: Mapping[str, Any]
    """What CreateTable would be asked for the table that was backed up."""
    replaces: str | None
    """The id of the ``Removal`` step that must be done first; ``None`` where nothing is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountItems:
    """Count the items of a restored table and hold them against what was exported of it."""

    id: str
    create: str
    """The id of the ``RestoreBackup`` step."""
    exported: int
    """How many items the last export of the table had, made behind the same freeze."""
    expires: bool
    """Whether time to live may have deleted items between the backup and the export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptTable:
    """Take the table that was made by API into its stack, as CloudFormation's import does."""

    id: str
    stack: StackVariant
    after: str | None
    """The id of the step that deployed the state before this one."""
    create: str
    logical_id: str
    """What the template calls the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployTable:
    """Deploy the stack with the target in it, fence it, and find it empty (I9)."""

    id: str
    stack: StackVariant
    after: str | None
    """The id of the step that deployed the state before this one."""
    logical_id: str
    """The table's address in the template."""
    request: Mapping[str, Any]
    """What CreateTable would be asked for such a table."""
    named: bool
    """Whether the template names the table; CloudFormation makes up a name otherwise."""
    replaces: str | None
    """The id of the step that must be done first; ``None`` side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseTable:
    """Take a table that is there, with whatever it holds; it must be the one that was seen."""

    id: str
    table: str
    table_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadItems:
    """Write every kept item to the target."""

    id: str
    create: str
    dry_run: str
    rate: int | None
    """Write units a second; ``None`` is as fast as the table allows."""
    on_conflict: Literal["overwrite", "keep", "fail"] = "overwrite"
    """What becomes of another item of the same key that is in the table."""
    loader: Literal["batch-write", "bulk-put", "import-table"] = "batch-write"
    stage: str | None = None
    """The id of the ``StageItems`` step, for loaders that write from S3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetExport:
    """The export that a table is read back by, once its last write is in every export."""

    bucket: str
    prefix: str
    bucket_owner: str | None
    kms_key: str | None
    settle_seconds: int
    """How long after the last write the export may be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyTable:
    """Read the target back and compare both sides with the ledger (I4)."""

    id: str
    table: str
    dry_run: str
    create: str | None
    """The step that made the table, whose TableId must still hold; ``None`` to verify any."""
    load: str | None
    """The step that loaded it; ``None`` where another run did."""
    loaded_by: str | None = None
    """The run whose load is verified, for the items that it had to quarantine."""
    others: bool = False
    """Whether the table may hold other items, which are not looked at."""
    export: TargetExport | None = None
    """How the table is exported to be read; ``None`` reads it by a scan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSettings:
    """Give the target the settings that were captured before the first change (I8)."""

    id: str
    create: str
    ttl: str | None
    """The attribute that holds the expiry time."""
    stream: str | None
    """The stream's view type."""
    pitr: bool
    pitr_days: int | None
    deletion_protection: bool
    tags: Mapping[str, str]
    attached: Attached = field(default_factory=Attached)
    """What is attached by API; nothing to a table that a stack makes, which attaches it itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftFence:
    """Give a table the resource policy it shall keep, or none."""

    id: str
    create: str
    """The id of the ``CreateTable`` or ``DeployTable`` step."""
    policy: str | None
    declared: bool = False
    """Whether the policy is the stack's, so that only the fence's own statement is taken out."""


ExportStep = (
    EnablePitr
    | MakeExport
    | ScanTable
    | ConvertFiles
    | UseExport
    | CheckExport
    | MergeExports
    | DryRun
)
"""What makes, proves and maps an export."""
TargetStep = (
    DeployStack
    | StageItems
    | CreateTable
    | DeployTable
    | AdoptTable
    | RestoreBackup
    | CountItems
    | UseTable
    | LoadItems
    | VerifyTable
    | RestoreSettings
    | LiftFence
    | CompareSettings
    | ClearStage
)
"""What becomes of the new table."""
Step = ExportStep | SourceStep | TargetStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run, from the first step to the last, and what it was made for.

    Equal inputs give equal plans (I7): nothing here depends on the clock, on the machine or on the
    order in which things were listed.
    """

    format_version: int = 1
    spec_name: str
    spec_sha256: str
    functions_sha256: str | None = None
    """The hash of the Python file with the spec's own functions, if it has one."""
    account: str | None
    region: str | None
    sandbox: bool
    command: Literal["run", "dry-run", "verify", "restore"] = "run"
    restores: str | None = None
    """The run whose source is brought back."""
    strategy: Literal["side-by-side", "replace", "recover"]
    source: str
    target: str
    key: KeySchema
    """The target's key schema."""
    settings: TableSettings | None
    """The source as it was before the first change (I8); ``None`` where there is none."""
    items: int | None
    """How many items the export at hand has, or about how many the table says it has."""
    items_are_exact: bool
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    """What a reader must know before agreeing: what will not come back, what is not covered."""
    unsupported: tuple[str, ...] = ()
    """What the spec asks for and this version cannot do yet; ``run`` refuses such a plan."""

    def step(self, step_id: str) -> Step:
        """Return the step called ``step_id``."""
        return next(step for step in self.steps if step.id == step_id)

    @property
    def deletes(self) -> str | None:
        """Return the table this plan deletes, if it deletes one."""
        found = [step.table for step in self.steps if isinstance(step, Removal)]
        return found[0] if found else None

    @property
    def deletes_unfrozen(self) -> str | None:
        """Return the table this plan deletes while writers may still write to it."""
        removals = [step for step in self.steps if isinstance(step, Removal)]
        return next((step.table for step in removals if step.freeze is None), None)
