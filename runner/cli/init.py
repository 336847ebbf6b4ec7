"""``migrate init``: drafts a spec for a table, from the live table or from an export."""

from pathlib import Path

import click


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--from-table", metavar="TABLE", help="Sample this live table.")
@click.option("--from-export", metavar="LOCATION", help="Sample the newest export there.")
@click.option("--region", help="The table's region, if not the configured one.")
@click.option(
    "--sample",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="The most items to read.",
)
def init(
    *,
    path: Path | None,
    from_table: str | None,
    from_export: str | None,
    region: str | None,
    sample: int,
) -> None:
    """Draft a spec in PATH, by default specs/TABLE.migrate.yaml.

    The draft has the table's current key, indexes and settings, lists the attributes of the sample
    with their types and frequency, and contains three row tests from real items with redacted
    values. The JSON Schema is written beside it, for editors. Nothing is overwritten.
    """
    import os
    from contextlib import suppress

    from retable.runner.aws.session import connect
    from retable.runner.draft.sample import sample_export, sample_table
    from retable.runner.draft.write_draft import SCHEMA_NAME, draft
    from retable.runner.failure import Refused
    from retable.schema.validate import SCHEMA_FILE

    if (from_table is None) == (from_export is None):
        message = "pass a table with --from-table, or an export with --from-export"
        raise click.UsageError(message)
    if from_table is not None:
        found = sample_table(connect(region, environ=os.environ), from_table, sample)
    else:
        place = str(from_export)
        found = sample_export(place, lambda: connect(region, environ=os.environ), sample)
    path = path or Path("specs", f"{found.table}.migrate.yaml")
    if path.exists():
        message = f"{path} already exists"
        raise Refused(message, "pass another file; nothing was written")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        stream.write(draft(found).encode())
    schema = path.with_name(SCHEMA_NAME)
    with suppress(FileExistsError), schema.open("xb") as stream:
        stream.write(SCHEMA_FILE.read_bytes())
    click.echo(f"wrote {path}; write the new key into it, then: migrate lint {path}", err=True)
