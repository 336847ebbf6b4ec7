"""``migrate plan``: shows what a run would do. It writes only the file of ``--out``."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from retable.runner.cli.options import (
    allow_functions_option,
    run_dir_option,
    sandbox_option,
    spec_argument,
)


@click.command()
@spec_argument
@sandbox_option
@allow_functions_option
@click.option("--show-code", is_flag=True, help="Show the generated Python that maps the items.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write the plan as JSON to this file, for run --plan.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to show the plan.",
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 10 if there are changes, 0 if a run here applied them, 2 if unsupported.",
)
@run_dir_option
@click.pass_context
def plan(  # noqa: PLR0913 -- the command line's own options
    context: click.Context,
    *,
    spec: Path,
    sandbox: bool,
    allow_functions: bool,
    show_code: bool,
    out: Path | None,
    form: str,
    detailed_exitcode: bool,
    run_dir: Path,
) -> None:
    """Show the steps that migrate run would execute.

    The figures come from the newest finished export if there is one, else from the table's own
    estimate, and are marked as such. Settings that this version does not support are listed.
    """
    import secrets

    from retable.runner.clock import SystemClock
    from retable.runner.commands.carry_out import mapping_of
    from retable.runner.commands.connect import connector, environment
    from retable.runner.commands.start_folder import planning
    from retable.runner.failure import EXIT_CHANGES, EXIT_USAGE
    from retable.runner.plan.encoding import encode_plan, fingerprint
    from retable.runner.planning.compile import compile_plan
    from retable.runner.planning.observe import observe
    from retable.runner.planning.show import code_lines, describe
    from retable.runner.runs.saved_plan import applied_by, save_plan
    from retable.runner.spec.checked_spec import load_checked_spec
    from retable.runner.text.escape import terminal_safe

    parsed = load_checked_spec(spec, allow_functions=allow_functions)
    if detailed_exitcode and (done := applied_by(parsed, run_dir)):
        click.echo(f"run {done.run_id} applied this spec; there is nothing to do")
        _notify_actions((), os.environ, {"has_changes": "false"})
        return
    with environment(parsed, sandbox=sandbox) as environ, planning() as planned:
        observed = observe(parsed, connector(parsed, environ)(), SystemClock(), planned)
    compiled = compile_plan(parsed, observed)
    mark = fingerprint(compiled)
    lines = list(map(terminal_safe, describe(compiled, parsed, mark)))
    if out is not None:
        save_plan(compiled, out, secrets.token_hex(8))
        lines += _single_use(lines.pop(), out) if not compiled.unsupported else ()
    if show_code:
        lines += map(terminal_safe, code_lines(mapping_of(parsed, compiled)))
    text = "\n".join((*lines, "")) if form == "text" else encode_plan(compiled).decode()
    click.echo(text, nl=False)
    _notify_actions(lines, os.environ, {"has_changes": "true", "fingerprint": mark})
    if detailed_exitcode:
        context.exit(EXIT_USAGE if compiled.unsupported else EXIT_CHANGES)


def _single_use(command: str, out: Path) -> Sequence[str]:
    """Return the closing lines for a saved plan, around the command that applies it."""
    return (
        "This plan can be applied once, and only while the inputs above stay the same.",
        "",
        f"{command} --plan {out}",
    )


def _notify_actions(
    lines: Sequence[str], environ: Mapping[str, str], outputs: Mapping[str, str]
) -> None:
    """Write the plan, and whether it has changes, to the files that GitHub Actions names."""
    shown = (line.replace("```", "") for line in lines)
    written = {
        "GITHUB_OUTPUT": "".join(f"{name}={value}\n" for name, value in outputs.items()),
        "GITHUB_STEP_SUMMARY": "\n".join(("### migrate plan", "", "```text", *shown, "```", "")),
    }
    for variable, text in written.items():
        if path := environ.get(variable):
            with Path(path).open("a", encoding="utf-8") as stream:
                stream.write(text)
