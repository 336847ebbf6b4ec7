"""``migrate status``: lists runs and their progress, from their journals alone."""

from pathlib import Path

import click

from retable.runner.cli.options import run_dir_option, state_option


@click.command()
@click.argument("run_id", metavar="[RUN]", required=False)
@state_option
@run_dir_option
def status(*, run_id: str | None, state: str | None, run_dir: Path) -> None:
    """List the runs, newest first; with RUN, show its steps."""
    from retable.runner.commands.state_option import from_environment, looked_up, state_of
    from retable.runner.outcome.run_status import describe_run, list_runs
    from retable.runner.runs.folder import open_folder, runs_of
    from retable.runner.text.escape import terminal_safe

    with looked_up(state_of(state), run_dir, from_environment, run_id) as folder:
        if run_id is not None:
            lines = describe_run(open_folder(folder, run_id))
        else:
            lines = list_runs(runs_of(folder))
        for line in lines:
            click.echo(terminal_safe(line))
