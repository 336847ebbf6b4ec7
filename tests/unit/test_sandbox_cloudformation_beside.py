"""Other resources of a stack: really created, changed and deleted, or a failure that says so."""

from collections.abc import Iterator
from typing import Any

import pytest

from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from support.sandboxes import ManualClock
from support.stacks import Account, table, template


@pytest.fixture
def account() -> Iterator[Account]:
    with SandboxServer(options=SandboxOptions(clock=ManualClock())) as server:
        yield Account(server)


def log_group(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "told", **properties}}


def groups(account: Account) -> list[str]:
    found = account.client("logs").describe_log_groups()["logGroups"]
    return [one["logGroupName"] for one in found]


def test_a_resource_that_leaves_a_stack_is_really_deleted(account: Account) -> None:
    account.create(template(Orders=table(), Told=log_group()))
    assert groups(account) == ["told"]
    assert account.update(template(Orders=table())) == "UPDATE_COMPLETE"
    assert groups(account) == []


def test_an_unsupported_change_is_a_failure(account: Account) -> None:
    account.create(template(Orders=table(), Told=log_group()))
    changed = template(Orders=table(), Told=log_group(RetentionInDays=7))
    assert account.update(changed) == "UPDATE_ROLLBACK_COMPLETE"
    assert "the sandbox cannot change AWS::Logs::LogGroup" in account.reasons("Told")


def test_an_unsupported_deletion_is_a_failure(account: Account) -> None:
    statement = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
    account.create(template(Orders=table(), Leave=policy))
    account.update(template(Orders=table()))
    assert "the sandbox cannot delete AWS::IAM::ManagedPolicy" in account.reasons("Leave")
