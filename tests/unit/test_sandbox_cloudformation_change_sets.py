"""Change sets describe what an update would do, and do it once when they are executed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from retable.runner.sandbox.server import SandboxServer
from support.stacks import STACK, Account, Template, table, template

NAME = "cdk-deploy-change-set"


@pytest.fixture
def account() -> Iterator[Account]:
    with SandboxServer() as server:
        yield Account(server)


def test_a_change_set_is_executed_on_request_and_not_before(account: Account) -> None:
    _make(account, template(Orders=table()), ChangeSetType="CREATE")
    assert account.status() == "REVIEW_IN_PROGRESS"
    assert account.tables() == []
    shown = _describe(account)
    assert (shown["Status"], shown["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert _told(shown) == {"Queue": "Add", "Orders": "Add"}
    told = account.stacks.get_template(StackName=STACK, ChangeSetName=NAME)["TemplateBody"]
    assert told == template(Orders=table())
    assert account.stacks.get_template(StackName=STACK)["TemplateBody"] == ""
    _execute(account)
    assert account.status() == "CREATE_COMPLETE"
    assert account.tables() == ["orders"]
    assert account.events()[0] == f"{STACK} REVIEW_IN_PROGRESS"


def test_the_same_name_serves_one_deployment_after_another(account: Account) -> None:
    for number, resources in enumerate([{}, {"Orders": table()}, {}, {"Orders": table("other")}]):
        account.stacks.delete_change_set(StackName=STACK, ChangeSetName=NAME) if number else None
        kind = "UPDATE" if number else "CREATE"
        _make(account, template(**resources), ChangeSetType=kind)
        _execute(account)
        with pytest.raises(account.stacks.exceptions.ChangeSetNotFoundException):
            _describe(account)
    assert account.key() == ["other"]


def test_no_change_fails_with_the_message_that_cdk_recognizes(account: Account) -> None:
    account.create(template(Orders=table()))
    _make(account, template(Orders=table()))
    shown = _describe(account)
    assert (shown["Status"], shown["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert shown["StatusReason"].startswith("The submitted information didn't contain changes.")
    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        _execute(account)


def test_an_absent_change_set_is_not_found_and_can_be_deleted(
    account: Account,
) -> None:
    account.create(template())
    with pytest.raises(account.stacks.exceptions.ChangeSetNotFoundException):
        _describe(account)
    for _ in range(2):
        account.stacks.delete_change_set(StackName=STACK, ChangeSetName=NAME)


def test_a_repeated_request_creates_and_executes_nothing_twice(account: Account) -> None:
    arns = {
        _make(account, template(Orders=table()), ChangeSetType="CREATE", ClientToken="once")["Id"]
        for _ in range(2)
    }
    assert len(arns) == 1
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        _make(account, template(), ChangeSetType="CREATE", ClientToken="other")
    for _ in range(2):
        account.stacks.execute_change_set(ChangeSetName=arns.copy().pop(), ClientRequestToken="x")
    assert account.events().count(f"{STACK} CREATE_COMPLETE") == 1
    shown = account.stacks.describe_change_set(ChangeSetName=arns.pop())
    assert shown["ExecutionStatus"] == "EXECUTE_COMPLETE"


def test_an_update_outdates_the_change_sets_made_before_it(account: Account) -> None:
    account.create(template())
    _make(account, template(Orders=table()))
    account.update(template(Other=table(name="other")))
    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        _execute(account)
    assert account.tables() == ["other"]


def test_a_change_set_shows_replacement_and_policy(account: Account) -> None:
    account.create(template(Orders=table("id", policy="Retain"), Gone=table(name="gone")))
    outputs = {"Name": {"Value": {"Ref": "Orders"}}}
    _make(account, template(outputs, Orders=table("other", policy="Retain")))
    shown = {
        one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"]
        for one in _describe(account, IncludePropertyValues=True)["Changes"]
    }
    orders = shown["Orders"]
    assert (orders["Replacement"], orders["PolicyAction"]) == ("True", "ReplaceAndRetain")
    targets = {one["Target"]["Name"]: one["Target"] for one in orders["Details"]}
    assert targets["KeySchema"]["RequiresRecreation"] == "Always"
    assert json.loads(targets["KeySchema"]["AfterValue"])[0]["AttributeName"] == "other"
    assert json.loads(orders["BeforeContext"])["Properties"]["TableName"] == "orders"
    assert (shown["Gone"]["Action"], shown["Gone"]["PolicyAction"]) == ("Remove", "Delete")


def test_a_reference_to_a_replaced_table_changes_to_an_unknown_value(account: Account) -> None:
    def body(key: str) -> Template:
        queue = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Orders"}}}
        return template(Orders=table(key, name=None), Topic=queue)

    account.create(body("id"))
    _make(account, body("other"))
    shown = {
        one["ResourceChange"]["LogicalResourceId"]: one for one in _describe(account)["Changes"]
    }
    details = shown["Topic"]["ResourceChange"]["Details"]
    assert [one["Evaluation"] for one in details] == ["Dynamic"]
    assert set(shown) == {"Orders", "Topic"}


def test_a_policy_alone_is_a_change_and_takes_effect(account: Account) -> None:
    account.create(template(Orders=table(policy="Delete")))
    _make(account, template(Orders=table(policy="Retain")))
    change = _describe(account)["Changes"][0]["ResourceChange"]
    assert change["Scope"] == ["DeletionPolicy", "UpdateReplacePolicy"]
    assert (change["Action"], change["Replacement"]) == ("Modify", "False")
    _execute(account)
    assert account.delete() == "DELETE_COMPLETE"
    assert account.tables() == ["orders"]


def test_a_refused_template_leaves_no_stack_under_review(account: Account) -> None:
    with pytest.raises(ClientError, match="At least one Resources member must be defined"):
        _make(account, {"Resources": {}}, ChangeSetType="CREATE")
    with pytest.raises(ClientError, match="does not exist"):
        account.status()


def test_a_stack_under_review_can_be_deleted(account: Account) -> None:
    _make(account, template(Orders=table()), ChangeSetType="CREATE")
    assert account.delete() == "DELETE_COMPLETE"


def _make(account: Account, body: Template, **more: Any) -> dict[str, Any]:
    made = account.stacks.create_change_set(
        StackName=STACK, ChangeSetName=NAME, TemplateBody=json.dumps(body), **more
    )
    return dict(made)


def _describe(account: Account, **more: Any) -> dict[str, Any]:
    found = account.stacks.describe_change_set(StackName=STACK, ChangeSetName=NAME, **more)
    return dict(found)


def _execute(account: Account) -> None:
    account.stacks.execute_change_set(StackName=STACK, ChangeSetName=NAME)


def _told(shown: dict[str, Any]) -> dict[str, str]:
    changes = [one["ResourceChange"] for one in shown["Changes"]]
    return {one["LogicalResourceId"]: one["Action"] for one in changes}
