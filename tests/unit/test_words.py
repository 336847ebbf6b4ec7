"""The project speaks of itself alone: nothing points at texts or folders outside the checkout."""

import re

from support.checkout import ROOT, text_files

# Written in pieces, so that this file does not find itself.
FOREIGN = re.compile(
    "|".join(
        (
            re.escape("/wo" + "rk/"),
            re.escape("sha" + "red/"),
            r"\bthe " + r"issue\b",
            r"\b(?:design|interface|style|test-bed)" + r"\.md\b",
            r"\(``(?:design|interface|style)" + r"``",
            r"dynamodb-" + r"facts",
            r"\bfacts? " + r"\d+\.\d",
            r"prior-" + r"art",
            r"/opt/" + r"rv\b",
        )
    ),
    re.IGNORECASE,
)


def test_no_file_speaks_of_anything_outside_the_project() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        for match in FOREIGN.finditer(line)
    ]
    assert found == []


def test_the_pattern_finds_what_it_looks_for() -> None:
    assert FOREIGN.search("see /wo" + "rk/main")
    assert FOREIGN.search("as the iss" + "ue says")
    assert FOREIGN.search("(facts " + "1.3)")
    assert not FOREIGN.search("issues, facts and worked examples")
