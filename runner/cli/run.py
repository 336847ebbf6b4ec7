"""``migrate run``: runs a spec, or resumes or rolls back a run."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from retable.runner.cli.options import (
    allow_functions_option,
    report_options,
    run_dir_option,
    sandbox_option,
    spec_argument,
    state_option,
)
from retable.runner.commands.report_files import ReportOptions, requested_reports

if TYPE_CHECKING:
    from retable.runner.commands.consent import Consent
    from retable.runner.commands.state_option import State
    from retable.schema.spec import Spec


def _refuse(message: str) -> NoReturn:
    raise click.UsageError(message)


def _require_local(_: click.Context, __: click.Parameter, engine: str) -> None:
    if engine == "spark":
        _refuse("--engine spark is not supported in this version; use the local engine")


@click.command()
@spec_argument
@click.option(
    "--dry-run", is_flag=True, help="Map every item of a finished export; change nothing in AWS."
)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --dry-run: map only about N items; every figure is then an estimate.",
)
@sandbox_option
@click.option("--yes", is_flag=True, help="Approve the plan; required without a terminal.")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    help="Apply the plan in this file, once, unless its inputs have changed.",
)
@allow_functions_option
@click.option("--allow-delete", metavar="TABLE", help="Consent to deleting this table.")
@click.option(
    "--allow-unfrozen",
    metavar="TABLE",
    help="Consent to deleting this table although its writers are not stopped (freeze: none).",
)
@click.option("--resume", is_flag=True, help="Resume a run that was stopped or killed.")
@click.option(
    "--abort", is_flag=True, help="Roll back: restore the source to its state before the run."
)
@click.option(
    "--run", "run_id", metavar="RUN", help="The run to resume or abort, if not the newest."
)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    expose_value=False,
    callback=_require_local,
    help="Where items are mapped; spark is not supported yet.",
)
@report_options
@state_option
@click.option(
    "--break-lock",
    is_flag=True,
    help="Take over the lock in S3 of a run whose holder has stopped renewing it.",
)
@run_dir_option
def run(  # noqa: PLR0913 -- the command line's own options
    *,
    spec: Path,
    dry_run: bool,
    sample: int | None,
    sandbox: bool,
    yes: bool,
    plan_file: Path | None,
    allow_functions: bool,
    allow_delete: str | None,
    allow_unfrozen: str | None,
    resume: bool,
    abort: bool,
    run_id: str | None,
    report_formats: str,
    report_dir: Path,
    show_values: bool,
    state: str | None,
    break_lock: bool,
    run_dir: Path,
) -> None:
    """Rebuild the table that SPEC describes.

    Everything that can be verified in advance is verified before writers are stopped, and nothing
    is deleted before all of that has passed. A run that was killed resumes where it stopped:

    \b
        migrate run specs/orders.migrate.yaml --sandbox --yes --allow-delete orders
        migrate run specs/orders.migrate.yaml --dry-run
        migrate run specs/orders.migrate.yaml --resume --yes --allow-delete orders
        migrate run specs/orders.migrate.yaml --resume --run 7f3a-c21e --state s3://bucket/runs

    With --state, everything a resume needs is kept in S3, so another machine can resume the run.
    Up to 20 GB of an export in S3 are cached in the run folder, or as much as RETABLE_SPOOL says
    (500MB, 100GB); data files beyond that are downloaded again when they are needed.
    """  # noqa: D301 -- \b is a character here, by which click keeps the lines
    from retable.runner.commands.consent import Consent
    from retable.runner.commands.state_option import state_of
    from retable.runner.spec.checked_spec import load_checked_spec

    _refuse_combinations(click.get_current_context().params)
    kept = state_of(state, break_lock=break_lock)
    reports = requested_reports(report_formats, report_dir, show_values=show_values)
    parsed = load_checked_spec(spec, allow_functions=allow_functions)
    consent = Consent(
        yes=yes,
        allow_delete=allow_delete,
        allow_unfrozen=allow_unfrozen,
        terminal=sys.stdin.isatty(),
    )
    if resume or abort:
        _open_run(parsed, run_dir, run_id, consent, reports, kept, abort=abort)
    elif dry_run:
        from retable.runner.commands.dry_run import dry_run_spec

        dry_run_spec(parsed, run_dir, reports, sandbox=sandbox, sample=sample)
    else:
        from retable.runner.commands.run import run_spec

        run_spec(parsed, run_dir, consent, reports, kept, sandbox=sandbox, plan_file=plan_file)


def _open_run(  # noqa: PLR0913, PLR0917 -- which run, where, with whose consent, reported how
    spec: "Spec",
    run_dir: Path,
    run_id: str | None,
    consent: "Consent",
    reports: ReportOptions,
    kept: "State | None",
    *,
    abort: bool,
) -> None:
    """Resume a run that was stopped, or abort it."""
    from retable.runner.commands.abort import abort_run
    from retable.runner.commands.resume import resume_run

    if abort:
        abort_run(spec, run_dir, run_id, kept)
    else:
        resume_run(spec, run_dir, run_id, consent, reports, kept)


def _refuse_combinations(given: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other.

    Raises:
        click.UsageError: which exits 2.
    """
    dry, resume, abort = given["dry_run"], given["resume"], given["abort"]
    sandbox = given["sandbox"]
    if given["plan_file"] is not None and (dry or resume or abort):
        _refuse("--plan starts a run; it cannot be combined with --dry-run, --resume or --abort")
    if given["sample"] is not None and not dry:
        _refuse("--sample needs --dry-run; a run maps every item")
    if sandbox and (resume or abort):
        _refuse(
            "--sandbox ends with its process, so there is nothing to resume; "
            "start a lasting one with: migrate sandbox SPEC"
        )
    if sum((resume, abort, dry)) > 1:
        _refuse("--dry-run, --resume and --abort are mutually exclusive")
    if given["state"] is not None and (sandbox or dry):
        _refuse("--state keeps runs for resuming; --sandbox and --dry-run runs cannot be resumed")
