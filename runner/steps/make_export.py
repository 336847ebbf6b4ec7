"""Makes an export: starts it under a journaled token and waits until it is COMPLETED."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from retable.runner.aws.exports import ExportState
from retable.runner.failure import Stopped
from retable.runner.plan.export_steps import ExportFinished, MakeExport
from retable.runner.plan.step import StepOf
from retable.runner.runs.journal import REQUESTED
from retable.runner.steps.world import World
from retable.runner.table.export_request import ExportRequest

STARTED, EXPORT_FAILED = "started-export", "export-failed"
ENDED = (EXPORT_FAILED,)
"""The events after which an export is not used again: a failed one is followed by another token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The client token of a request, which is journaled before it is sent."""

    client_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStarted:
    """An export that the service has accepted, or one that failed."""

    arn: str


def make_export(step: MakeExport, world: World) -> ExportFinished:
    """Start the export, or find the one that was started, and wait until it is COMPLETED.

    Raises:
        Stopped: the service could not export; resuming starts another export.
    """
    arn = export_under_way(step, ENDED, world)
    if arn is None:
        request = ExportRequest(
            table_arn=step.table_arn,
            bucket=step.bucket,
            prefix=step.prefix,
            format=step.format,
            bucket_owner=step.bucket_owner,
            kms_key=step.kms_key,
            at=None if step.at is None else datetime.fromisoformat(step.at),
        )
        arn = start_export(step, ENDED, request, world)
    state = completed_export(step, arn, world)
    return ExportFinished(
        export_id=state.id,
        location=f"s3://{step.bucket}/{step.prefix}",
        export_time=state.export_time,
        item_count=state.item_count,
    )


def export_under_way(step: StepOf[Any], ended: Sequence[str], world: World) -> str | None:
    """Return the ARN of the export that the step has started; ``None`` if there is none to use.

    Each record of an event in ``ended`` has used one up.
    """
    started = world.journal.noted(step, STARTED, ExportStarted)
    return started[-1].arn if len(started) > _used_up(step, ended, world) else None


def start_export(
    step: StepOf[Any], ended: Sequence[str], request: ExportRequest, world: World
) -> str:
    """Start an export for the step and return its ARN.

    The client token is journaled before the call and follows from the run, so a repeated call
    gives the same export for 8 hours (ExportTableToPointInTime's ClientToken). Once that export is
    used up, the token is another one.
    """
    token = f"{world.folder.run_id}-{step.id}-{_used_up(step, ended, world) + 1}"
    world.journal.note(step, REQUESTED, Token(client_token=token))
    arn = world.aws.exports.start(request, token)
    world.journal.note(step, STARTED, ExportStarted(arn=arn))
    return arn


def completed_export(step: StepOf[Any], arn: str, world: World) -> ExportState:
    """Wait until the export is COMPLETED.

    Raises:
        Stopped: the service could not export; resuming starts another export.
    """
    state = world.aws.exports.wait(arn, clock=world.clock, progress=world.progress)
    if state.status != "COMPLETED":
        world.journal.note(step, EXPORT_FAILED, ExportStarted(arn=arn))
        message = f"the export {arn} is {state.status}: {state.failure or 'no reason given'}"
        raise Stopped(message, "fix the cause, then resume; it exports again")
    return state


def _used_up(step: StepOf[Any], ended: Sequence[str], world: World) -> int:
    """Return how many exports of the step are used up."""
    return sum(len(world.journal.records(step.id, event)) for event in ended)
