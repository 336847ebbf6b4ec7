"""``migrate comment``: posts the results of other commands to a pull request."""

from collections.abc import Sequence
from pathlib import Path

import click


@click.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--post", is_flag=True, help="Post the comment, replacing the previous one.")
@click.option(
    "--marker", default="migrate", show_default=True, help="Identifies the comment to replace."
)
def comment(*, reports: Sequence[Path], post: bool, marker: str) -> None:
    """Print REPORTS as one Markdown comment, or post it to the pull request of this CI job.

    REPORTS are files written by these commands:

    \b
        migrate lint --format json > lint.json
        migrate spec-diff main:SPEC SPEC --format json > diff.json
        migrate plan SPEC --out plan.json
        migrate run SPEC --dry-run (the report is .migrate/RUN/report.json)

    Posting needs GITHUB_TOKEN in GitHub Actions or GITLAB_TOKEN in GitLab CI. The comment contains
    no item values and no keys.
    """  # noqa: D301 -- \b is a character here, by which click keeps the lines
    import os

    from retable.runner.comment.body import comment_body

    body = comment_body(reports, marker)
    if not post:
        click.echo(body, nl=False)
        return
    from retable.runner.comment.forge import forge_of, upsert

    click.echo(f"comment {upsert(forge_of(os.environ), body)}", err=True)
