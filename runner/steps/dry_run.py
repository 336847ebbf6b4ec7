"""The dry run: every item through the mapping into the ledger, and the figures judged."""

import math
from collections.abc import Mapping
from pathlib import Path

import orjson

from retable.runner.disk import write_durably
from retable.runner.engine.local import Tally, map_files
from retable.runner.failure import CheckFailed, Stale
from retable.runner.ledger.independent import agree, count_export
from retable.runner.ledger.portrait import hottest_partitions, reject_groups, sizes_for_report
from retable.runner.ledger.questions import Collisions, Ledger
from retable.runner.plan.bounds import checksum_attributes, max_rejects
from retable.runner.plan.export_steps import Bounds, DryRun, ItemsMapped
from retable.runner.plan.plan import Plan
from retable.runner.report.item_figures import CollisionExample, Portrait
from retable.runner.report.json import encode_part
from retable.runner.runs.journal import MAPPED
from retable.runner.steps.check_export import exports_of, holder_of
from retable.runner.steps.merge_exports import merged_files, require_merged
from retable.runner.steps.world import World
from retable.runner.verify.explore import write_explorable
from retable.schema.spec import Indexes, Spec
from retable.transforms.project import Projected

EXAMPLES = 100
"""How many collisions a report names; all of them are in the ledger."""
LARGEST = 20
HOTTEST = 20
REJECT_GROUPS = 50
SPILL = ".spill-rejects"


def dry_run(step: DryRun, world: World) -> ItemsMapped:
    """Map every item of the export and judge the outcome; idempotent.

    Raises:
        CheckFailed: the counters disagree, too many items are rejected, or target keys collide.
        Stale: a final export is outside the bounds that were approved.
    """
    files = merged_files(step.check, world)
    holder = holder_of(step.check, world)
    folder = world.folder.expected(step.role)
    rejects = world.folder.quarantine / folder.name
    attributes = checksum_attributes(world.spec)
    tally = map_files(
        world.mapping if attributes is None else Projected(world.mapping, attributes),
        files,
        folder,
        rejects,
        processes=world.processes,
        progress=world.progress,
        holder=holder,
        sample=step.sample,
        indexes=_index_keys(world.spec, world.plan),
    )
    if step.sample is None:
        require_merged(step.check, tally.read, world)
    ledger = Ledger(folder)
    items = sum(file.live for file in files)
    if step.sample is None:
        agree(count_export(files, holder=holder), ledger, *exports_of(step.check, world))
    sample_of = items if tally.read < items else None
    figures, collisions = _figures(world.spec, tally, ledger, sample_of)
    portrait = _portrait(ledger, tally, collisions, rejects, world)
    write_durably(world.folder.portrait(step.role), encode_part(portrait))
    write_explorable(world.folder, step.role, files, None)
    # Before they are judged, so that a report of a failed dry run has its figures too.
    world.journal.note(step, MAPPED, figures)
    bounds = world.evidence(step.bounds).bounds if step.bounds else None
    if bounds is None:
        judge(world.spec, figures, rejects)
    else:
        require_within_bounds(figures, bounds)
    return figures


def judge(spec: Spec, figures: ItemsMapped, rejects: Path) -> None:
    """Judge the figures of a dry run by what the spec allows.

    Raises:
        CheckFailed: more rejects than ``max_rejects``, or target keys that collide.
    """
    allowed = max_rejects(spec, figures.read)
    if figures.rejected > allowed:
        reasons = ", ".join(
            f"{count:,} {reason}" for reason, count in sorted(figures.rejects_by_reason.items())
        )
        message = (
            f"{figures.rejected:,} of {figures.read:,} items are rejected ({reasons}); "
            f"transform.max_rejects allows {allowed:,}"
        )
        raise CheckFailed(message, f"each one is in {rejects}, with its line and reason")
    if figures.unresolved_keys:
        message = (
            f"{figures.unresolved_keys:,} target keys are made by more than one item "
            f"({figures.colliding_items:,} items)"
        )
        raise CheckFailed(message, "make the key unique, or name a winner in transform.collisions")


def bounds_of(figures: ItemsMapped, spec: Spec) -> Bounds:
    """Return what a final export may contain, given the rehearsal's figures.

    Between a rehearsal and the freeze the table is still written to: a tenth more or less, and a
    hundred items on top for small tables, is normal; more needs a person to decide.
    """
    read, dropped = figures.read, figures.dropped
    return Bounds(
        items_least=math.floor(read * 0.9),
        items_most=math.ceil(read * 1.1) + 100,
        dropped_most=math.ceil(dropped * 1.1) + math.ceil(read * 0.01),
        rejected_most=max_rejects(spec, read),
    )


def require_within_bounds(figures: ItemsMapped, bounds: Bounds) -> None:
    """Judge the final export's figures by the approved bounds.

    Raises:
        Stale: one is outside.
    """
    judged = (
        ("items", figures.read, bounds.items_least, bounds.items_most),
        ("dropped items", figures.dropped, 0, bounds.dropped_most),
        ("rejected items", figures.rejected, 0, bounds.rejected_most),
        ("colliding keys without a winner", figures.unresolved_keys, 0, 0),
    )
    for what, found, least, most in judged:
        if not least <= found <= most:
            message = (
                f"the final export has {found:,} {what}; "
                f"approved, from the rehearsal: {least:,} to {most:,}"
            )
            raise Stale(message, "look at what changed, then start a new run")


def _figures(
    spec: Spec, tally: Tally, ledger: Ledger, sample_of: int | None
) -> tuple[ItemsMapped, Collisions]:
    """Return the figures of one pass for the journal, and the collisions by name."""
    winner = spec.transform.collisions
    # First, since it decides the collisions and records the losers.
    resolved = ledger.superseded(None if winner == "refuse" else winner.take)
    collisions = ledger.collisions(EXAMPLES)
    figures = ItemsMapped(
        read=tally.read,
        kept=tally.kept,
        dropped=tally.dropped,
        rejected=tally.rejected,
        results=tally.results,
        rejects_by_reason=dict(ledger.rejects_by_reason()),
        colliding_keys=collisions.keys,
        colliding_items=collisions.items,
        unresolved_keys=resolved.unresolved,
        superseded=resolved.count,
        sample_of=sample_of,
    )
    return figures, collisions


def _portrait(
    ledger: Ledger, tally: Tally, collisions: Collisions, rejects: Path, world: World
) -> Portrait:
    """Return statistics of the items. It holds keys, so it stays out of the journal."""
    key, folder = world.plan.key, ledger.folder
    return Portrait(
        sizes=sizes_for_report(folder, ledger.sizes(), LARGEST),
        attributes=tally.profile.summary(_index_keys(world.spec, world.plan)),
        partitions=hottest_partitions(folder, key.partition.name, HOTTEST) if key.sort else None,
        rejects=reject_groups(rejects, folder / SPILL, REJECT_GROUPS),
        collisions=tuple(
            CollisionExample(
                key=orjson.loads(one.key), items=one.items, places=one.lines, winner=one.winner
            )
            for one in collisions.examples
        ),
    )


def _index_keys(spec: Spec, plan: Plan) -> Mapping[str, tuple[str, ...]]:
    """Return the key attributes of each index that the target will have, as far as known."""
    indexes = spec.target.indexes
    if not isinstance(indexes, Indexes):
        indexes = plan.settings.description.indexes if plan.settings else Indexes()
    return {
        index.name: tuple(attribute.name for attribute in (*index.partition, *index.sort))
        for index in (*indexes.global_, *indexes.local)
    }
