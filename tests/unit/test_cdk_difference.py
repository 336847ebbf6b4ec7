"""What differs between templates, and which parts need which."""

from typing import Any

import pytest

from retable.runner.cdk.difference import changes, differences
from retable.runner.cdk.references import dependents, needed_by
from retable.runner.cdk.template import EMPTY, Template
from support.assemblies import ORDERS, data, orders, template

INNER = "InnerNestedStackInnerNestedStackResource745E041B"
WORKER = "WorkerDefaultPolicyD9676315"
SCALING = "OrdersTableWriteScalingTarget"


def test_removing_the_table_removes_what_needs_it() -> None:
    before, after = orders("by-id").template, orders("absent").template
    assert [str(change) for change in changes(before, after)] == [
        f"removed {ORDERS} (AWS::DynamoDB::Table)",
        f"removed {SCALING}20EB861D (AWS::ApplicationAutoScaling::ScalableTarget)",
        f"removed {SCALING}TrackingE447C2A4 (AWS::ApplicationAutoScaling::ScalingPolicy)",
        "removed Outputs.TableArn",
        f"changed {WORKER} (AWS::IAM::Policy): Properties.PolicyDocument.Statement",
    ]


def test_a_template_does_not_differ_from_itself_or_from_another_release_of_cdk() -> None:
    assert changes(data("stage").template, data("stage").template) == ()
    assert changes(data("old-stage").template, data("stage").template) == ()


@pytest.mark.parametrize(
    "noise",
    [
        {"CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate"}}},
        {"R": {"Type": "T", "Metadata": {"aws:cdk:path": "S/Other"}}},
    ],
    ids=["metadata", "path"],
)
def test_what_cdk_adds_for_itself_is_not_a_change(noise: dict[str, Any]) -> None:
    plain = template({"R": {"Type": "T"}})
    noisy = template(
        {"R": {"Type": "T"}, **noise},
        Conditions={"CDKMetadataAvailable": {}},
        Parameters={"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>"}},
        Rules={"CheckBootstrapVersion": {}},
        Description="words",
    )
    assert changes(plain, noisy) == ()


def test_the_order_of_dependencies_is_irrelevant() -> None:
    one = template({"R": {"Type": "T", "DependsOn": ["A", "B"]}})
    other = template({"R": {"Type": "T", "DependsOn": ["B", "A"]}})
    assert changes(one, other) == ()
    assert changes(one, template({"R": {"Type": "T", "DependsOn": "A"}})) != ()


def test_other_metadata_counts_since_it_can_change_a_machine() -> None:
    before = template({"R": {"Type": "T", "Metadata": {"AWS::CloudFormation::Init": 1}}})
    assert len(changes(before, template({"R": {"Type": "T"}}))) == 1


def test_a_change_in_a_nested_stack_is_named_by_both_ids() -> None:
    before = data("stage").template
    inner = before.nested[INNER]
    table = inner.body["Resources"]["TableCD117FA1"]
    changed = {**table, "DeletionPolicy": "Delete"}
    body = {**inner.body, "Resources": {**inner.body["Resources"], "TableCD117FA1": changed}}
    (change,) = changes(before, Template(before.body, {INNER: Template(body)}))
    assert str(change) == (f"changed {INNER}/TableCD117FA1 (AWS::DynamoDB::Table): DeletionPolicy")


def test_a_change_names_five_properties_and_counts_the_rest() -> None:
    before = template({"R": {"Type": "T", "Properties": {f"P{n}": n for n in range(8)}}})
    after = template({"R": {"Type": "T", "Properties": {f"P{n}": -1 - n for n in range(8)}}})
    (change,) = changes(before, after)
    assert str(change).endswith("Properties.P3, Properties.P4 and 3 more")


@pytest.mark.parametrize(
    ("left", "right", "places"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": 1}, {"a": "1"}, ["a"]),
        ({"a": None}, {}, ["a"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a[1]"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a"]),
        ({"a": {"b": []}}, {"a": {"b": {}}}, ["a.b"]),
    ],
    ids=str,
)
def test_values_differ_by_type_and_by_place(left: Any, right: Any, places: list[str]) -> None:
    assert list(differences(left, right, "")) == places


def test_an_absent_stack_has_no_parts() -> None:
    added = changes(EMPTY, orders("absent").template)
    assert {change.kind for change in added} == {"added"}


@pytest.mark.parametrize(
    "user",
    [
        {"Properties": {"Name": {"Ref": "T"}}},
        {"Properties": {"Arn": {"Fn::GetAtt": ["T", "Arn"]}}},
        {"Properties": {"Arn": {"Fn::GetAtt": "T.StreamArn"}}},
        {"Properties": {"Arn": {"Fn::Sub": "x-${T.Arn}"}}},
        {"Properties": {"Arn": {"Fn::Sub": ["${x}-${T}", {"x": "y"}]}}},
        {"Properties": {"Arn": {"Fn::Join": ["", ["a", {"Ref": "T"}]]}}},
        {"Condition": "UsesT"},
        {"Properties": {"Arn": {"Fn::If": ["UsesT", "a", "b"]}}},
    ],
    ids=str,
)
def test_every_reference_to_a_part_is_a_dependency(user: dict[str, Any]) -> None:
    found = dependents(
        template(
            {"T": {"Type": "T"}, "User": {"Type": "U", **user}},
            Conditions={"UsesT": {"Fn::Equals": [{"Ref": "T"}, "x"]}},
        ),
        ["T"],
    )
    assert "User" in found


@pytest.mark.parametrize(
    "other",
    [
        {"Properties": {"Text": "T"}},
        {"Properties": {"Text": {"Fn::Sub": "${!T}"}}},
        {"Properties": {"Text": {"Fn::Sub": ["${T}", {"T": "own"}]}}},
        {"Properties": {"Ref": {"T": 1}}},
        {"DependsOn": "T"},
        {"DependsOn": ["U", "T"]},
        {"Properties": {"Arn": {"Fn::GetAtt": ["U", "T"]}}},
    ],
    ids=str,
)
def test_a_look_alike_of_a_reference_or_an_order_is_not_a_dependency(other: dict[str, Any]) -> None:
    resources = {"T": {"Type": "T"}, "U": {"Type": "U"}, "Other": {"Type": "O", **other}}
    assert dependents(template(resources), ["T"]) == frozenset()


def test_dependencies_are_followed_through_nested_stacks_in_both_directions() -> None:
    found = data("stage").template
    assert "Outputs.InnerArn" in dependents(found, [f"{INNER}/TableCD117FA1"])
    assert f"{INNER}/Outputs.Name" in dependents(found, ["TableCD117FA1"])
    assert "TableCD117FA1" in needed_by(found, [f"{INNER}/Outputs.Name"])
    assert f"{INNER}/TableCD117FA1" not in dependents(found, ["TableCD117FA1"])
