"""``migrate schema``: prints the JSON Schema of specs, for editors and other tools."""

from importlib.resources import files

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of migration specs.

    Editors with yaml-language-server use it for completion:

        # yaml-language-server: $schema=./migration-spec.schema.json
    """
    click.echo(files("retable.schema").joinpath("migration-spec.schema.json").read_text("utf-8"))
