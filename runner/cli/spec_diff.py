"""``migrate spec-diff``: shows what changed between two specs, by weight."""

import click


@click.command(name="spec-diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How to show the changes.",
)
def spec_diff(*, before: str, after: str, form: str) -> None:
    """Show what changed from spec A to spec B, the most consequential change first.

    Each is a file, or a git revision and a path relative to the repository's root:

    \b
        migrate spec-diff main:specs/orders.migrate.yaml specs/orders.migrate.yaml
    """  # noqa: D301 -- \b is a character here, by which click keeps the lines
    import json

    from retable.runner.spec.compare_specs import compare
    from retable.runner.spec.revision import load_revision
    from retable.runner.text.escape import terminal_safe

    changes = compare(load_revision(before), load_revision(after))
    lines = [terminal_safe(str(change)) for change in changes] or ["nothing changed"]
    if form == "json":
        entries = [
            {
                "sign": change.sign,
                "weight": change.weight.name.lower(),
                "thing": change.thing,
                "detail": change.detail,
            }
            for change in changes
        ]
        click.echo(json.dumps({"format_version": 1, "changes": entries}, indent=2))
    elif form == "markdown":
        shown = (line.replace("```", "") for line in lines)
        title = f"{terminal_safe(before)} -> {terminal_safe(after)}".replace("`", "")
        click.echo("\n".join((f"### `{title}`", "", "```diff", *shown, "```")))
    else:
        click.echo("\n".join(lines))
