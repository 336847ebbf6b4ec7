"""``migrate restore``: restores the table that a run deleted."""

import sys
from pathlib import Path

import click

from retable.runner.cli.options import report_options, run_dir_option, state_option
from retable.runner.commands.report_files import requested_reports


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--spec",
    type=click.Path(path_type=Path),
    help="The run's spec, if it was moved or is not on this machine.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Show the plan and exit.")
@click.option("--yes", is_flag=True, help="Approve the plan; required without a terminal.")
@click.option("--allow-delete", metavar="TABLE", help="Consent to deleting this table.")
@click.option("--resume", is_flag=True, help="Resume a restore that was stopped or killed.")
@click.option(
    "--abort", is_flag=True, help="Cancel a restore and leave the current table as it was."
)
@report_options
@state_option
@click.option(
    "--break-lock",
    is_flag=True,
    help="Take over the lock in S3 of a run whose holder has stopped renewing it.",
)
@run_dir_option
def restore(  # noqa: PLR0913 -- the command line's own options
    *,
    run_id: str,
    spec: Path | None,
    only_plan: bool,
    yes: bool,
    allow_delete: str | None,
    resume: bool,
    abort: bool,
    report_formats: str,
    report_dir: Path,
    show_values: bool,
    state: str | None,
    break_lock: bool,
    run_dir: Path,
) -> None:
    """Restore the table that RUN deleted, from the backup that RUN made of it.

    The table that has its name now is frozen and backed up before it is deleted, which needs
    --allow-delete. The old table is restored with its old key, its item count is compared with its
    last export, and it gets its settings and its policy back:

    \b
        migrate restore 7f3a-c21e --plan
        migrate restore 7f3a-c21e --yes --allow-delete orders
        migrate restore 7f3a-c21e --resume --yes --allow-delete orders

    """  # noqa: D301 -- \b is a character here, by which click keeps the lines
    from retable.runner.commands.consent import Consent
    from retable.runner.commands.restore import (
        abort_restore,
        open_lost,
        resume_restore,
        start_restore,
    )
    from retable.runner.commands.state_option import state_of

    if sum((only_plan, resume, abort)) > 1:
        message = "--plan, --resume and --abort are mutually exclusive"
        raise click.UsageError(message)
    kept = state_of(state, break_lock=break_lock)
    reports = requested_reports(report_formats, report_dir, show_values=show_values)
    consent = Consent(yes=yes, allow_delete=allow_delete, terminal=sys.stdin.isatty())
    ended = open_lost(run_id, run_dir, spec, kept)
    if abort:
        abort_restore(ended, run_dir, kept)
    elif resume:
        resume_restore(ended, run_dir, consent, reports, kept)
    else:
        start_restore(ended, run_dir, consent, reports, kept, only_plan=only_plan)
