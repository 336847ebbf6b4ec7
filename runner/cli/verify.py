"""``migrate verify``: compares the rebuilt table with its export, at any time."""

from dataclasses import replace
from pathlib import Path

import click

from retable.runner.cli.options import (
    allow_functions_option,
    report_options,
    run_dir_option,
    spec_argument,
    state_option,
)
from retable.runner.commands.report_files import requested_reports


@click.command()
@spec_argument
@click.option(
    "--run", "run_id", metavar="RUN", help="Compare with the export that this run loaded."
)
@click.option(
    "--key",
    metavar="KEY",
    help="Compare only one item: its key's values separated by a comma, or DynamoDB JSON.",
)
@allow_functions_option
@report_options
@state_option
@run_dir_option
def verify(  # noqa: PLR0913 -- the command line's own options
    *,
    spec: Path,
    run_id: str | None,
    key: str | None,
    allow_functions: bool,
    report_formats: str,
    report_dir: Path,
    show_values: bool,
    state: str | None,
    run_dir: Path,
) -> None:
    """Compare the target table with the export it was made from: counts, checksum, every item.

    The export is the one that RUN, or the newest finished run of SPEC, loaded, else
    source.export.id. It is mapped again, so the result does not depend on that run's state. On
    a mismatch the exit code is 1 and diff.jsonl lists every missing, extra or different item.
    """
    from retable.runner.commands.state_option import state_of
    from retable.runner.commands.verify import verify_spec
    from retable.runner.spec.checked_spec import load_checked_spec

    kept = state_of(state)
    reports = requested_reports(report_formats, report_dir, show_values=show_values)
    parsed = load_checked_spec(spec, allow_functions=allow_functions)
    if key is not None:
        from retable.runner.verify.one_item import parse_key

        reports = replace(reports, only_key=parse_key(key, parsed.target.key))
    verify_spec(parsed, run_dir, run_id, reports, kept)
