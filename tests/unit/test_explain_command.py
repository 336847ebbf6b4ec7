"""``migrate explain``: a rule by its code or its name."""

import pytest
from click.testing import CliRunner

from retable.runner.cli.explain import explain
from retable.runner.failure import Refused
from retable.schema.rules import Rule


@pytest.mark.parametrize("code", ["MIG201", "mig201", "unknown-key", "Unknown-Key"])
def test_a_rule_is_explained_with_a_bad_and_a_good_example(code: str) -> None:
    result = CliRunner().invoke(explain, [code])
    assert result.exit_code == 0
    assert result.output == (
        "MIG201 unknown-key (error)\n\na key that the spec language does not have\n\n"
        "An unknown key would be ignored, although its author expects an effect.\n\n"
        "Breaks the rule:\n\n    rebuild:\n      stategy: side-by-side\n\n"
        "Follows the rule:\n\n    rebuild:\n      strategy: side-by-side\n"
    )


@pytest.mark.parametrize("rule", Rule, ids=lambda rule: rule.code)
def test_every_rule_can_be_explained(rule: Rule) -> None:
    result = CliRunner().invoke(explain, [rule.code])
    assert result.exit_code == 0
    assert "Breaks the rule:" in result.output


def test_a_rule_that_does_not_exist_is_refused_with_the_nearest() -> None:
    error = CliRunner().invoke(explain, ["unknwon-key"]).exception
    assert isinstance(error, Refused)
    assert (error.message, error.hint) == (
        "there is no rule unknwon-key",
        "did you mean unknown-key?",
    )
