from decimal import Decimal
from typing import Any

import pytest

from retable.schema.wording import choices, did_you_mean, dotted, is_near, kind, short, shown

SECTIONS = ["source", "target", "tests", "transform", "verify"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("transfrom", "transform"), ("test", "tests"), ("Verify", "verify"), ("sources", "source")],
)
def test_the_nearest_name_is_suggested(word: str, meant: str) -> None:
    assert did_you_mean(word, SECTIONS) == f"did you mean {meant}?"


def test_with_nothing_near_the_few_names_are_listed() -> None:
    names = "source, target, tests, transform and verify"
    assert did_you_mean("zzz", SECTIONS) == f"the keys are {names}"
    assert did_you_mean("zzz", [f"{letter}a" for letter in "abcdefghijklmno"]) is None
    assert did_you_mean("zzz", []) is None


def test_words_that_differ_in_their_separators_are_near() -> None:
    assert is_near("batch_write", "batch-write")
    assert not is_near("table", "tests")
    assert not is_near("x" * 100_000, "name")


def test_lists_of_choices_read_as_a_sentence() -> None:
    assert choices(["a"]) == "a"
    assert choices(["a", "b", "c"]) == "a, b or c"


def test_paths_count_from_one_as_readers_do() -> None:
    assert dotted(("tests", 0, "given", "")) == "tests[1].given.''"
    assert dotted(()) == "the spec"


def test_values_are_shown_as_they_are_written() -> None:
    found = [shown(value) for value in (True, 1, Decimal("1.50"), "a", "", " a", None, [1], b"")]
    assert found == ["true", "1", "1.50", "a", "''", "' a'", "nothing", "a list", "binary"]
    assert short("x" * 41) == "x" * 40 + "…"


def test_kinds_are_words() -> None:
    values: list[Any] = [None, True, 1, Decimal(1), "", b"", [], {}, set()]
    assert [kind(value) for value in values] == [
        "nothing",
        "a boolean",
        "a number",
        "a number",
        "a string",
        "binary",
        "a list",
        "a mapping",
        "a set",
    ]
