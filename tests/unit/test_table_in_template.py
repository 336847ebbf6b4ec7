"""The table of a template, and the values of CloudFormation's functions."""

from typing import Any

import pytest

from retable.runner.cdk.intrinsics import DeployTarget, Unknown, resolved
from retable.runner.cdk.table_in_template import TableResource, read_table
from retable.schema.spec import Index, Indexes, KeyAttribute, KeySchema, Provisioned
from support.assemblies import HERE, ORDERS, data, orders, table, template

ID = KeySchema(partition=KeyAttribute("id", "S"))


def test_a_table_of_an_l2_construct_is_read_completely() -> None:
    found = read_table(orders("by-id").template, ORDERS, HERE)
    assert found.name == "orders"
    assert found.key == ID
    assert found.indexes == Indexes(
        global_=(
            Index(
                name="by_status",
                partition=(KeyAttribute("status", "S"),),
                sort=(KeyAttribute("created_at", "N"),),
            ),
        )
    )
    assert found.billing == Provisioned(read=5, write=5)
    assert (found.ttl, found.stream, found.tags) == ("expires_at", None, {"team": "orders"})
    assert (found.deletion_policy, found.replace_policy) == ("Delete", "Delete")


def test_the_default_removal_policy_of_cdk_is_to_retain() -> None:
    assert read_table(orders("by-customer").template, ORDERS, HERE).deletion_policy == "Retain"


def test_a_template_without_a_policy_deletes() -> None:
    assert _read().deletion_policy == "Delete"


def test_a_global_table_of_one_region_is_read_from_its_replica() -> None:
    found = read_table(data("stage").template, "Global7C59AC82", HERE)
    assert (found.name, found.key, found.billing) == (None, ID, "on-demand")
    assert (found.deletion_protection, found.tags) == (True, {"team": "data"})
    assert (found.ttl, found.stream) == ("ttl", "NEW_IMAGE")
    assert found.regions == ("eu-west-1",)


def test_a_table_in_a_nested_stack_is_read_by_its_address() -> None:
    address = "InnerNestedStackInnerNestedStackResource745E041B/TableCD117FA1"
    assert read_table(data("stage").template, address, HERE).key == ID


def test_a_name_of_region_and_text_is_resolved() -> None:
    assert read_table(data("stage").template, "Raw", HERE).name == "raw-eu-west-1"
    anywhere = DeployTarget(account=None, region=None)
    assert read_table(data("stage").template, "Raw", anywhere).name == Unknown("Ref AWS::Region")


@pytest.mark.parametrize(
    ("properties", "attribute", "value"),
    [
        ({"TableName": {"Fn::ImportValue": "x"}}, "name", Unknown("Fn::ImportValue x")),
        ({"BillingMode": {"Ref": "Mode"}}, "billing", "on-demand"),
        ({"BillingMode": {"Ref": "Other"}}, "billing", Unknown("Ref Other")),
        ({"KeySchema": {"Ref": "Other"}}, "key", Unknown("KeySchema")),
        (
            {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": {"Ref": "Other"}}]},
            "key",
            Unknown("AttributeDefinitions"),
        ),
        ({"GlobalSecondaryIndexes": {"Ref": "O"}}, "indexes", Unknown("GlobalSecondaryIndexes")),
        ({"TimeToLiveSpecification": {"Enabled": False, "AttributeName": "t"}}, "ttl", None),
        ({"TimeToLiveSpecification": {"Enabled": "true", "AttributeName": "t"}}, "ttl", "t"),
        ({"TimeToLiveSpecification": {"Ref": "AWS::NoValue"}}, "ttl", None),
        ({"TimeToLiveSpecification": {"Ref": "Other"}}, "ttl", Unknown("Ref Other")),
        ({"DeletionProtectionEnabled": "true"}, "deletion_protection", True),
        ({"KinesisStreamSpecification": {"StreamArn": "a"}}, "kinesis", True),
        (
            {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
            "pitr",
            True,
        ),
    ],
    ids=str,
)
def test_each_property_becomes_our_value_or_is_unknown(
    properties: dict[str, Any], attribute: str, value: object
) -> None:
    assert getattr(_read(**properties), attribute) == value


def test_autoscaled_capacity_is_unknown() -> None:
    scaled = {"WriteCapacityAutoScalingSettings": {"MinCapacity": 1, "MaxCapacity": 10}}
    found = _read(BillingMode="PROVISIONED", WriteProvisionedThroughputSettings=scaled)
    assert found.billing == Unknown("scaled capacity")
    assert str(found.billing) == "unknown before the deployment (scaled capacity)"


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::StackName"}, "OrdersStack"),
        ({"Ref": "Mode"}, "PAY_PER_REQUEST"),
        ({"Ref": "Given"}, "given"),
        ({"Ref": "Secret"}, Unknown("Ref Secret")),
        ({"Fn::Sub": "${AWS::Region}-${!Kept}-${Given}"}, "eu-west-1-${Kept}-given"),
        ({"Fn::Sub": ["${a}${Given}", {"a": {"Ref": "Given"}}]}, "givengiven"),
        ({"Fn::Sub": "${Orders.Arn}"}, Unknown("Ref Orders.Arn")),
        ({"Fn::Join": ["/", ["a", 7, {"Ref": "Given"}]]}, "a/7/given"),
        ({"Fn::Join": ["/", ["a", {"Fn::If": ["C", "x", "y"]}]]}, Unknown("Fn::If")),
        ([{"Ref": "AWS::NoValue"}, {"b": {"Ref": "AWS::NoValue"}}], [{}]),
        (
            {"Statement": [{"Condition": {"Bool": "x"}}]},
            {"Statement": [{"Condition": {"Bool": "x"}}]},
        ),
    ],
    ids=str,
)
def test_functions_are_resolved_as_far_as_possible(value: Any, result: Any) -> None:
    body = {
        "Parameters": {
            "Mode": {"Type": "String", "Default": "PAY_PER_REQUEST"},
            "Given": {"Type": "String", "Default": "default"},
            "Secret": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/the/name"},
        }
    }
    at = DeployTarget(
        account=HERE.account, region=HERE.region, stack=HERE.stack, parameters={"Given": "given"}
    )
    assert resolved(value, body, at) == result


def _read(**properties: Any) -> TableResource:
    parameters = {"Mode": {"Type": "String", "Default": "PAY_PER_REQUEST"}}
    return read_table(template({"T": table(**properties)}, Parameters=parameters), "T", HERE)
