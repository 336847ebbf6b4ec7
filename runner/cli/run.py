"""``migrate run``: carries a spec out, or resumes, or turns back."""

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
        _refuse("--engine spark is not part of this version; the local engine is")


@click.command()
@spec_argument
@click.option("--dry-run", is_flag=True, help="Map every item of a finished export; write nothing.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --dry-run: look at about N items only; every figure is an estimate then.",
)
@sandbox_option
@click.option(
    "--yes", is_flag=True, help="Approve the plan here; needed where there is no terminal."
)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    help="Carry out the plan in this file, once, if nothing it was made for has moved.",
)
@allow_functions_option
@click.option("--allow-delete", metavar="TABLE", help="Allow this table to be deleted.")
@click.option(
    "--allow-unfrozen",
    metavar="TABLE",
    help="Allow it to be deleted although nothing stops its writers (freeze: none).",
)
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped or killed.")
@click.option("--abort", is_flag=True, help="Put the source back as it was before the run.")
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
    help="Where items are mapped.",
)
@report_options
@state_option
@click.option(
    "--break-lock",
    is_flag=True,
    help="Take a lock in S3 over whose holder has not been heard of for a while.",
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

    Everything that can be proved is proved before anything is stopped, and nothing is deleted
    before everything has been. A run that is killed goes on where it was:

    \b
        migrate run specs/orders.migrate.yaml --sandbox --yes --allow-delete orders
        migrate run specs/orders.migrate.yaml --dry-run
        migrate run specs/orders.migrate.yaml --resume --yes --allow-delete orders
        migrate run specs/orders.migrate.yaml --resume --run 7f3a-c21e --state s3://bucket/runs

    With --state, all that resuming needs is in S3, so that it can go on on another machine.
    Of an export in S3, up to 20 GB are kept in the run folder, or as much as RETABLE_SPOOL says
    (500MB, 100GB); beyond that, data files are fetched again when they are needed.
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
    """Refuse what cannot be meant.

    Raises:
        click.UsageError: which exits 2.
    """
    dry, resume, abort = given["dry_run"], given["resume"], given["abort"]
    sandbox = given["sandbox"]
    if given["plan_file"] is not None and (dry or resume or abort):
        _refuse("--plan begins a run; it goes with neither --dry-run, --resume nor --abort")
    if given["sample"] is not None and not dry:
        _refuse("--sample goes with --dry-run; a run looks at every item")
    if sandbox and (resume or abort):
        _refuse(
            "--sandbox lives and dies with its process, so there is nothing to come back to; "
            "use a standing one: migrate sandbox SPEC"
        )
    if sum((resume, abort, dry)) > 1:
        _refuse("--dry-run, --resume and --abort exclude one another")
    if given["state"] is not None and (sandbox or dry):
        _refuse("--state keeps runs that can be resumed; with --sandbox and --dry-run none can")
