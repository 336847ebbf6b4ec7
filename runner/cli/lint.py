"""``migrate lint``: checks specs without touching anything."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from retable.runner.collect import spec_files
from retable.runner.report.figures import plural
from retable.runner.report.frame import concise_frame, full_frame
from retable.runner.report.terminal import console_on, print_line
from retable.runner.spec_findings import LoadedSpec, check, load, with_clashes
from retable.schema.problem import Problem


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", "full", "concise", "json"]),
    default="auto",
    show_default=True,
    help="How to show findings: with the lines they are about, one line each, or for machines.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    default="error",
    show_default=True,
    help="What makes the exit code 1.",
)
@click.pass_context
def lint(context: click.Context, *, paths: Sequence[Path], form: str, fail_on: str) -> None:
    """Check the specs in PATHS: files, or folders that hold *.migrate.yaml.

    Without PATHS, looks in specs/ if there is such a folder, else here. Findings go to stdout, the
    summary to stderr. Exit code 1 if there are errors, 2 if a path does not exist.
    """
    specs = _checked(spec_files(paths))
    problems = [problem for loaded in specs for problem in loaded.problems]
    errors = sum(problem.severity == "error" for problem in problems)
    if form == "json":
        click.echo(json.dumps(_document(specs, errors), indent=2))
    else:
        _print(specs, concise=form == "concise")
    _summarize(len(specs), errors, len(problems) - errors)
    if errors or (problems and fail_on == "warning"):
        context.exit(1)


def _checked(files: Sequence[Path]) -> list[LoadedSpec]:
    """Return every spec with all that is wrong with it, clashes of names included."""
    return with_clashes(check(load(path)) for path in files)


def _print(specs: Sequence[LoadedSpec], *, concise: bool) -> None:
    console = console_on(sys.stdout, os.environ)
    for loaded in specs:
        for problem in loaded.problems:
            if concise:
                print_line(console, concise_frame(problem))
            else:
                print_line(console, full_frame(problem, loaded.text) + Text("\n"))


def _document(specs: Sequence[LoadedSpec], errors: int) -> dict[str, Any]:
    """Return the findings for machines; raw text, which JSON escapes."""
    problems = [problem for loaded in specs for problem in loaded.problems]
    return {
        "format_version": 1,
        "files": [loaded.file for loaded in specs],
        "errors": errors,
        "warnings": len(problems) - errors,
        "problems": [_entry(problem) for problem in problems],
    }


def _entry(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.span.line,
        "column": problem.span.column,
        "end_line": problem.span.end_line,
        "end_column": problem.span.end_column,
        "severity": problem.severity,
        "code": problem.code,
        "name": problem.name,
        "message": problem.message,
        "hint": problem.hint,
    }


def _summarize(files: int, errors: int, warnings: int) -> None:
    counted = (plural(files, "file"), plural(errors, "error"), plural(warnings, "warning"))
    click.echo(", ".join(counted), err=True)
