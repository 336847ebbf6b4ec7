"""Restores: starting, resuming and aborting one. ``cli.restore`` reads the flags."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from retable.runner.aws.session import Aws
from retable.runner.cdk.restore_stack import StackToRestore, survey_restore
from retable.runner.cdk.stacks import stacks_of
from retable.runner.cdk.survey import LOGS
from retable.runner.commands.carry_out import carry_out, end, roll_back_run
from retable.runner.commands.connect import connector
from retable.runner.commands.consent import Consent, approval, require_consent
from retable.runner.commands.report_files import ReportOptions
from retable.runner.commands.show_plan import show_plan
from retable.runner.commands.start_folder import planning, start_folder
from retable.runner.commands.state_option import State, from_environment, looked_up
from retable.runner.failure import CheckFailed, Refused
from retable.runner.plan.encoding import read_plan
from retable.runner.plan.head import read_head
from retable.runner.plan.plan import Plan
from retable.runner.plan.source_steps import DropFromStack
from retable.runner.planning.compile_restore import Lost, compile_restore, lost_table
from retable.runner.planning.observe import require_ready
from retable.runner.runs.folder import RunFolder, open_folder, runs_of
from retable.runner.runs.journal import Record, is_completed, is_ended, read_journal
from retable.runner.runs.local_lock import locked
from retable.runner.spec.checked_spec import load_checked_spec
from retable.runner.steps.back_up import AVAILABLE
from retable.schema.spec import CdkProvision, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run that deleted its source, and the spec it was made from."""

    run_id: str
    plan: Plan
    records: list[Record]
    lost: Lost
    spec: Spec
    connect: Callable[[], Aws]


def open_lost(run_id: str, run_dir: Path, spec: Path | None, state: State | None) -> Ended:
    """Return the run ``run_id`` and what it deleted.

    Raises:
        Refused: there is no such run, it deleted nothing, or its spec cannot be found.
    """
    with looked_up(state, run_dir, from_environment, run_id) as heads:
        folder = open_folder(heads, run_id)
        plan = read_plan(folder.plan)
        records = read_journal(folder.journal) if folder.journal.is_file() else []
    lost = lost_table(plan, records, run_id)
    parsed = load_checked_spec(spec or _noted_spec(RunFolder(run_dir / run_id)))
    if parsed.name != plan.spec_name:
        message = f"run {run_id} is of the spec {plan.spec_name}, and this one is {parsed.name}"
        raise Refused(message, "name the run's own spec with --spec")
    return Ended(
        run_id=run_id,
        plan=plan,
        records=records,
        lost=lost,
        spec=parsed,
        connect=connector(parsed, os.environ),
    )


def start_restore(  # noqa: PLR0913 -- what to restore, where, with whose consent, reported how
    ended: Ended,
    run_dir: Path,
    consent: Consent,
    reports: ReportOptions,
    state: State | None,
    *,
    only_plan: bool,
) -> None:
    """Plan the restore, and carry it out unless only the plan is requested.

    Raises:
        Refused: something prevents it; nothing was changed.
        Failure: what ended the restore.
    """
    with _assemblies(ended, run_dir, state) as planned:
        plan = _planned(ended, planned)
        if only_plan:
            show_plan(plan, ended.spec)
            return
        require_consent(plan.deletes, consent)
        with looked_up(state, run_dir, ended.connect) as heads:
            begun = _begun(ended.run_id, heads)
        if begun is not None:
            message = f"restore {begun.run_id} of run {ended.run_id} is still open"
            raise Refused(message, "resume it with --resume, or end it with --abort")
        show_plan(plan, ended.spec)
        folder = start_folder(plan, run_dir, planned=planned)
        _carry_out(ended, plan, folder, consent, reports, state)


def resume_restore(
    ended: Ended, run_dir: Path, consent: Consent, reports: ReportOptions, state: State | None
) -> None:
    """Resume the restore of that run that was stopped.

    Raises:
        Refused: there is none.
        Failure: what ended the restore.
    """
    folder, plan = _open_restore(ended, run_dir, state)
    require_consent(plan.deletes, consent)
    _carry_out(ended, plan, folder, consent, reports, state)


def abort_restore(ended: Ended, run_dir: Path, state: State | None) -> None:
    """End the restore, leaving the table that exists now as it was before.

    Raises:
        Refused: there is no open restore.
        CheckFailed: that table is already deleted.
    """
    folder, plan = _open_restore(ended, run_dir, state)
    keeper = state.keeper(ended.connect) if state is not None else None
    if not roll_back_run(ended.spec, plan, folder, ended.connect, keeper):
        message = f"{plan.source} is already deleted; finish the restore with --resume"
        raise CheckFailed(message, f"it is restored from {ended.lost.backup_arn}")
    click.echo(f"restore {folder.run_id} ended; {plan.source} is unchanged", err=True)


