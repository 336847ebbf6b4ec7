"""Applies the changes of incremental exports on top of a full export."""

from dataclasses import asdict, replace

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.merge_incrementals import OUTDATED, merge_changes
from retable.runner.export.outdated import outdated_of
from retable.runner.failure import CheckFailed
from retable.runner.plan.export_steps import CheckExport, ExportsMerged, MergeExports
from retable.runner.plan.step import Link, link
from retable.runner.steps.check_export import checked_files, holder_of
from retable.runner.steps.world import World


def merge_exports(step: MergeExports, world: World) -> ExportsMerged:
    """Write the list of lines that later changes have replaced; idempotent.

    Raises:
        CheckFailed: a line of an incremental export is not a change of an item.
        Stopped: the disk is full; resuming merges again.
    """
    files = checked_files(step.check, world)
    merged = merge_changes(files, world.folder.merge, world.progress, holder_of(step.check, world))
    return ExportsMerged(**asdict(merged))


def merged_files(check: Link[CheckExport], world: World) -> tuple[CheckedFile, ...]:
    """Return the data files of a ``CheckExport`` step, each knowing which of its lines count.

    Raises:
        Stopped: the plan merges them, and the merge has not finished.
        CheckFailed: the export is no longer what it was.
    """
    files = checked_files(check, world)
    if _merge_of(check, world) is None:
        return files
    listed = outdated_of(world.folder.merge / OUTDATED, len(files))
    return tuple(
        replace(file, outdated=outdated) for file, outdated in zip(files, listed, strict=True)
    )


def require_merged(check: Link[CheckExport], read: int, world: World) -> None:
    """Compare the number of items read with the merge's, where there was one.

    Raises:
        CheckFailed: they differ.
    """
    merged = _merge_of(check, world)
    if merged is not None and merged.merged != read:
        message = (
            f"{read:,} items were read; {merged.full:,} of the full export and "
            f"{merged.changes:,} changes make {merged.merged:,}"
        )
        raise CheckFailed(message, "the run folder was altered; start a new run")


def _merge_of(check: Link[CheckExport], world: World) -> ExportsMerged | None:
    """Return the evidence of the merge of those exports; ``None`` where the plan has none."""
    for step in world.plan.steps:
        if isinstance(step, MergeExports) and step.check == check:
            return world.evidence(link(step))
    return None
