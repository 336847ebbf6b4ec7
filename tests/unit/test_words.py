"""The words: nothing points outside the checkout, and idioms that were replaced do not return."""

import re

import pytest

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

IDIOMS = (
    r"\bcustody\b",
    r"\brequire_leave\b",
    r"\bretreat",
    r"\bthaw",
    r"\bstopped by the world\b",
    r"\b(?:the )?world stopped\b",
    r"\bbears? repeating\b",
    r"\b(?:table|it) (?:still )?h(?:olds|eld) back\b",
    r"\bno item got into\b",
    r"\banew\b",
    r"\bmakes way\b",
    r"\bcomes along\b",
    r"\bshall\b",
    r"\bhand(?:s|ed)? on\b",
    r"\bg(?:oes|one) on\b",
    r"\bgo on on\b",
    r"\bwhy it is so\b",
    r"\bway to S3\b",
    r"\basks nobody\b",
    r"\btold\b",
    r"\btells of\b",
    r"\bothers'",
    r"\bbusiness\b",
    r"\bin one's name\b",
    r"\bmakes? up\b",
    r"\bstands? for\b",
    r"\bbeforehand\b",
    r"\bnothing was touched\b",
    r"\bleft alone\b",
    r"\blies? flat\b",
    r"\bfrom the roof\b",
    r"\bproved whole\b",
)
"""Idioms of which CONTRIBUTING's section "Words" says what to write instead."""
READ = {"runner", "transforms", "schema", "docs", "README.md", "CHANGELOG.md", "SECURITY.md"}
"""The files and folders of the checkout in which no idiom of ``IDIOMS`` may be."""


def idioms_in(text: str) -> list[str]:
    """Return the replaced idioms in ``text``, also those that a line break parts."""
    plain = re.sub(r"\s+(?:[#*>]\s+)?", " ", text)
    return [found[0] for idiom in IDIOMS for found in re.finditer(idiom, plain, re.IGNORECASE)]


def test_replaced_idioms_do_not_return() -> None:
    found = {}
    for path, text in text_files():
        name = path.relative_to(ROOT)
        if name.parts[0] in READ:
            found[name.as_posix()] = idioms_in(text)
    assert {name: idioms for name, idioms in found.items() if idioms} == {}


@pytest.mark.parametrize(
    "text",
    [
        "retreat(world)",
        "thaw(step)",
        "It bears\n    repeating.",
        "# it made\n    # anew",
        "the way to S3",
    ],
)
def test_an_idiom_is_found_wherever_lines_break(text: str) -> None:
    assert idioms_in(text.replace("it made", "made"))


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
