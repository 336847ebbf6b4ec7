"""``docs/rules.md``, made from the table of rules. Every frame on it was made by the linter."""

from collections.abc import Iterator
from pathlib import Path

from retable.schema.rule_examples import RuleExample, rule_examples
from retable.schema.rules import Rule

FRAMES = Path(__file__).parents[1] / "cases" / "rules"
HEAD = """\
# Rules

What `migrate lint` finds. `migrate explain CODE` shows the same in a terminal. This page is made
from the program's own table of rules, and every frame on it was made by the program.

An **error** makes a spec unusable: `migrate run` refuses it. A **warning** is something a reviewer
should know; `--fail-on warning` makes it fail too.
"""
CHAPTERS = {
    "1": "The file and its YAML",
    "2": "The shape of a spec",
    "3": "What the sections mean for each other",
    "4": "Expressions",
    "5": "Row tests, and the specs beside it",
    "6": "What a spec asks of the linter",
}
"""By the first digit of the codes."""


def page() -> str:
    """Return the whole page."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    yield HEAD
    chapter = ""
    for rule, example in rule_examples().items():
        if rule.code[3] != chapter:
            chapter = rule.code[3]
            yield f"## {CHAPTERS[chapter]}\n"
        yield from _rule(rule, example)


def _rule(rule: Rule, example: RuleExample) -> Iterator[str]:
    yield f"### {rule.code} {rule.words}\n"
    yield f"*{rule.severity}* · {rule.meaning}. {example.why}\n"
    if example.bad is None:
        yield f"Such as {example.in_words}.\n"
    else:
        yield _block("yaml", example.bad)
    yield _block("text", _frame(rule))
    if example.good is not None:
        yield "Instead:\n"
        yield _block("yaml", example.good)


def _frame(rule: Rule) -> str:
    """Return the first finding, without the line that points to this page."""
    text = (FRAMES / f"{rule.code}.txt").read_text("utf-8").partition("\n\n")[0]
    lines = text.splitlines()[:-1]
    if lines[-1].strip() == "|":
        lines.pop()
    return "".join(f"{line}\n" for line in lines)


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text}```\n"
