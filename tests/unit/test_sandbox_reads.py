"""However an item is read from the sandbox, every type is returned as it was stored."""

from collections.abc import Iterator
from typing import Any

import pytest

from retable.runner.sandbox.dynamodb.projection import projected
from retable.runner.sandbox.server import SandboxServer
from support.dynamodb_wire import Wire
from support.sandboxes import create

KEY = {"id": {"S": "a"}}
ITEM: dict[str, Any] = {
    **KEY,
    "g": {"S": "x"},
    "b": {"B": "AAH/"},
    "bs": {"BS": ["AAH/", "AAAA"]},
    "empty": {"B": ""},
    "n": {"N": "1" + "0" * 125},
    "m": {"M": {"b": {"B": "AAH/"}, "l": {"L": [{"BS": ["AAH/"]}, {"NULL": True}]}}},
}
NAME = {"TableName": "orders"}
VALUES = "ExpressionAttributeValues"
READS: list[tuple[str, dict[str, Any]]] = [
    ("GetItem", {**NAME, "Key": KEY}),
    ("Scan", NAME),
    ("Scan", {**NAME, "FilterExpression": "g = :g", VALUES: {":g": {"S": "x"}}}),
    ("Scan", {**NAME, "IndexName": "by-g"}),
    ("Query", {**NAME, "KeyConditionExpression": "id = :i", VALUES: {":i": {"S": "a"}}}),
    (
        "Query",
        {
            **NAME,
            "IndexName": "by-g",
            "KeyConditionExpression": "g = :g",
            VALUES: {":g": {"S": "x"}},
        },
    ),
    ("BatchGetItem", {"RequestItems": {"orders": {"Keys": [KEY]}}}),
    ("TransactGetItems", {"TransactItems": [{"Get": {**NAME, "Key": KEY}}]}),
]


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with SandboxServer() as server, Wire(server.endpoint) as connected:
        create(
            connected,
            AttributeDefinitions=[
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "g", "AttributeType": "S"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-g",
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        connected.done("PutItem", {**NAME, "Item": ITEM})
        yield connected


def _only_item(answer: dict[str, Any]) -> Any:
    if "Responses" in answer:
        found = answer["Responses"]
        return found["orders"][0] if isinstance(found, dict) else found[0]["Item"]
    return answer["Item"] if "Item" in answer else answer["Items"][0]


@pytest.mark.parametrize(("operation", "body"), READS)
def test_every_read_gives_every_type_as_it_was_stored(
    wire: Wire, operation: str, body: dict[str, Any]
) -> None:
    assert _only_item(wire.done(operation, body)) == ITEM


@pytest.mark.parametrize("operation", ["Scan", "GetItem"])
def test_a_projection_gives_parts_of_an_item(wire: Wire, operation: str) -> None:
    body = {**NAME, "ProjectionExpression": "n, m.b"}
    answer = wire.done(operation, {**body, "Key": KEY} if operation == "GetItem" else body)
    assert _only_item(answer) == {"n": ITEM["n"], "m": {"M": {"b": {"B": "AAH/"}}}}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([["b"]], {"b": ITEM["b"]}),
        ([["none"], ["m", "none"], ["b", "x"], ["m", "l[7]"]], {}),
        ([["m", "l[1]"]], {"m": {"M": {"l": {"L": [{"NULL": True}]}}}}),
        ([["m", "l[1]"], ["m", "b"]], {"m": {"M": {"l": {"L": [{"NULL": True}]}, "b": ITEM["b"]}}}),
        ([["m", "l[0]"], ["m", "l[1]"]], {"m": {"M": {"l": ITEM["m"]["M"]["l"]}}}),
    ],
)
def test_paths_are_selected_and_merged(paths: list[list[str]], expected: Any) -> None:
    assert projected(ITEM, paths) == expected


def test_a_read_costs_by_its_size_and_half_if_not_consistent(wire: Wire) -> None:
    wire.done("PutItem", {**NAME, "Item": {"id": {"S": "large"}, "v": {"S": "x" * 5000}}})
    body = {**NAME, "Key": {"id": {"S": "large"}}, "ReturnConsumedCapacity": "TOTAL"}
    for consistent, units in ((False, 1), (True, 2)):
        answer = wire.done("GetItem", {**body, "ConsistentRead": consistent})
        assert answer["ConsumedCapacity"]["CapacityUnits"] == units
    wire.done("DeleteItem", {**NAME, "Key": body["Key"]})


def test_sizes_and_counts_of_a_table_are_about_right(wire: Wire) -> None:
    table = wire.done("DescribeTable", NAME)["Table"]
    assert table["ItemCount"] == 1
    assert 40 <= table["TableSizeBytes"] < 100
