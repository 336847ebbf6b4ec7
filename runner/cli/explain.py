"""``migrate explain``: what a rule means, with a bad and a good example."""

import difflib

import click

from retable.runner.failure import Refused
from retable.schema.rules import Rule


@click.command()
@click.argument("code")
def explain(*, code: str) -> None:
    """Explain the linter rule CODE: MIG201, or its name, unknown-key, with examples.

    Exit code 2 if there is no such rule.
    """
    from retable.schema.rule_examples import rule_examples

    rule = _rule(code)
    example = rule_examples()[rule]
    click.echo(f"{rule.code} {rule.words} ({rule.severity})\n\n{rule.meaning}\n\n{example.why}")
    _show("Breaks the rule", example.bad if example.bad is not None else example.in_words)
    for name, text in example.beside.items():
        _show(f"beside {name}", text or "# nothing is declared")
    _show("Follows the rule", example.good)


def _show(title: str, text: str | None) -> None:
    if text is not None:
        lines = "".join(f"    {line}\n" for line in text.splitlines())
        click.echo(f"\n{title}:\n\n{lines}", nl=False)


def _rule(code: str) -> Rule:
    rules = {name: rule for rule in Rule for name in (rule.code, rule.words)}
    name = code.upper() if code.upper() in rules else code.lower()
    if name in rules:
        return rules[name]
    near = difflib.get_close_matches(name, rules, n=1)
    hint = (
        f"did you mean {near[0]}?" if near else "migrate lint shows the code of each finding's rule"
    )
    message = f"there is no rule {code}"
    raise Refused(message, hint)
