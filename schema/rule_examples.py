"""The examples of every rule: what breaks it and what follows it, as parts of one small spec."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from retable.schema.rules import Rule

EXAMPLES_FILE = Path(__file__).with_name("rule-examples.yaml")
_SECTION = re.compile(r"^([a-z]+):", re.MULTILINE)
_SPEC = """\
spec: 1
name: orders-by-customer
source: {table: orders, export: {kind: native, location: s3://acme-exports/orders/}}
target: {table: orders-v2, key: {partition: {name: customer_id, type: S}}}
transform: {fields: {customer_id: customer.id}}
tests: [{name: keeps it, given: {customer: {id: c-1}}, expect_some: {customer_id: c-1}}]
"""
"""The sections that an example leaves out: one line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleExample:
    """What breaks a rule and what follows it."""

    why: str
    """Why the rule exists, in a sentence or two."""
    bad: str | None = None
    """The part of a spec that breaks the rule."""
    in_words: str | None = None
    """What breaks the rule, if it cannot be shown."""
    good: str | None = None
    whole: bool = False
    """Whether ``bad`` is the whole file."""
    beside: Mapping[str, str] = field(default_factory=dict)
    """Other files in the spec's folder, by name."""

    def spec(self, part: str) -> str:
        """Return a whole spec that starts with ``part``, which is ``bad`` or ``good``."""
        return part if self.whole else part + _rest(part)


@cache
def rule_examples() -> Mapping[Rule, RuleExample]:
    """Return the example of every rule."""
    read = yaml.safe_load(EXAMPLES_FILE.read_text("utf-8"))
    rules = {rule.code: rule for rule in Rule}
    return {rules[code]: RuleExample(**parts) for code, parts in read.items()}


def _rest(part: str) -> str:
    """Return the sections of a spec that ``part`` leaves out."""
    there = set(_SECTION.findall(part))
    lines = (line for line in _SPEC.splitlines() if line.partition(":")[0] not in there)
    return "".join(f"{line}\n" for line in lines)
