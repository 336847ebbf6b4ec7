"""The ways to run a spec: from the start, dry, again, and back. ``cli.run`` reads the flags."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from retable.runner.aws.session import Aws
from retable.runner.cli.reports import Wanted
from retable.runner.cli.session import (
    Approval,
    carry_out,
    connector,
    environment,
    planning,
    start_folder,
    turn_back,
)
from retable.runner.cli.state import State, looked_up
from retable.runner.clock import SystemClock
from retable.runner.compile import compile_dry_run, compile_files_dry_run, compile_plan
from retable.runner.ending import left_behind
from retable.runner.explain import describe
from retable.runner.failure import CheckFailed, Refused, Stale
from retable.runner.folder import RunFolder, open_folder, runs_of
from retable.runner.journal import read_journal
from retable.runner.observe import (
    export_at_hand,
    incrementals_at_hand,
    observe,
    require_export,
)
from retable.runner.plan import Plan
from retable.runner.plan_json import fingerprint, read_plan
from retable.runner.report.escape import terminal_safe
from retable.runner.restore import lost_table
from retable.runner.saved_plan import read_saved_plan, require_same
from retable.runner.spec_functions import require_leave
from retable.runner.state.address import Address
from retable.runner.summary import is_completed, is_ended
from retable.runner.unsupported import unsupported, unsupported_for_dry_run
from retable.runner.world import Evidence
from retable.schema.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """What the command line allows."""

    yes: bool
    allow_delete: str | None
    allow_unfrozen: str | None = None
    terminal: bool


def run_spec(  # noqa: PLR0913 -- what to run, where, with whose leave, told how
    spec: Spec,
    run_dir: Path,
    leave: Leave,
    wanted: Wanted,
    state: State | None = None,
    *,
    sandbox: bool,
    plan_file: Path | None = None,
) -> None:
    """Plan and carry out a new run, or the one that was planned in ``plan_file``.

    It is kept in S3 too where ``state`` says so.

    Raises:
        Refused: something stands in the way; nothing was touched.
        Stale: the plan in the file was used already, or no longer fits.
        Failure: what ended the run.
    """
    saved = None if plan_file is None else read_saved_plan(plan_file, spec, run_dir)
    _require_supported(unsupported(spec))
    require_leave(spec)
    if spec.rebuild.strategy != "recover":
        require_given(_deleted_by(spec), leave, _deleted_unfrozen_by(spec))
    with environment(spec, sandbox=sandbox) as environ, planning(run_dir) as planned:
        connect = connector(spec, environ)
        observed = observe(
            spec, connect(), SystemClock(), planned, state.address if state else None
        )
        plan, plan_id = compile_plan(spec, observed), None
        _require_supported(plan.unsupported)
        if saved is not None and plan_file is not None:
            require_same(saved[0], plan, plan_file)
            plan, plan_id = saved
        show_plan(plan, spec)
        require_given(plan.deletes, leave, plan.deletes_unfrozen)
        keeper = state.keeper(connect) if state is not None else None
        folder = start_folder(plan, run_dir, plan_id, planned)
        leaver = approval(leave)
        carry_out(spec, plan, folder, connect, leaver, wanted, resumable=not sandbox, keeper=keeper)


def dry_run_spec(
    spec: Spec, run_dir: Path, wanted: Wanted, *, sandbox: bool, sample: int | None = None
) -> None:
    """Map every item of the export at hand, or ``sample`` of them, and judge the figures.

    It writes to no table.

    Raises:
        Refused: there is no finished export.
        CheckFailed: the export or the figures are wrong.
    """
    _require_supported(unsupported_for_dry_run(spec))
    require_leave(spec)
    with environment(spec, sandbox=sandbox) as environ:
        connect = connector(spec, environ)
        plan = _dry_run_plan(spec, connect, sample)
        carry_out(spec, plan, start_folder(plan, run_dir), connect, lambda *_: None, wanted)


def _dry_run_plan(spec: Spec, connect: Callable[[], Aws], sample: int | None) -> Plan:
    """Return the plan of a dry run over what is at hand, or over ``sample`` of its items."""
    if spec.source.export.kind == "files":
        return compile_files_dry_run(spec, sample)
    export = require_export(export_at_hand(spec, connect, SystemClock(), None), spec)
    return compile_dry_run(spec, export, incrementals_at_hand(spec, connect, export), sample)


def resume_run(  # noqa: PLR0913, PLR0917 -- what to resume, where, with whose leave, told how
    spec: Spec,
    run_dir: Path,
    run_id: str | None,
    leave: Leave,
    wanted: Wanted,
    state: State | None = None,
) -> None:
    """Go on with a run that was stopped.

    Raises:
        Stale: the spec has changed since, or the run came to its end.
        Failure: what ended the run.
    """
    with environment(spec, sandbox=False) as environ:
        connect = connector(spec, environ)
        folder, plan = _open_run(spec, run_dir, run_id, state, connect)
        require_leave(spec)
        require_given(plan.deletes, leave, plan.deletes_unfrozen)
        keeper = state.keeper(connect) if state is not None else None
        carry_out(spec, plan, folder, connect, approval(leave), wanted, keeper=keeper)


def abort_run(spec: Spec, run_dir: Path, run_id: str | None, state: State | None = None) -> None:
    """Put the source back as it was before the run.

    Raises:
        CheckFailed: the source is deleted already; there is no way back.
        Stale: the run came to its end.
    """
    with environment(spec, sandbox=False) as environ:
        connect = connector(spec, environ)
        folder, plan = _open_run(spec, run_dir, run_id, state, connect)
        keeper = state.keeper(connect) if state is not None else None
        if not turn_back(spec, plan, folder, connect, keeper):
            raise _past_the_delete(plan, folder)
    left = list(left_behind(plan, read_journal(folder.journal)))
    kept = f"; {plan.source} is as it was" if plan.source != plan.target or not left else ""
    click.echo(f"run {folder.run_id} ended{kept}", err=True)
    for line in left:
        click.echo(terminal_safe(line), err=True)


def show_plan(plan: Plan, spec: Spec) -> None:
    """Print the plan on stderr, safe for a terminal."""
    for line in describe(plan, spec, fingerprint(plan)):
        click.echo(terminal_safe(line), err=True)


def _open_run(
    spec: Spec,
    run_dir: Path,
    run_id: str | None,
    state: State | None,
    connect: Callable[[], Aws],
) -> tuple[RunFolder, Plan]:
    """Return the run to go on with: the one named, or the newest of the spec that is open."""
    place = run_dir if state is None else state.address
    with looked_up(state, run_dir, connect, run_id) as heads:
        if run_id is None:
            found = _newest_open_run(spec, heads, place)
        else:
            found = open_folder(heads, run_id)
        plan = read_plan(found.plan)
    folder = RunFolder(run_dir / found.run_id)
    if plan.spec_sha256 != spec.origin.sha256:
        message = f"{spec.origin.file} has changed since run {folder.run_id} was planned"
        raise Stale(message, "bring the spec back as it was, or start a new run")
    own = spec.transform.functions
    if own is not None and plan.functions_sha256 != own.sha256:
        message = f"{own.file} has changed since run {folder.run_id} was planned"
        raise Stale(message, "bring the file back as it was, or start a new run")
    return folder, plan


def _newest_open_run(spec: Spec, run_dir: Path, place: Path | Address) -> RunFolder:
    """Return the newest run of ``spec`` that has not come to its end; ``place`` is for people.

    Raises:
        Refused: there is none.
    """
    for folder in runs_of(run_dir, spec.name):
        if folder.journal.is_file() and read_plan(folder.plan).command == "run":
            records = read_journal(folder.journal)
            if not is_completed(records) and not is_ended(records):
                return folder
    message = f"there is no run of {spec.name} to go on with in {place}"
    raise Refused(message, "migrate status lists the runs; --run-dir names where they lie")


def _past_the_delete(plan: Plan, folder: RunFolder) -> CheckFailed:
    """Return what to say where there is no way back: what exists, and both ways on."""
    lost = lost_table(plan, read_journal(folder.journal), folder.run_id)
    message = f"{plan.source} is deleted already; what is left of it is the backup "
    message += f"{lost.backup_arn} and the export {lost.export_id}"
    hint = f"--resume goes on to {plan.target}; migrate restore {folder.run_id} brings it back"
    return CheckFailed(message, hint)


def _require_supported(missing: tuple[str, ...]) -> None:
    """Refuse what this version cannot do.

    Raises:
        Refused: naming every key.
    """
    if missing:
        message = "this version cannot carry out: " + "; ".join(missing)
        raise Refused(message, "nothing was touched")


def _deleted_by(spec: Spec) -> str | None:
    """Return the table that a run of ``spec`` deletes."""
    return spec.target.table if spec.rebuild.strategy == "replace" else None


def _deleted_unfrozen_by(spec: Spec) -> str | None:
    """Return the table that a run of ``spec`` deletes while writers may still write to it."""
    return _deleted_by(spec) if spec.rebuild.freeze == "none" else None


def require_given(deletes: str | None, leave: Leave, unfrozen: str | None = None) -> None:
    """Refuse before anything starts what could not be approved later: deleting that table.

    ``unfrozen`` is a table that would be deleted while writers may still write to it.

    Raises:
        Refused: a delete is not allowed by name, or nobody could be asked.
    """
    if unfrozen is not None and leave.allow_unfrozen != unfrozen:
        message = f"this run deletes the table {unfrozen} while its writers may still write to it; "
        message += "what they write after the export is lost"
        hint = "leave freeze: none out of the spec; or, where nothing writes to it, "
        raise Refused(message, hint + f"add --allow-unfrozen {unfrozen}")
    if unfrozen is None and leave.allow_unfrozen is not None:
        message = f"--allow-unfrozen {leave.allow_unfrozen}: this run deletes no unfrozen table"
        raise Refused(message, "leave the option out")
    if deletes is not None and leave.allow_delete != deletes:
        message = f"this run deletes the table {deletes}, which was not allowed"
        raise Refused(message, f"add --allow-delete {deletes}")
    if deletes is None and leave.allow_delete is not None:
        message = f"--allow-delete {leave.allow_delete}: this run deletes no table"
        raise Refused(message, "leave the option out")
    if not leave.yes and not leave.terminal:
        message = "the plan needs approval, and there is no terminal to ask at"
        raise Refused(message, "add --yes")


def approval(leave: Leave) -> Approval:
    """Return what asks for leave: the terminal, or the flag that was given."""

    def ask(plan: Plan, facts: Evidence) -> str | None:
        if leave.yes:
            return "--yes"
        if facts:
            click.echo(
                f"{facts['read']:,} items read, {facts['kept']:,} kept, "
                f"{facts['dropped']:,} dropped, {facts['rejected']:,} rejected.",
                err=True,
            )
        verb = "rebuild" if plan.command == "run" else "restore"
        what = f"Delete and {verb} {plan.deletes}" if plan.deletes else f"Create {plan.target}"
        return "terminal" if click.confirm(f"{what}?", default=False, err=True) else None

    return ask
