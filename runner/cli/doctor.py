"""``migrate doctor``: checks everything a run needs, before it is needed."""

from pathlib import Path

import click

from retable.runner.cli.options import (
    allow_functions_option,
    run_dir_option,
    sandbox_option,
    spec_argument,
    state_option,
)


@click.command()
@spec_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to show the results.",
)
@sandbox_option
@allow_functions_option
@state_option
@run_dir_option
@click.pass_context
def doctor(  # noqa: PLR0913 -- the command line's own options
    context: click.Context,
    *,
    spec: Path,
    form: str,
    sandbox: bool,
    allow_functions: bool,
    state: str | None,
    run_dir: Path,
) -> None:
    """Check everything that a run of SPEC needs, and change nothing.

    Checks the caller's identity and permissions (simulated by IAM, if that is allowed) and prints
    the smallest sufficient policy; checks tables, stack, exports and buckets; disk space, versions
    and the clock. IAM's answers are read as its documentation describes; this is not tested on
    AWS. Exit code 1 if there are problems, 3 if AWS cannot be reached.
    """
    import os

    from retable.runner.aws.state_address import parse_address
    from retable.runner.clock import SystemClock
    from retable.runner.commands.carry_out import spool_bytes
    from retable.runner.commands.connect import connector, environment
    from retable.runner.doctor.examine import Question, examine
    from retable.runner.doctor.render import as_json, as_text
    from retable.runner.failure import EXIT_FINDINGS, EXIT_STOPPED
    from retable.runner.spec.checked_spec import load_checked_spec
    from retable.runner.text.escape import terminal_safe

    parsed = load_checked_spec(spec, allow_functions=allow_functions)
    with environment(parsed, sandbox=sandbox) as environ:
        diagnosis = examine(
            Question(
                spec=parsed,
                connect=connector(parsed, environ),
                run_dir=run_dir,
                spool_bytes=spool_bytes(os.environ),
                state=None if state is None else parse_address(state),
                clock=SystemClock(),
            )
        )
    if form == "json":
        click.echo(as_json(diagnosis, parsed.origin.file))
    else:
        for line in as_text(diagnosis):
            click.echo("\n".join(terminal_safe(part) for part in line.split("\n")))
    if not diagnosis.is_reached:
        context.exit(EXIT_STOPPED)
    if diagnosis.count("problem"):
        context.exit(EXIT_FINDINGS)
