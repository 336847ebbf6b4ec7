"""Showing a plan on stderr."""

import click

from retable.runner.plan.encoding import fingerprint
from retable.runner.plan.plan import Plan
from retable.runner.planning.show import describe
from retable.runner.text.escape import terminal_safe
from retable.schema.spec import Spec


def show_plan(plan: Plan, spec: Spec) -> None:
    """Print the plan on stderr, safe for a terminal."""
    for line in describe(plan, spec, fingerprint(plan)):
        click.echo(terminal_safe(line), err=True)
