"""Stages the items to load in S3, for the service to write them, and deletes them afterwards."""

from retable.runner.export.destination import BucketPlace
from retable.runner.failure import CheckFailed
from retable.runner.ledger.questions import Ledger
from retable.runner.load.batches import entries_of, in_turns, mapped_lines
from retable.runner.load.progress_account import FileState
from retable.runner.load.stage import MOST_OBJECTS, stage_items
from retable.runner.plan.finish_steps import ClearStage, StageCleared
from retable.runner.plan.target_steps import STAGING_FOLDER, ItemsStaged, StageItems
from retable.runner.steps.check_export import holder_of
from retable.runner.steps.merge_exports import merged_files
from retable.runner.steps.world import World


def stage(step: StageItems, world: World) -> ItemsStaged:
    """Write every item to load under the declared prefix; a repeated step replaces the objects.

    Raises:
        Stopped: S3 does not answer, or the disk is full.
    """
    mapped = world.plan.at(step.dry_run)
    states = [FileState(file) for file in merged_files(mapped.check, world)]
    ledger = Ledger(world.folder.expected(mapped.role))
    lines = in_turns(states, ledger.losers, holder_of(mapped.check, world))
    place = BucketPlace(
        uploads=world.aws.objects_of(step.bucket_owner, step.kms_key),
        bucket=step.bucket,
        spool=world.folder.spool,
    )
    prefix = "/".join(part for part in (step.prefix, STAGING_FOLDER, world.folder.run_id) if part)
    items = entries_of(mapped_lines(world.mapping, lines))
    staged = stage_items(items, place, f"{prefix}/items/", world.progress)
    figures = world.evidence(step.dry_run)
    if staged.items + figures.superseded != figures.results:
        message = (
            f"{staged.items:,} items were staged; the dry run has {figures.results:,}, of which "
            f"{figures.superseded:,} lost a collision"
        )
        raise CheckFailed(message)
    if staged.objects > MOST_OBJECTS:
        message = f"{staged.objects:,} objects were staged; one operation reads {MOST_OBJECTS:,}"
        raise CheckFailed(message, "use load.with: batch-write")
    return ItemsStaged(prefix=prefix, items=staged.items, objects=staged.objects)


def clear_stage(step: ClearStage, world: World) -> StageCleared:
    """Delete the staged objects and what the service wrote beside them; idempotent."""
    bucket, objects = world.plan.at(step.stage).bucket, world.aws.objects
    keys = list(objects.list_keys(bucket, f"{world.evidence(step.stage).prefix}/"))
    objects.delete(bucket, keys)
    return StageCleared(objects=len(keys))
