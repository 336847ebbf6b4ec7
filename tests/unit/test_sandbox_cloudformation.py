"""Stacks are created, updated and deleted with their tables, and have events."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from retable.runner.sandbox.server import SandboxServer
from support.stacks import STACK, Account, attributes, global_table, index, table, template


@pytest.fixture
def account() -> Iterator[Account]:
    with SandboxServer() as server:
        yield Account(server)


def test_a_stack_is_created_with_its_table_and_has_events(account: Account) -> None:
    outputs = {"Name": {"Value": {"Ref": "Orders"}}, "Arn": {"Value": {"Fn::GetAtt": "Orders.Arn"}}}
    body = template(outputs, Orders=table("customer", "order"))
    assert account.create(body) == "CREATE_COMPLETE"
    assert account.key() == ["customer", "order"]
    assert account.outputs() == {"Name": "orders", "Arn": account.table()["TableArn"]}
    assert account.physical_id() == "orders"
    assert account.events() == [
        f"{STACK} CREATE_IN_PROGRESS",
        "Queue CREATE_IN_PROGRESS",
        "Queue CREATE_IN_PROGRESS",
        "Queue CREATE_COMPLETE",
        "Orders CREATE_IN_PROGRESS",
        "Orders CREATE_IN_PROGRESS",
        "Orders CREATE_COMPLETE",
        f"{STACK} CREATE_COMPLETE",
    ]


def test_an_unchanged_template_is_no_update_even_if_its_table_is_deleted(account: Account) -> None:
    body = template(Orders=table())
    account.create(body)
    account.dynamodb.delete_table(TableName="orders")
    with pytest.raises(ClientError, match=r"ValidationError.*No updates are to be performed\."):
        account.update(body)
    assert account.tables() == []


def test_a_table_leaves_with_its_resource_and_returns_with_another_key(account: Account) -> None:
    account.create(template(Orders=table("id")))
    account.put(id="a")
    assert account.update(template()) == "UPDATE_COMPLETE"
    assert account.tables() == []
    assert account.update(template(Orders=table("customer", "order"))) == "UPDATE_COMPLETE"
    assert account.key() == ["customer", "order"]
    assert account.count() == 0


def test_a_stack_is_deleted_with_its_tables_and_found_by_its_arn_only(account: Account) -> None:
    account.create(template(Orders=table()))
    arn = account.describe()["StackId"]
    assert account.delete() == "DELETE_COMPLETE"
    assert account.tables() == []
    with pytest.raises(ClientError, match=f"Stack with id {STACK} does not exist"):
        account.describe()
    assert account.describe(arn)["StackStatus"] == "DELETE_COMPLETE"
    assert account.create(template(Orders=table())) == "CREATE_COMPLETE"


def test_deleting_an_absent_stack_is_no_error(account: Account) -> None:
    account.stacks.delete_stack(StackName="nothing")


def test_every_setting_of_a_table_is_carried_out(account: Account) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:PutItem", "Resource": "*"}
        ],
    }
    orders = table(
        "id",
        AttributeDefinitions=attributes("id", "status"),
        GlobalSecondaryIndexes=[index("by-status", "status")],
        StreamSpecification={"StreamViewType": "NEW_IMAGE"},
        TimeToLiveSpecification={"AttributeName": "expires", "Enabled": True},
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        DeletionProtectionEnabled=True,
        Tags=[{"Key": "team", "Value": "shop"}],
        ResourcePolicy={"PolicyDocument": policy},
    )
    account.create(template(Orders=orders), Tags=[{"Key": "cost", "Value": "42"}])
    found = account.table()
    assert found["DeletionProtectionEnabled"] is True
    assert found["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
    assert [one["IndexName"] for one in found["GlobalSecondaryIndexes"]] == ["by-status"]
    assert _ttl(account) == "expires"
    assert _recovers(account)
    assert _tags(account) == {"team": "shop", "cost": "42"}
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        account.put(id="a")


def test_every_setting_of_a_table_can_be_changed_in_place(account: Account) -> None:
    account.create(
        template(Orders=table("id", StreamSpecification={"StreamViewType": "KEYS_ONLY"}))
    )
    account.put(id="a")
    before = account.table()["TableId"]
    orders = table(
        "id",
        AttributeDefinitions=attributes("id", "status"),
        GlobalSecondaryIndexes=[{**index("by-status", "status"), **_throughput("3")}],
        BillingMode="PROVISIONED",
        **_throughput("5"),
        StreamSpecification={"StreamViewType": "NEW_IMAGE"},
        TimeToLiveSpecification={"AttributeName": "expires", "Enabled": "true"},
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    assert account.update(template(Orders=orders)) == "UPDATE_COMPLETE"
    found = account.table()
    assert found["TableId"] == before
    assert found["ProvisionedThroughput"]["WriteCapacityUnits"] == 5
    assert found["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["WriteCapacityUnits"] == 3
    assert found["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
    assert _ttl(account) == "expires"
    assert _recovers(account)
    assert _tags(account) == {"team": "shop"}
    assert account.update(template(Orders=table("id"))) == "UPDATE_COMPLETE"
    assert "GlobalSecondaryIndexes" not in account.table()
    assert account.table()["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert not account.table().get("StreamSpecification", {}).get("StreamEnabled")
    assert _ttl(account) is None
    assert not _recovers(account)
    assert _tags(account) == {}
    assert account.count() == 1


def test_an_output_may_name_the_stream_that_the_same_update_adds(account: Account) -> None:
    account.create(template(Orders=table()))
    outputs = {"Stream": {"Value": {"Fn::GetAtt": ["Orders", "StreamArn"]}}}
    orders = table(StreamSpecification={"StreamViewType": "NEW_IMAGE"})
    assert account.update(template(outputs, Orders=orders)) == "UPDATE_COMPLETE"
    assert account.outputs() == {"Stream": account.table()["LatestStreamArn"]}
    assert account.update(template(outputs, Orders=table())) == "UPDATE_ROLLBACK_COMPLETE"
    assert "does not support attribute type StreamArn" in account.reasons(STACK)


def test_a_global_table_of_one_region_is_a_table(account: Account) -> None:
    replica = {
        "DeletionProtectionEnabled": True,
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "Tags": [{"Key": "team", "Value": "shop"}],
    }
    outputs = {"Id": {"Value": {"Fn::GetAtt": ["Orders", "TableId"]}}}
    body = template(outputs, Orders=global_table("customer", "order", replica=replica))
    assert account.create(body) == "CREATE_COMPLETE"
    assert account.key() == ["customer", "order"]
    assert account.table()["DeletionProtectionEnabled"] is True
    assert account.outputs() == {"Id": account.table()["TableId"]}
    assert _recovers(account)
    assert _tags(account) == {"team": "shop"}
    assert account.update(template(outputs, Orders=global_table("customer", "order")))
    assert account.table()["DeletionProtectionEnabled"] is False
    assert not _recovers(account)


@pytest.mark.parametrize("is_global", [False, True])
def test_settings_that_moto_drops_are_kept(account: Account, is_global: bool) -> None:  # noqa: FBT001 -- a parameter
    on: dict[str, Any] = {"ContributorInsightsSpecification": {"Enabled": True}}
    replicas: dict[str, Any] = {**on, "TableClass": "STANDARD_INFREQUENT_ACCESS"}
    encryption: dict[str, Any] = {"SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"}}
    if is_global:
        limit: dict[str, Any] = {"WriteOnDemandThroughputSettings": {"MaxWriteRequestUnits": 9}}
        orders = global_table(replica=replicas, **encryption, **limit)
        plain = global_table()
    else:
        limit = {"OnDemandThroughput": {"MaxWriteRequestUnits": 9}}
        orders = table(**replicas, **encryption, **limit)
        plain = table()
    account.create(template(Orders=plain))
    assert account.update(template(Orders=orders)) == "UPDATE_COMPLETE"
    found = account.table()
    assert found["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert found["OnDemandThroughput"]["MaxWriteRequestUnits"] == 9
    assert found["SSEDescription"]["SSEType"] == "KMS"
    insights = account.dynamodb.describe_contributor_insights(TableName="orders")
    assert insights["ContributorInsightsStatus"] == "ENABLED"
    assert account.update(template(Orders=plain)) == "UPDATE_COMPLETE"
    assert account.table()["TableClassSummary"]["TableClass"] == "STANDARD"
    assert "SSEDescription" not in account.table()
    insights = account.dynamodb.describe_contributor_insights(TableName="orders")
    assert insights["ContributorInsightsStatus"] == "DISABLED"


def test_a_global_tables_own_scaling_becomes_scalable_targets(account: Account) -> None:
    def scaled(side: str, low: int) -> dict[str, Any]:
        target = {"TargetValue": 70}
        bounds = {"MinCapacity": low, "MaxCapacity": 10 * low}
        settings = {**bounds, "TargetTrackingScalingPolicyConfiguration": target}
        return {
            f"{side}ProvisionedThroughputSettings": {f"{side}CapacityAutoScalingSettings": settings}
        }

    by_status = {**index("by-status", "status"), **scaled("Write", 3)}
    reads = {"IndexName": "by-status", **scaled("Read", 2)}
    orders = global_table(
        BillingMode="PROVISIONED",
        AttributeDefinitions=attributes("id", "status"),
        GlobalSecondaryIndexes=[by_status],
        **scaled("Write", 5),
        replica={
            "ReadProvisionedThroughputSettings": {"ReadCapacityUnits": 7},
            "GlobalSecondaryIndexes": [reads],
        },
    )
    assert account.create(template(Orders=orders)) == "CREATE_COMPLETE"
    assert account.table()["ProvisionedThroughput"]["WriteCapacityUnits"] == 5
    assert account.table()["ProvisionedThroughput"]["ReadCapacityUnits"] == 7
    assert _scaled(account) == {
        "table/orders dynamodb:table:WriteCapacityUnits": (5, 50),
        "table/orders/index/by-status dynamodb:index:ReadCapacityUnits": (2, 20),
        "table/orders/index/by-status dynamodb:index:WriteCapacityUnits": (3, 30),
    }
    assert account.update(template()) == "UPDATE_COMPLETE"
    assert _scaled(account) == {}


def test_a_second_region_is_refused_and_not_left_out(account: Account) -> None:
    body = global_table("id")
    body["Properties"]["Replicas"].append({"Region": "us-east-1"})
    assert account.create(template(Orders=body)) == "ROLLBACK_COMPLETE"
    assert "does not support replicas outside" in account.reasons("Orders")
    assert account.tables() == []


def test_an_unsupported_property_is_a_failure(account: Account) -> None:
    orders = table("id", KinesisStreamSpecification={"StreamArn": "arn:aws:kinesis:x"})
    assert account.create(template(Orders=orders)) == "ROLLBACK_COMPLETE"
    assert "KinesisStreamSpecification" in account.reasons("Orders")


def test_a_table_without_a_name_gets_one_from_stack_and_random_suffix(account: Account) -> None:
    account.create(template(Orders=table(name=None)))
    name = account.physical_id()
    assert name.startswith(f"{STACK}-Orders-")
    assert account.tables() == [name]


def test_an_absent_stack_cannot_be_updated_and_an_existing_one_not_created(
    account: Account,
) -> None:
    account.create(template())
    with pytest.raises(ClientError, match=r"Stack \[other\] does not exist"):
        account.update(template(), stack="other")
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        account.create(template())


def _ttl(account: Account) -> str | None:
    found = account.dynamodb.describe_time_to_live(TableName="orders")["TimeToLiveDescription"]
    return found["AttributeName"] if found["TimeToLiveStatus"] == "ENABLED" else None


def _recovers(account: Account) -> bool:
    answer = account.dynamodb.describe_continuous_backups(TableName="orders")
    found = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return bool(found["PointInTimeRecoveryStatus"] == "ENABLED")


def _tags(account: Account) -> dict[str, str]:
    arn = account.table()["TableArn"]
    found = account.dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    return {one["Key"]: one["Value"] for one in found}


def _scaled(account: Account) -> dict[str, tuple[int, int]]:
    scaling = account.client("application-autoscaling")
    found = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    return {
        f"{one['ResourceId']} {one['ScalableDimension']}": (one["MinCapacity"], one["MaxCapacity"])
        for one in found
    }


def _throughput(units: str) -> dict[str, Any]:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": units, "WriteCapacityUnits": units}}
