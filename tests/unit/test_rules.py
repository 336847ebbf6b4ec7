from retable.schema.problem import Problem, Span
from retable.schema.rules import Rule


def test_every_rule_has_a_code_and_words_of_its_own() -> None:
    assert len({rule.code for rule in Rule}) == len(Rule)
    assert all(len(rule.code) == 6 and rule.code[:3] == "MIG" for rule in Rule)
    assert Rule.UNKNOWN_KEY.words == "unknown-key"


def test_codes_stand_in_order() -> None:
    codes = [rule.code for rule in Rule]
    assert codes == sorted(codes)


def test_meanings_are_one_line_without_a_full_stop() -> None:
    for rule in Rule:
        assert "\n" not in rule.meaning
        assert not rule.meaning.endswith(".")


def test_a_problem_reads_as_one_line() -> None:
    problem = Problem(
        file="a.yaml",
        span=Span(2, 3, 2, 4),
        code=Rule.UNKNOWN_KEY.code,
        name=Rule.UNKNOWN_KEY.words,
        message="the spec has no key x",
        hint="did you mean y?",
    )
    assert str(problem) == (
        "a.yaml:2:3: error MIG201 unknown-key: the spec has no key x (did you mean y?)"
    )
