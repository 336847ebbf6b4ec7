"""Carrying a plan out in its run folder: lock, journal, steps, report."""

import os
import random
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from retable.runner.aws.session import Aws
from retable.runner.clock import SystemClock
from retable.runner.commands.report_files import ReportOptions
from retable.runner.export.spool import DEFAULT_BYTES
from retable.runner.failure import Failure, Refused, Stale, Stopped
from retable.runner.outcome.summary import summarize
from retable.runner.plan.encoding import fingerprint
from retable.runner.plan.export_steps import ItemsMapped
from retable.runner.plan.plan import Plan
from retable.runner.report.console import progress_for
from retable.runner.report.json import encode_report
from retable.runner.report.model import Report
from retable.runner.report.plain_text import render_text
from retable.runner.runs.folder import RunFolder
from retable.runner.runs.journal import RUN, is_completed, is_ended, open_journal
from retable.runner.runs.run_lock import HELD, Keeper, RunLock, held
from retable.runner.steps.execute import execute, frozen_steps, is_past_the_delete, roll_back
from retable.runner.steps.world import World
from retable.schema.spec import Spec
from retable.transforms import compile_mapping
from retable.transforms.functions.custom import FunctionsError
from retable.transforms.mapping import Mapping as ItemMapping

Approval = Callable[[Plan, ItemsMapped | None], str | None]


def carry_out(  # noqa: PLR0913, PLR0917 -- one run, and all that it needs
    spec: Spec,
    plan: Plan,
    folder: RunFolder,
    connect_aws: Callable[[], Aws],
    approve: Approval,
    reports: ReportOptions,
    *,
    resumable: bool = True,
    keeper: Keeper | None = None,
) -> Report:
    """Execute ``plan`` in ``folder``, write the report whatever happens, and show it.

    Reports of the other formats that ``reports`` names are written as well.

    Raises:
        Failure: what ended the run, after its report was written.
    """
    with (
        held(spec, plan, folder, keeper) as lock,
        _world(spec, plan, folder, connect_aws, approve, lock) as world,
    ):
        _require_open(world)
        folder.spec_note.write_text(f"{Path(spec.origin.file).resolve()}\n", "utf-8")
        world.show_values = reports.show_values
        world.only_key = reports.only_key
        failure: Failure | None = None
        try:
            execute(world)
        except Failure as error:
            failure = error
        except KeyboardInterrupt:
            failure = lock.interrupted_by()
            if failure is None:
                failure = Stopped("interrupted")
                if resumable:
                    _add_resume_hint(failure, world, lock)
                _finish(world, failure, reports, lock)
                raise
        if resumable and isinstance(failure, Stopped):
            _add_resume_hint(failure, world, lock)
        elif failure is not None and _stays_frozen(world):
            frozen = f"{plan.source} stays frozen until --abort"
            failure.hint = f"{failure.hint}; {frozen}" if failure.hint else frozen
        report = _finish(world, failure, reports, lock)
    if failure is not None:
        raise failure
    return report


@contextmanager
def _world(  # noqa: PLR0913, PLR0917 -- one run, and all that it needs
    spec: Spec,
    plan: Plan,
    folder: RunFolder,
    connect_aws: Callable[[], Aws],
    approve: Approval,
    lock: RunLock,
) -> Iterator[World]:
    """Yield the context of one run, its journal open."""
    clock = SystemClock()
    mark = fingerprint(plan)
    with (
        open_journal(folder.journal, mark, clock, lock.shelf) as journal,
        progress_for(sys.stderr, os.environ) as progress,
    ):
        yield World(
            spec=spec,
            mapping=mapping_of(spec, plan),
            plan=plan,
            fingerprint=mark,
            folder=folder,
            journal=journal,
            connect=connect_aws,
            clock=clock,
            progress=progress,
            random=random.Random(),  # noqa: S311 -- jitter needs no secrecy
            processes=os.cpu_count() or 1,
            approve=approve,
            spool_bytes=spool_bytes(os.environ),
            require_lock=lock.require,
        )


