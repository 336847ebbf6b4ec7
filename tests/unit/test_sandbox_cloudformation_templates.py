"""Templates work as in the service: functions, parameters, other resources."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from retable.runner.sandbox.server import SandboxServer
from support.stacks import STACK, Account, Template, table, template

ROLE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
FUNCTIONS: dict[str, tuple[Any, str]] = {
    "join": ({"Fn::Join": ["-", ["a", {"Ref": "Orders"}]]}, "a-orders"),
    "sub": ({"Fn::Sub": "${AWS::StackName}/${Orders.Arn}/${!x}"}, f"{STACK}/{{arn}}/${{x}}"),
    "bound": ({"Fn::Sub": ["${a}-${Orders}", {"a": {"Ref": "AWS::Region"}}]}, "eu-west-1-orders"),
    "select": ({"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}, "b"),
    "if": ({"Fn::If": ["IsLive", "yes", "no"]}, "no"),
    "map": ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "units"]}, "5"),
    "base64": ({"Fn::Base64": "abc"}, "YWJj"),
    "json": ({"Fn::ToJsonString": {"a": [1, {"Ref": "Stage"}]}}, '{"a": [1, "test"]}'),
}


@pytest.fixture
def account() -> Iterator[Account]:
    with SandboxServer() as server:
        yield Account(server)


def test_every_function_gives_what_the_service_gives(account: Account) -> None:
    outputs = {name: {"Value": value} for name, (value, _) in FUNCTIONS.items()}
    body = _with_parameters(template(outputs, Orders=table()))
    assert account.create(body) == "CREATE_COMPLETE"
    arn = account.table()["TableArn"]
    expected = {name: text.replace("{arn}", arn) for name, (_, text) in FUNCTIONS.items()}
    assert account.outputs() == expected


def test_a_condition_adds_and_removes_a_table(account: Account) -> None:
    body = _with_parameters(template(Orders={**table(), "Condition": "IsLive"}))
    account.create(body)
    assert account.tables() == []
    live = [{"ParameterKey": "Stage", "ParameterValue": "live"}]
    assert account.update(body, Parameters=live) == "UPDATE_COMPLETE"
    assert account.tables() == ["orders"]
    kept = [{"ParameterKey": "Stage", "UsePreviousValue": True}]
    with pytest.raises(ClientError, match="No updates are to be performed"):
        account.update(body, Parameters=kept)
    assert account.update(body) == "UPDATE_COMPLETE"
    assert account.tables() == []


def test_parameters_are_required_and_checked(account: Account) -> None:
    body = _with_parameters(template())
    with pytest.raises(ClientError, match=r"\[Other\] do not exist in the template"):
        account.create(body, Parameters=[{"ParameterKey": "Other", "ParameterValue": "x"}])
    with pytest.raises(ClientError, match="must be one of AllowedValues"):
        account.create(body, Parameters=[{"ParameterKey": "Stage", "ParameterValue": "x"}])
    del body["Parameters"]["Stage"]["Default"]
    with pytest.raises(ClientError, match=r"\[Stage\] must have values"):
        account.create(body)


def test_a_parameter_of_ssm_is_looked_up_and_checked_by_the_rules(account: Account) -> None:
    path = "/cdk-bootstrap/hnb659fds/version"
    kind = "AWS::SSM::Parameter::Value<String>"
    old = {"Fn::Contains": [["1", "2"], {"Ref": "BootstrapVersion"}]}
    body = {
        **template(),
        "Parameters": {"BootstrapVersion": {"Type": kind, "Default": path}},
        "Rules": {"Check": {"Assertions": [{"Assert": {"Fn::Not": [old]}}]}},
    }
    with pytest.raises(ClientError, match=f"Unable to fetch parameters \\[{path}\\]"):
        account.create(body)
    ssm = account.client("ssm")
    ssm.put_parameter(Name=path, Value="2", Type="String")
    with pytest.raises(ClientError, match="assertions failed"):
        account.create(body)
    ssm.put_parameter(Name=path, Value="30", Type="String", Overwrite=True)
    assert account.create(body) == "CREATE_COMPLETE"
    assert account.describe()["Parameters"][0]["ResolvedValue"] == "30"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"Resources": {}}, "At least one Resources member must be defined"),
        ({"Resources": {"A": {}}}, "Every Resources object must contain a Type member"),
        ({"Resources": {"A-b": {"Type": "x"}}}, "is non alphanumeric"),
        ({"Resource": {}}, r"Invalid template property or properties \[Resource\]"),
        (template(T=table(name=None, Tags=[{"Ref": "X"}])), r"dependencies \[X\]"),
        (template({"X": {"Value": {"Fn::GetAtt": "Y.Arn"}}}), r"dependencies \[Y\]"),
        (template(A={"Type": "x", "DependsOn": "A"}), r"Circular dependency.*\[A\]"),
        ({**template(), "Transform": "AWS::Serverless-2016-10-31"}, "does not support transforms"),
    ],
)
def test_a_template_that_is_wrong_is_refused_before_anything_is_done(
    account: Account, body: Template, fault: str
) -> None:
    with pytest.raises(ClientError, match=fault):
        account.create(body)
    assert account.stacks.list_stacks()["StackSummaries"] == []


@pytest.mark.parametrize(
    "text", ["[", "- 1", "a: &x [*x]", "!!python/object:os.system x", "{" * 999]
)
def test_text_that_is_not_a_template_is_refused(account: Account, text: str) -> None:
    with pytest.raises(ClientError, match=r"ValidationError.*Template"):
        account.stacks.create_stack(StackName=STACK, TemplateBody=text)


def test_a_template_may_be_yaml_in_s3(account: Account) -> None:
    text = """
    AWSTemplateFormatVersion: 2010-09-09
    Resources:
      Orders:
        Type: AWS::DynamoDB::Table
        Properties:
          TableName: !Sub "${AWS::StackName}-orders"
          BillingMode: PAY_PER_REQUEST
          AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
          KeySchema: [{AttributeName: id, KeyType: HASH}]
    Outputs:
      Arn: {Value: !GetAtt Orders.Arn}
    """
    s3 = account.client("s3")
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="assets", CreateBucketConfiguration=where)
    s3.put_object(Bucket="assets", Key="a b.yaml", Body=text.encode())
    for number, url in enumerate(
        [
            "https://s3.eu-west-1.amazonaws.com/assets/a%20b.yaml",
            "https://assets.s3.eu-west-1.amazonaws.com/a%20b.yaml",
            f"{account.server.endpoint}/assets/a%20b.yaml",
        ]
    ):
        account.stacks.create_stack(StackName=f"s{number}", TemplateURL=url)
        assert account.status(f"s{number}") == "CREATE_COMPLETE"
    assert account.tables() == ["s0-orders", "s1-orders", "s2-orders"]
    with pytest.raises(ClientError, match="key does not exist"):
        account.stacks.create_stack(StackName="other", TemplateURL="https://s3/assets/none")


def test_an_export_in_use_is_kept_and_cannot_be_changed(account: Account) -> None:
    def exporting(name: str | None) -> Template:
        outputs = {"Name": {"Value": {"Ref": "Orders"}, "Export": {"Name": "orders-name"}}}
        return template(outputs, Orders=table(name=name)) if name else template()

    user = template({"Used": {"Value": {"Fn::ImportValue": "orders-name"}}})
    assert account.create(user, stack="user") == "ROLLBACK_COMPLETE"
    assert "No export named orders-name found" in account.reasons("user", "user")
    account.delete("user")
    account.create(exporting("orders"))
    account.create(user, stack="user")
    assert account.outputs("user") == {"Used": "orders"}
    exports = account.stacks.list_exports()["Exports"]
    assert [(one["Name"], one["Value"]) for one in exports] == [("orders-name", "orders")]
    assert account.stacks.list_imports(ExportName="orders-name")["Imports"] == ["user"]
    assert account.update(exporting("other")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Cannot update export orders-name as it is in use by user" in account.reasons(STACK)
    assert account.update(exporting(None)) == "UPDATE_ROLLBACK_COMPLETE"
    assert account.tables() == ["orders"]
    with pytest.raises(ClientError, match="Cannot delete export orders-name"):
        account.delete()
    assert account.delete("user") == "DELETE_COMPLETE"
    assert account.delete() == "DELETE_COMPLETE"


def test_other_resources_of_cdk_templates_are_created(account: Account) -> None:
    trust = {"AssumeRolePolicyDocument": ROLE}
    target = {
        "MaxCapacity": 10,
        "MinCapacity": 5,
        "ResourceId": {"Fn::Sub": "table/${Orders}"},
        "ScalableDimension": "dynamodb:table:WriteCapacityUnits",
        "ServiceNamespace": "dynamodb",
        "RoleARN": {"Fn::GetAtt": "Role.Arn"},
    }
    scaling = {
        "PolicyName": "follow",
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": {"Ref": "Target"},
        "TargetTrackingScalingPolicyConfiguration": {
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "DynamoDBWriteCapacityUtilization"
            },
            "TargetValue": 70,
        },
    }
    policy = {
        "PolicyName": "reads",
        "PolicyDocument": {
            **ROLE,
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        },
        "Roles": [{"Ref": "Role"}],
    }
    body = template(
        {"RoleArn": {"Value": {"Fn::GetAtt": "Role.Arn"}}},
        Orders=table(),
        Role={"Type": "AWS::IAM::Role", "Properties": trust},
        Policy={"Type": "AWS::IAM::Policy", "Properties": policy},
        Target={"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": target},
        Scaling={"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": scaling},
        Bucket={"Type": "AWS::S3::Bucket"},
        Key={"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": ROLE}},
        Metadata={"Type": "AWS::CDK::Metadata"},
        Custom={"Type": "Custom::Thing", "Properties": {"ServiceToken": "arn"}},
    )
    assert account.create(body) == "CREATE_COMPLETE"
    role = account.client("iam").list_roles()["Roles"][0]
    assert account.outputs() == {"RoleArn": role["Arn"]}
    buckets = account.client("s3").list_buckets()["Buckets"]
    assert [one["Name"] for one in buckets] == [account.physical_id("Bucket")]
    service = {"ServiceNamespace": "dynamodb"}
    autoscaling = account.client("application-autoscaling")
    targets = autoscaling.describe_scalable_targets(**service)["ScalableTargets"]
    assert [(one["ResourceId"], one["MaxCapacity"]) for one in targets] == [("table/orders", 10)]
    policies = autoscaling.describe_scaling_policies(**service)["ScalingPolicies"]
    assert [one["PolicyARN"] for one in policies] == [account.physical_id("Scaling")]
    assert account.delete() == "DELETE_COMPLETE"
    assert account.client("iam").list_roles()["Roles"] == []
    assert autoscaling.describe_scalable_targets(**service)["ScalableTargets"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"KeySchema": "id"},
        {"AttributeDefinitions": [{"AttributeName": "id"}]},
        {"GlobalSecondaryIndexes": [{}]},
        {"Tags": ["a"]},
        {"ProvisionedThroughput": {"ReadCapacityUnits": "many"}},
        {"ResourcePolicy": {"Document": {}}},
        {"StreamSpecification": ["NEW_IMAGE"]},
        {"TimeToLiveSpecification": {"Enabled": True}},
    ],
)
def test_malformed_properties_fail_their_resource_and_not_the_sandbox(
    account: Account, wrong: dict[str, Any]
) -> None:
    account.create(template(Orders=table(name=None)))
    body = template(Orders=table(name=None, **wrong))
    assert account.update(body) == "UPDATE_ROLLBACK_COMPLETE"
    assert account.create(body, stack="new") == "ROLLBACK_COMPLETE"
    assert account.server.sandbox.report()["counters"].get("internal_errors", 0) == 0


def test_a_nested_stack_is_refused(account: Account) -> None:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://x/y"}}
    assert account.create(template(Nested=nested)) == "ROLLBACK_COMPLETE"
    assert "does not support AWS::CloudFormation::Stack" in account.reasons("Nested")


def test_a_template_summary_has_parameters_and_resource_identifiers(
    account: Account,
) -> None:
    body = _with_parameters(template(Orders=table()))
    account.create(body)
    assert (
        json.loads(json.dumps(account.stacks.get_template(StackName=STACK)["TemplateBody"])) == body
    )
    found = account.stacks.get_template_summary(StackName=STACK)
    assert found["ResourceTypes"] == ["AWS::DynamoDB::Table", "AWS::SQS::Queue"]
    identifiers = {
        one["ResourceType"]: one["ResourceIdentifiers"]
        for one in found["ResourceIdentifierSummaries"]
    }
    assert identifiers["AWS::DynamoDB::Table"] == ["TableName"]
    checked = account.stacks.validate_template(TemplateBody=json.dumps(body))
    assert [one["ParameterKey"] for one in checked["Parameters"]] == ["Stage"]


def _with_parameters(body: Template) -> Template:
    """Return the template with a parameter, a condition on it and a mapping from it."""
    return {
        **body,
        "Parameters": {
            "Stage": {"Type": "String", "Default": "test", "AllowedValues": ["test", "live"]}
        },
        "Conditions": {"IsLive": {"Fn::Equals": [{"Ref": "Stage"}, "live"]}},
        "Mappings": {"Sizes": {"test": {"units": 5}, "live": {"units": 50}}},
    }
