"""``migrate plan``: shows what a run would do. It writes nothing but the file asked for."""

from pathlib import Path

import click

from retable.runner.cli.options import allow_functions_option, sandbox_option, spec_argument


@click.command()
@spec_argument
@sandbox_option
@allow_functions_option
@click.option("--show-code", is_flag=True, help="Show the Python that items go through.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the plan as JSON to this file.")
def plan(
    *, spec: Path, sandbox: bool, allow_functions: bool, show_code: bool, out: Path | None
) -> None:
    """Show the steps of a run, as ``migrate run`` would carry them out.

    The figures come from the newest finished export where there is one, else from the table's own
    estimate, and are marked as such. What this version cannot do yet is said plainly.
    """
    from retable.runner.cli.session import connector, environment, mapping_of
    from retable.runner.clock import SystemClock
    from retable.runner.compile import compile_plan
    from retable.runner.explain import code_lines, describe
    from retable.runner.observe import observe
    from retable.runner.plan_json import encode_plan, fingerprint
    from retable.runner.report.escape import terminal_safe
    from retable.runner.spec_file import load_checked_spec

    parsed = load_checked_spec(spec, allow_functions=allow_functions)
    with environment(parsed, sandbox=sandbox) as environ:
        observed = observe(parsed, connector(parsed, environ)(), SystemClock())
    compiled = compile_plan(parsed, observed)
    for line in describe(compiled, parsed, fingerprint(compiled)):
        click.echo(terminal_safe(line))
    if show_code:
        for line in code_lines(mapping_of(parsed, compiled)):
            click.echo(terminal_safe(line))
    if out is not None:
        out.write_bytes(encode_plan(compiled))