def spool_bytes(environ: Mapping[str, str]) -> int:
    """Return how much of an export in S3 may be kept on this machine: ``RETABLE_SPOOL``, in bytes.

    Raises:
        Refused: it is not a size such as ``500MB`` or ``20GB``.
    """
    text = environ.get("RETABLE_SPOOL")
    if text is None:
        return DEFAULT_BYTES
    match = re.fullmatch(r"([0-9]{1,15}) ?([kMGT]?)B?", text)
    if match is None:
        message = f"RETABLE_SPOOL is {text!r}, expected a size such as 500MB or 20GB"
        raise Refused(message)
    power = " kMGT".index(match[2] or " ")
    return int(match[1]) * int(1000**power)


def mapping_of(spec: Spec, plan: Plan) -> ItemMapping:
    """Return the mapping of a run; the plan has the indexes that are kept.

    Raises:
        Refused: the spec's own functions cannot be loaded.
    """
    indexes = plan.settings.description.indexes if plan.settings else None
    try:
        return compile_mapping(spec, indexes if spec.target.indexes == "keep" else None)
    except FunctionsError as error:
        own = spec.transform.functions
        message = f"transform.functions: {own.file if own else ''}: {error.message}"
        raise Refused(message, "nothing was changed") from None


def roll_back_run(
    spec: Spec,
    plan: Plan,
    folder: RunFolder,
    connect_aws: Callable[[], Aws],
    keeper: Keeper | None = None,
) -> bool:
    """Restore the source to what it was before the run; return whether that was still possible."""
    with (
        held(spec, plan, folder, keeper) as lock,
        _world(spec, plan, folder, connect_aws, lambda *_: None, lock) as world,
    ):
        _require_open(world)
        return roll_back(world)


def end(
    spec: Spec,
    plan: Plan,
    folder: RunFolder,
    connect_aws: Callable[[], Aws],
    keeper: Keeper | None = None,
) -> None:
    """End a run that another one has undone, so that it cannot be resumed."""
    with (
        held(spec, plan, folder, keeper) as lock,
        _world(spec, plan, folder, connect_aws, lambda *_: None, lock) as world,
    ):
        world.journal.record(RUN, "ended")


def _require_open(world: World) -> None:
    """Refuse a run that has ended.

    Raises:
        Stale: it is complete, or was rolled back.
        Refused: it is kept in S3, and opened without ``--state``.
    """
    records = world.journal.records()
    if not world.journal.is_shelved and world.journal.records(RUN, HELD):
        message = f"run {world.folder.run_id} is kept in S3 as well"
        raise Refused(message, "name the location with --state, or other machines would not see it")
    if is_completed(records):
        message = f"run {world.folder.run_id} is already complete"
        raise Stale(message, "a plan is applied once; migrate verify verifies the table again")
    if is_ended(records):
        message = f"run {world.folder.run_id} was rolled back and has ended"
        raise Stale(message, "start a new run")


def _add_resume_hint(failure: Stopped, world: World, lock: RunLock) -> None:
    """Say which command resumes this run, and what stays frozen until then."""
    plan = world.plan
    if plan.command not in {"run", "restore"} or lock.interrupted_by() is not None:
        return
    what = f"run {world.spec.origin.file} --resume --run {world.folder.run_id}"
    if plan.restores is not None:
        what = f"restore {plan.restores} --resume"
    hint = f"resume with: migrate {what}"
    if plan.deletes:
        hint += f" --allow-delete {plan.deletes}"
    if plan.deletes_unfrozen:
        hint += f" --allow-unfrozen {plan.deletes_unfrozen}"
    if lock.options:
        hint += f" {shlex.join(lock.options)}"
    if _stays_frozen(world):
        hint += f"; {plan.source} stays frozen until then, or until --abort"
    failure.hint = f"{failure.hint}; {hint}" if failure.hint else hint


def _stays_frozen(world: World) -> bool:
    """Return whether the source still exists and is frozen."""
    plan, journal = world.plan, world.journal
    return any(frozen_steps(plan, journal)) and not is_past_the_delete(plan, journal)


def _finish(world: World, failure: Failure | None, reports: ReportOptions, lock: RunLock) -> Report:
    """Write and show the report of the run as far as it got."""
    report = summarize(
        world.plan, world.journal.records(), world.folder, world.spec, failure=failure
    )
    world.folder.report.write_bytes(encode_report(report))
    lock.keep_report()
    render_text(report, sys.stdout, os.environ)
    if reports.formats:
        # Loading markup and its templates takes time, which a plain run need not spend.
        from retable.runner.report.formats import write_reports

        write_reports(report, reports.formats, reports.folder)
    return report
