"""The steps that make an export, check it, map it, and ask for approval of what follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

from retable.runner.plan.step import Link, StepOf
from retable.runner.table.export_request import Format

Role = Literal["rehearsal", "final", "only"]
"""Which export a step handles: ``only`` where no final one follows the rehearsal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PitrEnabled:
    """Evidence that point-in-time recovery is on."""

    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnablePitr(StepOf[PitrEnabled]):
    """Turn on the source's point-in-time recovery, which an export needs; wait until it is on."""

    table: str

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"turn on point-in-time recovery of {self.table}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFinished:
    """Evidence of a finished export, and where it is."""

    export_id: str
    location: str
    """An S3 prefix, or a folder as ``RunFolder.locate`` understands it."""
    export_time: datetime | None = None
    item_count: int | None = None
    """As reported by the service or the writer; ``None`` where only the manifest has it."""
    incrementals: tuple[str, ...] = ()
    """The ids of the incremental exports on top of it, in the order of their windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeExport(StepOf[ExportFinished]):
    """Export the table to S3 and wait until it is COMPLETED."""

    table_arn: str
    table_id: str
    bucket: str
    prefix: str
    format: Format
    bucket_owner: str | None = None
    kms_key: str | None = None
    at: str | None = None
    """The export time, in ISO 8601; ``None`` is the time of the request."""
    role: Role
    symbol: ClassVar[str] = "+"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        moment = "" if self.at is None else f" as of {self.at}"
        return f"make the {_of(self.role)}export{moment} into s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTable(StepOf[ExportFinished]):
    """Scan the table into an export that has the layout of a native one."""

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
    symbol: ClassVar[str] = "+"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        kind = "consistent " if self.consistent else ""
        rate = f" at {self.rate:,} read units a second" if self.rate else ""
        return (
            f"make the {_of(self.role)}export by a {kind}scan of {self.table} "
            f"in {self.segments} segments{rate}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertFiles(StepOf[ExportFinished]):
    """Convert files that another tool wrote into an export in the run folder."""

    location: str
    format: str
    role: Role
    symbol: ClassVar[str] = "+"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"make an export of the {self.format} files in {self.location}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UseExport(StepOf[ExportFinished]):
    """Use a finished export as it is, and the incremental ones on top of it."""

    location: str
    export_id: str
    incrementals: tuple[str, ...] = ()
    """In the order of their windows."""
    role: Role
    symbol: ClassVar[str] = "="

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"use the finished export {self.export_id}{_and(self.incrementals)}"


AnyExport = MakeExport | ScanTable | ConvertFiles | UseExport
"""Every kind of step that provides an export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportProved:
    """Evidence that every digest and count of an export is correct."""

    export_id: str
    table_id: str
    export_time: datetime
    """Of the last incremental export, where there are any."""
    item_count: int
    """Over all exports."""
    data_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckExport(StepOf[ExportProved]):
    """Check the export: every digest, every count, and which table it is of."""

    export: Link[AnyExport]
    table_id: str | None
    """The physical table that the export must be of; ``None`` accepts any."""
    role: Role
    symbol: ClassVar[str] = "?"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return f"check every digest and count of the {_of(self.role)}export"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportsMerged:
    """Evidence of a merge, in lines and items."""

    full: int
    changes: int
    merged: int
    outdated: int
    deletions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeExports(StepOf[ExportsMerged]):
    """Find which lines of a full and of incremental exports are the latest of their items."""

    check: Link[CheckExport]
    """Whose files are merged."""
    role: Role
    symbol: ClassVar[str] = "?"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return "merge the changes of the incremental exports"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsMapped:
    """The figures of a dry run, counted in source items except for results and keys."""

    read: int
    kept: int
    dropped: int
    rejected: int
    results: int
    """Target items that the kept ones become."""
    rejects_by_reason: Mapping[str, int] = field(default_factory=dict)
    colliding_keys: int
    colliding_items: int
    unresolved_keys: int
    """Colliding keys for which ``transform.collisions`` names no winner."""
    superseded: int
    """Results that lost a collision."""
    sample_of: int | None = None
    """How many items there are, where only a sample was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun(StepOf[ItemsMapped]):
    """Map every item into the ledger and judge the figures by what is allowed."""

    check: Link[CheckExport]
    """Whose files are mapped."""
    role: Role
    bounds: "Link[Approve] | None"
    """The approval whose bounds must hold, for a final export."""
    sample: int | None = None
    """How many items are read; ``None`` is every one, which a run needs."""
    symbol: ClassVar[str] = "?"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        items = "every item" if self.sample is None else f"{self.sample:,} items"
        return f"dry run over {items} of the {_of(self.role)}export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a final export may contain, given the figures of the rehearsal."""

    items_least: int
    items_most: int
    dropped_most: int
    rejected_most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """Evidence of an approval."""

    by: str
    fingerprint: str
    """Of the plan that was approved."""
    deletes: str | None
    """The table that may be deleted."""
    bounds: Bounds | None = None
    """``None`` where there was no rehearsal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(StepOf[Approved]):
    """Ask for approval, or take it from the command line; bind it to the plan and its bounds."""

    dry_run: Link[DryRun] | None
    """The rehearsal whose figures are shown and bound; ``None`` where nothing is mapped."""
    deletes: str | None
    """The table that may be deleted once approved."""
    symbol: ClassVar[str] = "!"

    @property
    def title(self) -> str:
        """Return the line for readers."""
        return "approve"


ExportStep = EnablePitr | AnyExport | CheckExport | MergeExports | DryRun | Approve


def _and(incrementals: tuple[str, ...]) -> str:
    """Return the words for the incremental exports that go with a full one."""
    if not incrementals:
        return ""
    if len(incrementals) == 1:
        return f" and the incremental one {incrementals[0]}"
    return f" and {len(incrementals):,} incremental ones, {incrementals[0]} to {incrementals[-1]}"


def _of(role: str) -> str:
    """Return the word for an export's role, with a space, or nothing where there is just one."""
    return "" if role == "only" else f"{role} "
