"""The reference says what the program does. ``UPDATE_CASES=1`` rewrites it."""

import os

import pytest

from support.checkout import ROOT
from support.reference_pages import pages, write_pages

FOLDER = ROOT / "docs" / "reference"


@pytest.fixture(scope="module", autouse=True)
def written() -> None:
    if os.environ.get("UPDATE_CASES"):
        write_pages(FOLDER)


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_page_is_what_the_program_gives(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == pages()[name]


def test_no_page_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(pages())
