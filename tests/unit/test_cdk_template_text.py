"""Reading the text of deployed templates: the YAML that CDK's command line writes, and JSON."""

from decimal import Decimal
from typing import Any

import pytest

from retable.runner.cdk.difference import changes
from retable.runner.cdk.template import Template
from retable.runner.cdk.template_text import MAX_VALUES, read_template
from retable.runner.failure import Refused
from support.assemblies import CASES, orders


def test_what_cdk_deployed_as_yaml_is_what_it_synthesized() -> None:
    text = (CASES / "by-customer.deployed.yaml").read_text("utf-8")
    deployed = Template(read_template(text, "OrdersStack"))
    assert changes(deployed, orders("by-customer").template) == ()
    assert len(changes(deployed, orders("by-id").template)) > 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 0.7", {"a": Decimal("0.7")}),
        ("a: 5", {"a": 5}),
        ("a: true", {"a": True}),
        ("a: null", {"a": None}),
        ('a: "5"', {"a": "5"}),
        ('a: "yes"', {"a": "yes"}),
        ("a: 2012-10-17", {"a": "2012-10-17"}),
        ("a: yes", {"a": "yes"}),
        ("a: 0123", {"a": "0123"}),
        ("a: 1e300", {"a": Decimal("1e300")}),
        ("a: !!str 5", {"a": "5"}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        ("5: a\ntrue: b", {"5": "a", "true": "b"}),
        ("a: !Ref T", {"a": {"Ref": "T"}}),
        ("a: !GetAtt T.Arn", {"a": {"Fn::GetAtt": "T.Arn"}}),
        ("a: !Sub ['${x}', {x: !Ref T}]", {"a": {"Fn::Sub": ["${x}", {"x": {"Ref": "T"}}]}}),
        ("a: !Condition C", {"a": {"Condition": "C"}}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ('{"a": 0.7}', {"a": Decimal("0.7")}),
    ],
    ids=str,
)
def test_yaml_is_read_as_cdk_writes_it(text: str, value: Any) -> None:
    assert read_template(text, "S") == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not an object"),
        ("- a", "is not an object"),
        ("a: [", "the template of the stack S cannot be read: not YAML"),
        ("a: &x [*x]", "too many values, or too many levels"),
        ("{", "is not JSON"),
        ("a: " + "[" * 200 + "]" * 200, "nested deeper"),
    ],
    ids=["empty", "list", "torn", "endless", "torn-json", "deep"],
)
def test_anything_but_a_template_is_refused(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        read_template(text, "S")


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(9):
        named = ", ".join([f"*a{number}"] * 10)
        lines.append(f"a{number + 1}: &a{number + 1} [{named}]")
    with pytest.raises(Refused, match="too many values"):
        read_template("\n".join(lines), "S")
    assert MAX_VALUES < 10**9
