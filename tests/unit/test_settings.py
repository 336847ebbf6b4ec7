"""A table as DescribeTable returns it, and the request that recreates it (I8)."""

import copy
import json
from typing import Any

import pytest

from retable.runner.aws.describe_table import describe
from retable.runner.failure import Refused
from retable.runner.table.creation import create_request
from retable.runner.table.requests import table_creation
from retable.runner.table.resource_policy import fence_policy
from retable.runner.table.validate_requests import require_valid
from retable.schema.spec import (
    Index,
    Indexes,
    KeyAttribute,
    KeySchema,
    KeyType,
    Provisioned,
    Target,
)
from support.observed import description, settings

ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
S: KeyType = "S"
N: KeyType = "N"
TABLE: dict[str, Any] = {
    "TableName": "orders",
    "TableArn": ARN,
    "TableId": "3f0c9d52-8a55-4f7e-9f0b-1d2c3b4a5968",
    "TableStatus": "ACTIVE",
    "AttributeDefinitions": [
        {"AttributeName": "order_id", "AttributeType": "S"},
        {"AttributeName": "at", "AttributeType": "N"},
        {"AttributeName": "status", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "order_id", "KeyType": "HASH"},
        {"AttributeName": "at", "KeyType": "RANGE"},
    ],
    "ItemCount": 41,
    "TableSizeBytes": 4100,
    "ProvisionedThroughput": {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 5,
        "WriteCapacityUnits": 7,
    },
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_status",
            "KeySchema": [
                {"AttributeName": "status", "KeyType": "HASH"},
                {"AttributeName": "order_id", "KeyType": "HASH"},
                {"AttributeName": "at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["z", "a"]},
            "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3},
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "by_state",
            "KeySchema": [
                {"AttributeName": "order_id", "KeyType": "HASH"},
                {"AttributeName": "status", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    "SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": "arn:key"},
    "TableClassSummary": {"TableClass": "STANDARD_INFREQUENT_ACCESS"},
    "DeletionProtectionEnabled": True,
    "Replicas": [{"RegionName": "us-east-1"}],
}


def table(**changes: Any) -> dict[str, Any]:
    """Return DescribeTable's answer with members changed; ``...`` removes one."""
    changed = {**copy.deepcopy(TABLE), **changes}
    return {name: value for name, value in changed.items() if value is not ...}


def target(**changes: Any) -> Target:
    """Return a target with the source's key."""
    return Target(**{"table": "orders-v2", "key": describe(TABLE).key, **changes})


def test_everything_that_describe_table_returns_is_kept() -> None:
    found = describe(TABLE)
    order_id, at, status = (
        KeyAttribute("order_id", S),
        KeyAttribute("at", N),
        KeyAttribute("status", S),
    )
    assert found.key == KeySchema(partition=order_id, sort=at)
    assert found.indexes == Indexes(
        global_=(
            Index(
                name="by_status",
                partition=(status, order_id),
                sort=(at,),
                projection=("a", "z"),
            ),
        ),
        local=(Index(name="by_state", partition=(order_id,), sort=(status,), projection="keys"),),
    )
    assert found.billing == Provisioned(read=5, write=7)
    assert found.index_billing == {"by_status": Provisioned(read=2, write=3)}
    assert (found.stream, found.deletion_protection) == ("NEW_IMAGE", True)
    assert found.table_class == "STANDARD_INFREQUENT_ACCESS"
    assert found.sse == {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "arn:key"}
    assert found.replicas == ("us-east-1",)
    assert (found.table_id, found.item_count, found.size_bytes) == (TABLE["TableId"], 41, 4100)


def test_a_global_table_of_one_region_has_no_replicas() -> None:
    own = [{"RegionName": "eu-west-1"}]
    assert describe(table(Replicas=own)).replicas == ()
    assert describe(table(Replicas=[*own, {"RegionName": "us-east-1"}])).replicas == ("us-east-1",)


def test_a_bare_table_has_none_of_these_settings() -> None:
    bare = ["TableId", "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "StreamSpecification"]
    bare += ["SSEDescription", "TableClassSummary", "DeletionProtectionEnabled", "Replicas"]
    found = describe(table(**dict.fromkeys(bare, ...)))
    assert found.indexes == Indexes()
    assert (found.table_id, found.stream, found.sse, found.table_class) == (None,) * 4
    assert (found.deletion_protection, found.replicas, found.index_billing) == (False, (), {})


def test_maximums_of_an_on_demand_table_are_kept_and_unset_ones_are_not() -> None:
    bounded = table(
        BillingModeSummary={"BillingMode": "PAY_PER_REQUEST"},
        ProvisionedThroughput={"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        OnDemandThroughput={"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 500},
    )
    bounded["GlobalSecondaryIndexes"][0]["OnDemandThroughput"] = {"MaxReadRequestUnits": 10}
    found = describe(bounded)
    assert found.billing == "on-demand"
    assert found.on_demand == {"MaxWriteRequestUnits": 500}
    assert found.index_on_demand == {"by_status": {"MaxReadRequestUnits": 10}}
    request = create_request(target(), settings(found))
    assert request["OnDemandThroughput"] == {"MaxWriteRequestUnits": 500}
    [index] = request["GlobalSecondaryIndexes"]
    assert index["OnDemandThroughput"] == {"MaxReadRequestUnits": 10}
    require_valid([table_creation(request, None)])


def test_i7_the_order_of_indexes_in_the_answer_changes_nothing() -> None:
    twice = table()
    twice["GlobalSecondaryIndexes"].append(
        {**twice["GlobalSecondaryIndexes"][0], "IndexName": "a_first"}
    )
    turned = copy.deepcopy(twice)
    turned["GlobalSecondaryIndexes"].reverse()
    turned["AttributeDefinitions"].reverse()
    assert describe(twice) == describe(turned)
    assert json.dumps(create_request(target(), settings(describe(twice)))) == json.dumps(
        create_request(target(), settings(describe(turned)))
    )


def test_i8_a_request_without_changes_recreates_the_source() -> None:
    request = create_request(target(table="orders"), settings(describe(TABLE)))
    require_valid([table_creation(request, None)])
    assert request["KeySchema"] == TABLE["KeySchema"]
    assert request["BillingMode"] == "PROVISIONED"
    assert request["ProvisionedThroughput"] == {"ReadCapacityUnits": 5, "WriteCapacityUnits": 7}
    assert request["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert request["SSESpecification"]["KMSMasterKeyId"] == "arn:key"
    made = describe(
        {
            **table(StreamSpecification=..., DeletionProtectionEnabled=..., Replicas=...),
            **{name: request[name] for name in ("KeySchema", "AttributeDefinitions")},
            "GlobalSecondaryIndexes": request["GlobalSecondaryIndexes"],
            "LocalSecondaryIndexes": request["LocalSecondaryIndexes"],
        }
    )
    assert made.indexes == describe(TABLE).indexes
    assert made.index_billing == describe(TABLE).index_billing


def test_billing_that_the_spec_declares_holds_for_indexes_too() -> None:
    request = create_request(
        target(billing=Provisioned(read=1, write=9)), settings(describe(TABLE))
    )
    [index] = request["GlobalSecondaryIndexes"]
    assert index["ProvisionedThroughput"] == {"ReadCapacityUnits": 1, "WriteCapacityUnits": 9}
    request = create_request(target(billing="on-demand"), settings(describe(TABLE)))
    assert request["BillingMode"] == "PAY_PER_REQUEST"
    assert "ProvisionedThroughput" not in request
    assert "ProvisionedThroughput" not in request["GlobalSecondaryIndexes"][0]
    require_valid([table_creation(request, None)])


def test_an_attribute_is_declared_once_and_only_if_a_key_uses_it() -> None:
    key = KeySchema(partition=KeyAttribute("customer_id", S))
    request = create_request(target(key=key, indexes=Indexes()), settings(describe(TABLE)))
    assert request["AttributeDefinitions"] == [
        {"AttributeName": "customer_id", "AttributeType": "S"}
    ]
    assert "GlobalSecondaryIndexes" not in request
    assert "LocalSecondaryIndexes" not in request


def test_an_attribute_with_two_types_is_refused_before_anything_is_deleted() -> None:
    key = KeySchema(partition=KeyAttribute("status", N))
    kept = describe(table(LocalSecondaryIndexes=...))
    with pytest.raises(Refused, match="the index by_status has status as S, another key has it as"):
        create_request(target(key=key), settings(kept))


def test_a_local_index_that_cannot_have_the_new_key_is_refused() -> None:
    key = KeySchema(partition=KeyAttribute("customer_id", S), sort=KeyAttribute("at", N))
    with pytest.raises(Refused, match="the local index by_state is keyed by order_id"):
        create_request(target(key=key), settings(describe(TABLE)))


def test_a_request_that_the_services_model_refuses_is_refused_here() -> None:
    request = create_request(target(), settings(description()))
    require_valid([table_creation(request, fence_policy(ARN, ("arn:x",), None, bulk=True))])
    with pytest.raises(Refused, match="CreateTable: Invalid type for parameter BillingMode"):
        require_valid([table_creation({**request, "BillingMode": 7}, None)])
