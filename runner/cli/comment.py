"""``migrate comment``: tells a pull request what the other commands found."""

from collections.abc import Sequence
from pathlib import Path

import click


@click.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--post", is_flag=True, help="Write the comment, or over the one written before.")
@click.option(
    "--marker", default="migrate", show_default=True, help="Tells one comment from another."
)
def comment(*, reports: Sequence[Path], post: bool, marker: str) -> None:
    """Print a comment in Markdown for REPORTS, or post it to the job's own pull request.

    A report is what these wrote:

    \b
        migrate lint --format json > lint.json
        migrate spec-diff main:SPEC SPEC --format json > diff.json
        migrate plan SPEC --out plan.json
        migrate run SPEC --dry-run, whose report is in .migrate/RUN/report.json

    Posting needs GITHUB_TOKEN in GitHub Actions or GITLAB_TOKEN in GitLab CI. The comment holds no
    item's value and no key.
    """  # noqa: D301 -- \b is a character here, by which click keeps the lines
    import os

    from retable.runner.comment.body import comment_body

    body = comment_body(reports, marker)
    if not post:
        click.echo(body, nl=False)
        return
    from retable.runner.comment.forge import forge_of, upsert

    click.echo(f"comment {upsert(forge_of(os.environ), body)}", err=True)
