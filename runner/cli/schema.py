"""``migrate schema``: prints a JSON Schema: of specs for editors, of output files for tools."""

from importlib.resources import files

import click

SCHEMAS = {
    "spec": "migration-spec.schema.json",
    "plan": "plan.schema.json",
    "report": "report.schema.json",
    "lint": "lint.schema.json",
}


@click.command()
@click.argument("of", type=click.Choice(list(SCHEMAS)), default="spec", required=False)
def schema(*, of: str) -> None:
    """Print the JSON Schema of migration specs, or of a plan, a report or the findings of lint.

    Editors with yaml-language-server use the first for completion:

        # yaml-language-server: $schema=./migration-spec.schema.json
    """
    click.echo(files("retable.schema").joinpath(SCHEMAS[of]).read_text("utf-8"))
