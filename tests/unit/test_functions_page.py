"""The page of functions says what the program does. ``UPDATE_CASES=1`` rewrites it."""

import os

from retable.transforms.functions.table import FUNCTIONS
from support.checkout import ROOT
from support.functions_page import EXAMPLES, page

PAGE = ROOT / "docs" / "functions.md"


def test_the_page_is_what_the_table_of_functions_gives() -> None:
    if os.environ.get("UPDATE_CASES"):
        PAGE.write_text(page(), "utf-8")
    assert PAGE.read_text("utf-8") == page()


def test_every_function_has_an_example() -> None:
    assert [text.partition("(")[0] for text in EXAMPLES] == list(FUNCTIONS)
