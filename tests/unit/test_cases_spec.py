"""Specs as files: what each valid one says, and the exact words for each invalid one.

``UPDATE_CASES=1`` writes the golden files again, to be read in review.
"""

import os
from pathlib import Path

import pytest

from retable.schema import load_spec
from retable.schema.problem import SpecError
from retable.schema.rules import Rule
from support.summary import summary

CASES = Path(__file__).parents[1] / "cases"
VALID = sorted((CASES / "valid").glob("*/spec.yaml"))
INVALID = sorted((CASES / "invalid").glob("*.yaml"))
# A file can only show these by being unreadable or larger than a repository should hold.
WITHOUT_A_CASE = {Rule.UNREADABLE_FILE, Rule.FILE_TOO_LARGE}


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.parent.name)
def test_a_valid_spec_says_what_its_summary_says(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    _compare(summary(load_spec("spec.yaml")), path.with_name("summary.txt"))


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_spec_is_refused_in_exactly_these_words(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(SpecError) as caught:
        load_spec(path.name)
    assert all(problem.file == path.name for problem in caught.value.problems)
    _compare(f"{caught.value}\n", path.with_suffix(".errors"))


def test_every_rule_of_reading_a_spec_has_an_invalid_case_that_breaks_it() -> None:
    words = "".join(path.read_text(encoding="utf-8") for path in CASES.rglob("*.errors"))
    words += "".join(path.read_text(encoding="utf-8") for path in CASES.rglob("summary.txt"))
    beyond = {Rule.JMESPATH_NO_ARITHMETIC, Rule.ROW_FILE}
    judged = {rule for rule in Rule if rule.code < "MIG330"} - beyond
    missing = [rule for rule in judged if f"{rule.code} {rule.words}:" not in words]
    assert set(missing) == WITHOUT_A_CASE


def test_no_golden_file_has_lost_its_case() -> None:
    orphans = [path for path in CASES.rglob("*.errors") if not path.with_suffix(".yaml").exists()]
    assert orphans == []
    assert len(INVALID) >= 40
    assert len(VALID) >= 5


def _compare(found: str, golden: Path) -> None:
    if os.environ.get("UPDATE_CASES"):
        golden.write_text(found, encoding="utf-8")
    assert golden.exists(), "write the golden file with UPDATE_CASES=1, and read it"
    assert found == golden.read_text(encoding="utf-8")
