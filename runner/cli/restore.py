"""``migrate restore``: brings back the table that a run has deleted."""

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
    help="The run's spec, where it is not on this machine any more or has moved.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be done, and end.")
@click.option(
    "--yes", is_flag=True, help="Approve the plan here; needed where there is no terminal."
)
@click.option("--allow-delete", metavar="TABLE", help="Allow this table to be deleted.")
@click.option("--resume", is_flag=True, help="Go on with a restore that was stopped or killed.")
@click.option("--abort", is_flag=True, help="Leave what stands there as it was.")
@report_options
@state_option
@click.option(
    "--break-lock",
    is_flag=True,
    help="Take a lock in S3 over whose holder has not been heard of for a while.",
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
    """Bring back the table that RUN has deleted, from the backup that RUN made of it.

    What stands there now is frozen and backed up before it is deleted, which needs leave by name.
    The table comes back under its old key, is counted against the last export of it, and gets its
    settings and its policy again:

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
        message = "--plan, --resume and --abort exclude one another"
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
