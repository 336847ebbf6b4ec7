"""``migrate verify``: compares the rebuilt table with its export, any time."""

from pathlib import Path

import click

from retable.runner.cli.options import (
    allow_functions_option,
    run_dir_option,
    spec_argument,
    state_option,
)


@click.command()
@spec_argument
@click.option("--run", "run_id", metavar="RUN", help="Compare with what this run loaded.")
@allow_functions_option
@state_option
@run_dir_option
def verify(
    *, spec: Path, run_id: str | None, allow_functions: bool, state: str | None, run_dir: Path
) -> None:
    """Compare the target table with the export it was made from: counts, checksum, every item.

    The export is the one that the newest finished run of SPEC loaded, or the one that RUN loaded,
    else ``source.export.id``. It is mapped again, so nothing is taken from that run's memory. Exit
    code 1 and ``diff.jsonl`` name every item that is missing, extra or different.
    """
    from retable.runner.cli.state import asked_state
    from retable.runner.cli.verifications import verify_spec
    from retable.runner.spec_file import load_checked_spec

    kept = asked_state(state)
    verify_spec(load_checked_spec(spec, allow_functions=allow_functions), run_dir, run_id, kept)
