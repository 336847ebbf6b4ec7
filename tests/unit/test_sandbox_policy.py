"""Resource policies deny in the sandbox as they do in DynamoDB."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from retable.runner.sandbox.dynamodb.policy_rules import denies
from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from support.dynamodb_wire import Wire
from support.sandboxes import ARN, ManualClock, control, count, create, put

TABLE = ARN.format("orders")
ME = "arn:aws:iam::123456789012:user/migrate"
WRITES: list[tuple[str, dict[str, Any]]] = [
    ("PutItem", {"TableName": "orders", "Item": {"id": {"S": "x"}}}),
    ("PutItem", {"TableName": TABLE, "Item": {"id": {"S": "x"}}}),
    ("DeleteItem", {"TableName": "orders", "Key": {"id": {"S": "o-1"}}}),
    ("UpdateItem", {"TableName": "orders", "Key": {"id": {"S": "o-1"}}}),
    (
        "BatchWriteItem",
        {"RequestItems": {"orders": [{"PutRequest": {"Item": {"id": {"S": "x"}}}}]}},
    ),
    (
        "TransactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "orders", "Item": {"id": {"S": "x"}}}}]},
    ),
    (
        "TransactWriteItems",
        {"TransactItems": [{"Delete": {"TableName": "orders", "Key": {"id": {"S": "o-1"}}}}]},
    ),
    ("ExecuteStatement", {"Statement": "INSERT INTO \"orders\" VALUE {'id': 'x'}"}),
    ("ExecuteStatement", {"Statement": "UPDATE orders SET a = 'x' WHERE id = 'o-1'"}),
    ("ExecuteStatement", {"Statement": "DELETE FROM orders WHERE id = 'o-1'"}),
    (
        "ExecuteTransaction",
        {"TransactStatements": [{"Statement": "DELETE FROM orders WHERE id = 'o-1'"}]},
    ),
]
DATA_WRITES = [
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:PartiQL*",
]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server(clock: ManualClock) -> Iterator[SandboxServer]:
    with SandboxServer(options=SandboxOptions(clock=clock)) as running:
        yield running


@pytest.fixture
def wire(server: SandboxServer) -> Iterator[Wire]:
    with Wire(server.endpoint, "migrate") as connected:
        create(connected)
        put(connected, 1)
        yield connected


def _deny(actions: Any, **more: Any) -> str:
    statement = {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": TABLE, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _put_policy(wire: Wire, policy: str, **more: Any) -> str:
    answer = wire.done("PutResourcePolicy", {"ResourceArn": TABLE, "Policy": policy, **more})
    return str(answer["RevisionId"])


@pytest.mark.parametrize(("operation", "body"), WRITES)
def test_every_way_to_write_is_denied(wire: Wire, operation: str, body: dict[str, Any]) -> None:
    _put_policy(wire, _deny(DATA_WRITES))
    reply = wire.ask(operation, body)
    assert reply.code == "AccessDeniedException"
    assert reply.message.startswith(f"User: {ME} is not authorized to perform: dynamodb:")
    assert count(wire) == 1


@pytest.mark.parametrize(("operation", "body"), WRITES)
def test_without_a_policy_every_way_to_write_works(
    wire: Wire, operation: str, body: dict[str, Any]
) -> None:
    assert wire.ask(operation, body).code is None


def test_statements_of_a_batch_are_denied_one_by_one(wire: Wire) -> None:
    _put_policy(wire, _deny("dynamodb:PartiQLDelete"))
    body = {
        "Statements": [
            {"Statement": "DELETE FROM orders WHERE id = 'o-1'"},
            {"Statement": "INSERT INTO \"orders\" VALUE {'id': 'o-2'}"},
        ]
    }
    denied, done = wire.done("BatchExecuteStatement", body)["Responses"]
    assert denied["Error"]["Code"] == "AccessDenied"
    assert "Error" not in done
    assert count(wire) == 2


def test_a_denied_batch_needs_its_own_action(wire: Wire) -> None:
    _put_policy(wire, _deny("dynamodb:PutItem"))
    assert wire.ask(*WRITES[0]).code == "AccessDeniedException"
    assert wire.ask(*WRITES[4]).code is None


def test_reads_can_be_denied_and_the_policy_still_removed(wire: Wire) -> None:
    _put_policy(wire, _deny(["dynamodb:Scan", "dynamodb:GetItem"]))
    assert wire.ask("Scan", {"TableName": "orders"}).code == "AccessDeniedException"
    wire.done("DeleteResourcePolicy", {"ResourceArn": TABLE})
    assert count(wire) == 1


def test_a_condition_on_the_principal_lets_one_user_write(
    server: SandboxServer, wire: Wire
) -> None:
    condition = {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:user/migr*"]}}
    _put_policy(wire, _deny(DATA_WRITES, Condition=condition))
    put(wire, 2)
    with Wire(server.endpoint, "application") as other:
        assert other.ask(*WRITES[0]).code == "AccessDeniedException"
    assert count(wire) == 2
    assert control(server.endpoint, "sandbox")["counters"]["denied:application"] == 1


@pytest.mark.parametrize(
    ("condition", "denied"),
    [
        ({"ArnEquals": {"aws:PrincipalArn": ME}}, True),
        ({"ArnNotEquals": {"aws:PrincipalArn": ME}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:user/*"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*"}}, False),
        ({"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::1:user/a", ME]}}, False),
        ({"StringEquals": {"aws:principalarn": [ME]}}, True),
        ({"StringNotEquals": {"aws:PrincipalArn": ["x", ME]}}, False),
        ({"StringLike": {"aws:PrincipalArn": "*/migrat?"}}, True),
        ({"StringNotLike": {"aws:PrincipalArn": "*/migrat?"}}, False),
        (
            {"ArnLike": {"aws:PrincipalArn": ME}, "StringEquals": {"aws:PrincipalArn": "x"}},
            False,
        ),
        ({}, True),
    ],
)
def test_conditions_are_evaluated(condition: dict[str, Any], denied: bool) -> None:  # noqa: FBT001
    policy = json.loads(_deny("dynamodb:*", Condition=condition))
    assert denies(policy, ME, "dynamodb:PutItem", TABLE) is denied


@pytest.mark.parametrize(
    ("change", "denied"),
    [
        ({"Action": "dynamodb:putitem"}, True),
        ({"Action": ["dynamodb:Get*", "dynamodb:Put?tem"]}, True),
        ({"Action": "dynamodb:UpdateItem"}, False),
        ({"Effect": "Allow"}, False),
        ({"Resource": f"{TABLE}/index/*"}, False),
        ({"Resource": "*"}, True),
        ({"Principal": {"AWS": "123456789012"}}, True),
        ({"Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:user/other"}}, False),
    ],
)
def test_statements_are_evaluated(change: dict[str, Any], denied: bool) -> None:  # noqa: FBT001
    statement = {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:*", "Resource": TABLE}
    policy = {"Statement": {**statement, **change}}
    assert denies(policy, ME, "dynamodb:PutItem", TABLE) is denied


def test_a_policy_is_shown_before_it_is_in_force(clock: ManualClock) -> None:
    options = SandboxOptions(clock=clock, policy_delay_seconds=60)
    with SandboxServer(options=options) as server, Wire(server.endpoint) as wire:
        create(wire)
        _put_policy(wire, _deny(DATA_WRITES))
        assert "Policy" in wire.done("GetResourcePolicy", {"ResourceArn": TABLE})
        put(wire, 1)
        clock.sleep(61)
        assert wire.ask(*WRITES[0]).code == "AccessDeniedException"
        wire.done("DeleteResourcePolicy", {"ResourceArn": TABLE})
        assert wire.ask(*WRITES[0]).code == "AccessDeniedException"
        clock.sleep(61)
        put(wire, 2)


def test_a_policy_in_create_table_is_in_force_at_once() -> None:
    options = SandboxOptions(policy_delay_seconds=60)
    with SandboxServer(options=options) as server, Wire(server.endpoint) as wire:
        create(wire, ResourcePolicy=_deny(DATA_WRITES))
        assert wire.ask(*WRITES[0]).code == "AccessDeniedException"


def test_a_policy_is_deleted_with_its_table(wire: Wire) -> None:
    _put_policy(wire, _deny(DATA_WRITES))
    wire.done("DeleteTable", {"TableName": "orders"})
    create(wire)
    put(wire, 1)
    reply = wire.ask("GetResourcePolicy", {"ResourceArn": TABLE})
    assert reply.code == "PolicyNotFoundException"


def test_revisions_guard_against_a_lost_update(wire: Wire) -> None:
    first = _put_policy(wire, _deny("dynamodb:PutItem"), ExpectedRevisionId="NO_POLICY")
    second = _put_policy(wire, _deny("dynamodb:Scan"), ExpectedRevisionId=first)
    assert second != first
    for operation in ("PutResourcePolicy", "DeleteResourcePolicy"):
        body = {"ResourceArn": TABLE, "Policy": _deny("x:*"), "ExpectedRevisionId": first}
        assert wire.ask(operation, body).code == "PolicyNotFoundException"
    assert _put_policy(wire, _deny("dynamodb:Scan")) == second
    answer = wire.done("DeleteResourcePolicy", {"ResourceArn": TABLE, "ExpectedRevisionId": second})
    assert answer == {"RevisionId": second}
    assert wire.done("DeleteResourcePolicy", {"ResourceArn": TABLE}) == {}


def test_a_policy_may_not_lock_its_author_out_without_confirmation(wire: Wire) -> None:
    body = {"ResourceArn": TABLE, "Policy": _deny("dynamodb:*")}
    assert wire.ask("PutResourcePolicy", body).code == "ValidationException"
    wire.done("PutResourcePolicy", {**body, "ConfirmRemoveSelfResourceAccess": True})
    assert wire.ask("DeleteResourcePolicy", body).code == "AccessDeniedException"


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "{",
        "[]",
        "{}",
        json.dumps({"Statement": [{"Effect": "Deny"}]}),
        _deny("dynamodb:*", Resource=ARN.format("other")),
        _deny("dynamodb:*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        _deny("dynamodb:*", Condition={"ArnLike": {"aws:SourceArn": "*"}}),
        _deny(["dynamodb:PutItem"] * 2000),
    ],
)
def test_a_policy_that_cannot_be_evaluated_is_refused(wire: Wire, policy: str) -> None:
    body = {"ResourceArn": TABLE, "Policy": policy}
    assert wire.ask("PutResourcePolicy", body).code == "ValidationException"


def test_an_absent_table_has_no_policy(wire: Wire) -> None:
    body = {"ResourceArn": ARN.format("other")}
    assert wire.ask("GetResourcePolicy", body).code == "ResourceNotFoundException"
