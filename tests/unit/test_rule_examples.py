"""Every rule has a bad example, whose frames are golden, and a good one, which breaks no rule.

``UPDATE_CASES=1`` writes the golden frames again, to be read in review.
"""

import os
from pathlib import Path

import pytest

from retable.runner.lint.spec_findings import LoadedSpec, check, load, with_clashes
from retable.runner.spec.collect import find_specs
from retable.runner.text.code_frame import render_problems
from retable.schema.rule_examples import RuleExample, rule_examples
from retable.schema.rules import Rule
from support.rule_files import UNSHOWN, write_unshown

GOLDEN = Path(__file__).parents[1] / "cases" / "rules"
SPEC = Path("spec.migrate.yaml")
EXAMPLES = rule_examples()
GOOD = [rule for rule, example in EXAMPLES.items() if example.good is not None]


def linted(example: RuleExample, part: str | None, code: str = "") -> LoadedSpec:
    """Return what the linter makes of a part, beside the example's other files."""
    for name, text in example.beside.items():
        Path(name).write_text(text, encoding="utf-8")
    if part is None:
        write_unshown(code, SPEC)
    else:
        SPEC.write_text(example.spec(part), encoding="utf-8")
    specs = [check(load(path)) for path in {*find_specs([Path()]), SPEC}]
    found = with_clashes(sorted(specs, key=lambda spec: spec.file))
    return next(spec for spec in found if spec.file == SPEC.name)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("rule", Rule, ids=lambda rule: rule.code)
def test_the_bad_example_breaks_its_rule_and_no_other(rule: Rule) -> None:
    example = EXAMPLES[rule]
    found = linted(example, example.bad, rule.code)
    assert {problem.code for problem in found.problems} == {rule.code}
    assert {problem.severity for problem in found.problems} == {rule.severity}
    compare(render_problems(found.problems, found.text), GOLDEN / f"{rule.code}.txt")


@pytest.mark.parametrize("rule", GOOD, ids=lambda rule: rule.code)
def test_the_good_example_breaks_no_rule(rule: Rule) -> None:
    example = EXAMPLES[rule]
    assert example.good is not None
    assert [str(problem) for problem in linted(example, example.good).problems] == []


def test_every_rule_has_its_example_and_no_golden_frame_is_left_over() -> None:
    assert list(EXAMPLES) == list(Rule)
    assert sorted(path.stem for path in GOLDEN.iterdir()) == sorted(rule.code for rule in Rule)


def test_what_cannot_be_shown_is_described_in_words() -> None:
    told = {rule.code for rule, example in EXAMPLES.items() if example.bad is None}
    assert told == set(UNSHOWN)
    assert all(EXAMPLES[rule].in_words for rule in Rule if rule.code in told)


def compare(found: str, golden: Path) -> None:
    if os.environ.get("UPDATE_CASES"):
        golden.write_text(found, encoding="utf-8")
    assert golden.exists(), "write the golden file with UPDATE_CASES=1, and read it"
    assert found == golden.read_text(encoding="utf-8")