def _planned(ended: Ended, assemblies: Path) -> Plan:
    """Return the plan of a restore, given what exists now.

    ``assemblies`` is the folder of the states of the stack, if the table was in one.

    Raises:
        Refused: the backup no longer exists, or the table still does.
        Stopped: the table that exists now is not ACTIVE.
    """
    aws, lost = ended.connect(), ended.lost
    stack = _stack(ended, assemblies)
    present = aws.tables.settings(lost.settings.description.name)
    if present is not None:
        require_ready(present.description, present.description.name)
    status = aws.tables.backup_status(lost.backup_arn)
    if status != AVAILABLE:
        message = f"the backup {lost.backup_arn} is {status}, expected {AVAILABLE}"
        raise Refused(message, f"the export {lost.export_id} is left: see strategy: recover")
    seconds = 0 if aws.is_sandbox() else ended.spec.rebuild.settle_seconds
    return compile_restore(ended.spec, ended.plan, lost, present, stack, settle_seconds=seconds)


def _stack(ended: Ended, assemblies: Path) -> StackToRestore | None:
    """Return the stack that the table was in, if it was in one.

    Raises:
        Refused: the table cannot be imported into it again.
    """
    drops = [step for step in ended.plan.steps if isinstance(step, DropFromStack)]
    if not drops:
        return None
    provision = ended.spec.rebuild.provision
    if not isinstance(provision, CdkProvision):
        message = f"run {ended.run_id} removed the table from a stack, and the spec names no app"
        raise Refused(message, "name the run's own spec with --spec")
    table = ended.lost.settings.description.name
    return survey_restore(drops[0], table, provision, stacks_of(ended.connect()), assemblies)


@contextmanager
def _assemblies(ended: Ended, run_dir: Path, state: State | None) -> Iterator[Path]:
    """Yield a copy of the stack's states that the run kept, for the restore to keep.

    Raises:
        Refused: they are kept in S3, and cannot be read there.
    """
    run = RunFolder(run_dir / ended.run_id)
    with planning(run_dir) as planned:
        if any(isinstance(step, DropFromStack) for step in ended.plan.steps):
            if state is not None:
                with locked(run_dir, ended.plan.target, run.run_id):
                    state.runs(ended.connect).fetch(run, only=frozenset([run.assemblies.name]))
            shutil.copytree(run.assemblies, planned, symlinks=True, dirs_exist_ok=True)
            (planned / LOGS).mkdir(exist_ok=True)
        yield planned


def _carry_out(  # noqa: PLR0913, PLR0917 -- one restore, and all that it needs
    ended: Ended,
    plan: Plan,
    folder: RunFolder,
    consent: Consent,
    reports: ReportOptions,
    state: State | None,
) -> None:
    """Carry the restore out, then end the run that it undoes."""
    keeper = state.keeper(ended.connect) if state is not None else None
    connect = ended.connect
    carry_out(ended.spec, plan, folder, connect, approval(consent), reports, keeper=keeper)
    if not is_completed(ended.records) and not is_ended(ended.records):
        own = RunFolder(folder.path.parent / ended.run_id)
        end(ended.spec, ended.plan, own, connect, keeper)


def _open_restore(ended: Ended, run_dir: Path, state: State | None) -> tuple[RunFolder, Plan]:
    """Return the restore of that run that has not ended.

    Raises:
        Refused: there is none.
    """
    with looked_up(state, run_dir, ended.connect) as heads:
        found = _begun(ended.run_id, heads)
        if found is None:
            message = f"there is no open restore of run {ended.run_id}"
            raise Refused(message, "migrate status lists the runs and restores")
        return RunFolder(run_dir / found.run_id), read_plan(found.plan)


def _begun(run_id: str, heads: Path) -> RunFolder | None:
    """Return the newest restore of that run that has not ended."""
    for folder in runs_of(heads):
        head = read_head(folder.plan)
        if not folder.journal.is_file() or head is None or head.restores != run_id:
            continue
        records = read_journal(folder.journal)
        if not is_completed(records) and not is_ended(records):
            return folder
    return None


def _noted_spec(folder: RunFolder) -> Path:
    """Return the path of the spec of a run on this machine.

    Raises:
        Refused: it is not known here.
    """
    if not folder.spec_note.is_file():
        message = f"this machine does not know which spec run {folder.run_id} was made from"
        raise Refused(message, "name it with --spec")
    return Path(folder.spec_note.read_text("utf-8").strip())
