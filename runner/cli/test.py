"""``migrate test``: runs the row tests of specs, the same tests that pytest collects."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from retable.runner.cli.options import allow_functions_option
from retable.runner.lint.spec_findings import LoadedSpec, check, load
from retable.runner.spec.collect import spec_files
from retable.runner.spec.row_tests import RowResult, row_runner
from retable.runner.text.code_frame import full_frame
from retable.runner.text.escape import terminal_safe
from retable.runner.text.figures import plural
from retable.runner.text.terminal import console_on, print_line

WORDS = {"passed": "PASSED", "failed": "FAILED", "unevaluated": "COULD NOT BE EVALUATED"}
STYLES = {"passed": "green", "failed": "bold red", "unevaluated": "bold yellow"}


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("-k", "part", metavar="TEXT", help="Run only tests whose file or name contains TEXT.")
@allow_functions_option
@click.option("-v", "--verbose", is_flag=True, help="List passing tests too.")
@click.pass_context
def test(
    context: click.Context,
    *,
    paths: Sequence[Path],
    part: str | None,
    allow_functions: bool,
    verbose: bool,
) -> None:
    """Run the row tests of the specs in PATHS: files, or folders with *.migrate.yaml files.

    Each spec is linted first. Only files are read; AWS is not called. Exit code 1 if a test fails,
    cannot be evaluated or its spec has errors, 2 if a path does not exist or nothing matches -k.
    """
    console = console_on(sys.stdout, os.environ)
    specs = [check(load(path, allow_functions=allow_functions)) for path in spec_files(paths)]
    broken = [loaded for loaded in specs if loaded.has_errors]
    for loaded in broken:
        _print_broken(console, loaded)
    results = [
        result for loaded in specs for result in _results(console, loaded, part, verbose=verbose)
    ]
    if part is not None and not results and not broken:
        message = f"no row test has {part!r} in its file or name"
        raise click.UsageError(message)
    _summarize(results, broken, len(specs))
    if broken or any(result.outcome != "passed" for result in results):
        context.exit(1)


def _print_broken(console: Console, loaded: LoadedSpec) -> None:
    head = Text.assemble(("FAILED", "bold red"), f" {terminal_safe(loaded.file)}::lint")
    print_line(console, head)
    for problem in loaded.problems:
        if problem.severity == "error":
            print_line(console, full_frame(problem, loaded.text) + Text("\n"))


def _results(
    console: Console, loaded: LoadedSpec, part: str | None, *, verbose: bool
) -> list[RowResult]:
    """Run and print the selected row tests of one spec; a broken spec's are not run."""
    if loaded.spec is None or loaded.has_errors:
        return []
    filter_text = (part or "").casefold()
    run = row_runner(loaded.spec)
    results = [
        run(row)
        for row in loaded.spec.tests
        if filter_text in f"{loaded.file}::test[{row.name}]".casefold()
    ]
    for result in results:
        if verbose or result.outcome != "passed":
            _print_result(console, loaded.file, result)
    return results


def _print_result(console: Console, file: str, result: RowResult) -> None:
    word = (WORDS[result.outcome], STYLES[result.outcome])
    print_line(console, Text.assemble(word, f" {terminal_safe(f'{file}::test[{result.name}]')}"))
    if result.details:
        print_line(console, Text(f"  {terminal_safe(file)}:{result.line}", style="dim"))
    for line in result.details:
        print_line(console, Text(f"  {terminal_safe(line)}"))


def _summarize(results: Sequence[RowResult], broken: Sequence[LoadedSpec], specs: int) -> None:
    parts = [f"{plural(len(results), 'row test')} in {plural(specs, 'spec')}"]
    for outcome, word in (
        ("passed", "passed"),
        ("failed", "failed"),
        ("unevaluated", "could not be evaluated"),
    ):
        count = sum(result.outcome == outcome for result in results)
        if count or outcome == "passed":
            parts.append(f"{count} {word}")
    if broken:
        parts.append(f"{plural(len(broken), 'spec')} with errors")
    click.echo(", ".join(parts), err=True)
