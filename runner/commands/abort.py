"""Aborting a run: the source is rolled back."""

from pathlib import Path

import click

from retable.runner.commands.carry_out import roll_back_run
from retable.runner.commands.connect import connector, environment
from retable.runner.commands.open_run import open_run
from retable.runner.commands.state_option import State
from retable.runner.failure import CheckFailed
from retable.runner.outcome.follow_up import left_behind
from retable.runner.plan.plan import Plan
from retable.runner.planning.compile_restore import lost_table
from retable.runner.runs.folder import RunFolder
from retable.runner.runs.journal import read_journal
from retable.runner.text.escape import terminal_safe
from retable.schema.spec import Spec


def abort_run(spec: Spec, run_dir: Path, run_id: str | None, state: State | None = None) -> None:
    """Restore the source to what it was before the run.

    Raises:
        CheckFailed: the source is already deleted and cannot be rolled back.
        Stale: the run has ended.
    """
    with environment(spec, sandbox=False) as environ:
        connect = connector(spec, environ)
        folder, plan = open_run(spec, run_dir, run_id, state, connect)
        keeper = state.keeper(connect) if state is not None else None
        if not roll_back_run(spec, plan, folder, connect, keeper):
            raise _past_the_delete(plan, folder)
    left = list(left_behind(plan, read_journal(folder.journal)))
    kept = f"; {plan.source} is unchanged" if plan.source != plan.target or not left else ""
    click.echo(f"run {folder.run_id} ended{kept}", err=True)
    for line in left:
        click.echo(terminal_safe(line), err=True)


def _past_the_delete(plan: Plan, folder: RunFolder) -> CheckFailed:
    """Return the failure of a run that cannot be rolled back: what exists, and what to do."""
    lost = lost_table(plan, read_journal(folder.journal), folder.run_id)
    message = f"{plan.source} is already deleted; what is left of it is the backup "
    message += f"{lost.backup_arn} and the export {lost.export_id}"
    hint = (
        f"--resume finishes {plan.target}; migrate restore {folder.run_id} restores the old table"
    )
    return CheckFailed(message, hint)
