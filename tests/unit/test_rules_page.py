"""The page of rules says what the linter does. ``UPDATE_CASES=1`` rewrites it."""

import os

from retable.schema.rules import Rule
from support.checkout import ROOT
from support.rules_page import page

PAGE = ROOT / "docs" / "rules.md"


def test_the_page_is_what_the_table_of_rules_gives() -> None:
    if os.environ.get("UPDATE_CASES"):
        PAGE.write_text(page(), "utf-8")
    assert PAGE.read_text("utf-8") == page()


def test_every_rule_has_a_heading() -> None:
    headings = [line for line in page().splitlines() if line.startswith("### ")]
    assert headings == [f"### {rule.code} {rule.words}" for rule in Rule]
