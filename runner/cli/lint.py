"""``migrate lint``: checks specs, and writes only with ``--fix``."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from retable.runner.lint.result import LintResult
from retable.runner.lint.spec_findings import LoadedSpec, check, load, with_clashes
from retable.runner.spec.collect import spec_files

FORMATS = ("full", "concise", "json", "github", "gitlab", "sarif", "junit", "markdown")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", *FORMATS]),
    default="auto",
    show_default=True,
    help="How to show findings; auto is github in GitHub Actions, else full.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    default="error",
    show_default=True,
    help="The least severe finding that makes the exit code 1.",
)
@click.option("--fix", is_flag=True, help="Fix findings that have one safe fix; comments are kept.")
@click.option("--diff", is_flag=True, help="Show what --fix would change; write nothing.")
@click.pass_context
def lint(  # noqa: PLR0913 -- an option each
    context: click.Context,
    *,
    paths: Sequence[Path],
    form: str,
    fail_on: str,
    fix: bool,
    diff: bool,
) -> None:
    """Check the specs in PATHS: files, or folders with *.migrate.yaml files.

    Without PATHS, looks in specs/ if it exists, else in the current folder. Findings go to stdout,
    the summary to stderr. Exit code 1 if there are errors, or with --diff if there is something to
    fix; 2 if a path does not exist.
    """
    files = spec_files(paths)
    result = _checked(files)
    if diff:
        context.exit(1 if _show_fixes(result.specs) else 0)
    if fix and _make_fixes(result.specs):
        result = _checked(files)
    _show(result, _format(form, os.environ), fail_on)
    click.echo(result.summary, err=True)
    if result.fails(fail_on):
        context.exit(1)


def _checked(files: Sequence[Path]) -> LintResult:
    """Return every spec with all its findings, including name clashes."""
    return LintResult(with_clashes(check(load(path)) for path in files))


def _format(form: str, environ: Mapping[str, str]) -> str:
    if form != "auto":
        return form
    return "github" if environ.get("GITHUB_ACTIONS") == "true" else "full"


def _show(result: LintResult, form: str, fail_on: str) -> None:
    if form in {"full", "concise"}:
        _print(result, concise=form == "concise")
    else:
        click.echo(_document(result, form, fail_on), nl=False)
    if form == "github":
        _notify_actions(result, os.environ)


def _document(result: LintResult, form: str, fail_on: str) -> str:
    """Return the findings in a machine-readable format."""
    if form == "junit":
        from retable.runner.lint.formats import junit

        return junit.render(result, fail_on=fail_on)
    import importlib

    rendered: str = importlib.import_module(f"retable.runner.lint.formats.{form}").render(result)
    return rendered


def _notify_actions(result: LintResult, environ: Mapping[str, str]) -> None:
    """Append to the files that GitHub names for the step's summary and outputs."""
    from retable.runner.lint.formats import github, markdown

    for variable, text in (
        ("GITHUB_STEP_SUMMARY", markdown.render(result)),
        ("GITHUB_OUTPUT", github.outputs(result)),
    ):
        if path := environ.get(variable):
            with Path(path).open("a", encoding="utf-8") as stream:
                stream.write(text)


def _print(result: LintResult, *, concise: bool) -> None:
    if not result.problems:
        return
    from retable.runner.lint.formats import terminal_text
    from retable.runner.text.terminal import console_on, print_line

    console = console_on(sys.stdout, os.environ)
    for part in terminal_text.concise(result) if concise else terminal_text.full(result):
        print_line(console, part)


def _show_fixes(specs: Sequence[LoadedSpec]) -> bool:
    """Print what would change, and return whether anything would."""
    from retable.runner.lint.fix import difference, fixed_text

    diffs = [difference(loaded.file, loaded.text, fixed_text(loaded)) for loaded in specs]
    click.echo("".join(diffs), nl=False)
    return any(diffs)


def _make_fixes(specs: Sequence[LoadedSpec]) -> int:
    """Write the fixes, and return the number of changed files."""
    from retable.runner.lint.fix import fixed_text, write_text

    changed = [(loaded, text) for loaded in specs if (text := fixed_text(loaded)) != loaded.text]
    for loaded, text in changed:
        write_text(Path(loaded.file), text)
    return len(changed)
