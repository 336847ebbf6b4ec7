"""What happens to a table, and to its items, when its resource is replaced, removed or refused."""

from collections.abc import Iterator
from typing import Any

import pytest

from retable.runner.sandbox.server import SandboxServer
from support.sandboxes import set_faults
from support.stacks import (
    STACK,
    Account,
    Template,
    attributes,
    global_table,
    index,
    table,
    template,
)


@pytest.fixture
def account() -> Iterator[Account]:
    with SandboxServer() as server:
        yield Account(server)


def test_a_table_without_a_custom_name_is_replaced_before_the_old_one_is_deleted(
    account: Account,
) -> None:
    outputs = {"Name": {"Value": {"Ref": "Orders"}}}
    account.create(template(outputs, Orders=table("id", name=None)))
    old = account.physical_id()
    assert account.update(template(outputs, Orders=table("other", name=None))) == "UPDATE_COMPLETE"
    new = account.outputs()["Name"]
    assert new != old
    assert account.tables() == [new]
    assert account.key(new) == ["other"]
    assert "creation of a new physical resource" in account.reasons("Orders")
    told = account.events()
    made, gone = told.index("Orders UPDATE_COMPLETE"), told.index("Orders DELETE_COMPLETE")
    assert made < told.index(f"{STACK} UPDATE_COMPLETE_CLEANUP_IN_PROGRESS") < gone


def test_a_replaced_table_is_kept_if_its_policy_is_retain(account: Account) -> None:
    account.create(template(Orders=table("id", name=None, policy="Retain")))
    old = account.physical_id()
    account.put(old, id="a")
    account.update(template(Orders=table("other", name=None, policy="Retain")))
    assert sorted(account.tables()) == sorted([old, account.physical_id()])
    assert account.count(old) == 1
    assert "Orders DELETE_SKIPPED" in account.events()


def test_a_table_with_a_custom_name_is_not_replaced_and_keeps_its_items(account: Account) -> None:
    account.create(template(Orders=table("id")))
    account.put(id="a")
    assert account.update(template(Orders=table("other"))) == "UPDATE_ROLLBACK_COMPLETE"
    reasons = account.reasons("Orders")
    assert "cannot update a stack when a custom-named resource requires replacing" in reasons
    assert "Rename orders and update the stack again" in reasons
    assert "failed to update: [Orders]" in account.reasons(STACK)
    assert account.key() == ["id"]
    assert account.count() == 1
    told = account.stacks.get_template(StackName=STACK)["TemplateBody"]
    assert told == template(Orders=table("id"))


def test_a_table_given_another_name_is_replaced(account: Account) -> None:
    account.create(template(Orders=table("id")))
    assert account.update(template(Orders=table("other", name="orders-2"))) == "UPDATE_COMPLETE"
    assert account.tables() == ["orders-2"]


def test_another_type_of_a_key_attribute_needs_a_replacement(account: Account) -> None:
    account.create(template(Orders=table("id", name=None)))
    old = account.physical_id()
    numbered = [{"AttributeName": "id", "AttributeType": "N"}]
    body = template(Orders=table("id", name=None, AttributeDefinitions=numbered))
    assert account.update(body) == "UPDATE_COMPLETE"
    assert account.tables() != [old]


def test_a_table_removed_with_retain_is_kept(account: Account) -> None:
    account.create(template(Orders=table(policy="Retain")))
    account.put(id="a")
    assert account.update(template()) == "UPDATE_COMPLETE"
    assert account.count() == 1
    assert "Orders DELETE_SKIPPED" in account.events()
    assert account.update(template(Orders=table(policy="Retain"))) == "UPDATE_ROLLBACK_COMPLETE"
    assert "'orders' already exists" in account.reasons("Orders")
    assert account.count() == 1


def test_a_failed_creation_of_a_stack_is_rolled_back(account: Account) -> None:
    account.dynamodb.create_table(**table()["Properties"])
    body = template(First=table(name="first"), Orders={**table(), "DependsOn": "First"})
    assert account.create(body) == "ROLLBACK_COMPLETE"
    assert account.tables() == ["orders"]
    assert "failed to create: [Orders]. Rollback requested by user" in account.reasons(STACK)
    assert account.delete() == "DELETE_COMPLETE"
    assert account.tables() == ["orders"]


@pytest.mark.parametrize(("policy", "left"), [("Retain", 1), ("RetainExceptOnCreate", 0)])
def test_a_rolled_back_creation_leaves_the_table_only_with_retain(
    account: Account, policy: str, left: int
) -> None:
    account.create(template())
    failing = {"Type": "AWS::SQS::Queue", "DependsOn": "Orders"}
    set_faults(account.server.endpoint, stack_failures=[{"resource": "Late", "reason": "no room"}])
    body = template(Orders=table(policy=policy), Late=failing)
    assert account.update(body) == "UPDATE_ROLLBACK_COMPLETE"
    assert account.reasons("Late").endswith("no room")
    assert len(account.tables()) == left
    assert account.update(template(Other=table(name="other"))) == "UPDATE_COMPLETE"


def test_a_failed_update_restores_the_settings_of_a_changed_table(account: Account) -> None:
    account.create(template(Orders=table()))
    set_faults(account.server.endpoint, stack_failures=[{"resource": "Late", "reason": "no room"}])
    changed = table(
        DeletionProtectionEnabled=True,
        AttributeDefinitions=attributes("id", "status"),
        GlobalSecondaryIndexes=[index("by-status", "status")],
    )
    late = {"Type": "AWS::SQS::Queue", "DependsOn": "Orders"}
    assert account.update(template(Orders=changed, Late=late)) == "UPDATE_ROLLBACK_COMPLETE"
    assert account.table()["DeletionProtectionEnabled"] is False
    assert "GlobalSecondaryIndexes" not in account.table()
    assert account.update(template(Orders=changed)) == "UPDATE_COMPLETE"


def test_a_protected_table_outlives_its_resource_after_three_attempts(account: Account) -> None:
    account.create(template(Orders=table(DeletionProtectionEnabled=True)))
    assert account.update(template()) == "UPDATE_COMPLETE"
    assert account.events().count("Orders DELETE_FAILED") == 3
    assert "protected against deletion" in account.reasons("Orders")
    assert "could not be deleted" in account.describe()["StackStatusReason"]
    assert account.tables() == ["orders"]
    assert [one["LogicalResourceId"] for one in _resources(account)] == ["Queue"]


def test_a_stack_with_a_protected_table_is_not_deleted_before_it_is_unprotected(
    account: Account,
) -> None:
    account.create(template(Orders=table(DeletionProtectionEnabled=True)))
    assert account.delete() == "DELETE_FAILED"
    assert account.describe()["StackStatusReason"] == (
        "The following resource(s) failed to delete: [Orders]."
    )
    account.dynamodb.update_table(TableName="orders", DeletionProtectionEnabled=False)
    assert account.delete() == "DELETE_COMPLETE"
    assert account.tables() == []


def test_an_update_of_a_deleted_table_is_stuck_until_it_is_skipped(
    account: Account,
) -> None:
    account.create(template(Orders=table()))
    account.dynamodb.delete_table(TableName="orders")
    body = template(Orders=table(DeletionProtectionEnabled=True))
    assert account.update(body) == "UPDATE_ROLLBACK_FAILED"
    account.stacks.continue_update_rollback(StackName=STACK, ResourcesToSkip=["Orders"])
    assert account.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert account.update(template()) == "UPDATE_COMPLETE"
    assert account.update(template(Orders=table("other"))) == "UPDATE_COMPLETE"
    assert account.key() == ["other"]


def test_a_failed_update_may_be_kept_and_rolled_back_later(account: Account) -> None:
    account.create(template())
    set_faults(account.server.endpoint, stack_failures=[{"resource": "Late"}])
    late = {"Type": "AWS::SQS::Queue", "DependsOn": "Orders"}
    body = template(Orders=table(), Late=late)
    assert account.update(body, DisableRollback=True) == "UPDATE_FAILED"
    assert account.tables() == ["orders"]
    account.stacks.rollback_stack(StackName=STACK)
    assert account.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert account.tables() == []


def test_an_update_creates_or_deletes_one_index(account: Account) -> None:
    account.create(template(Orders=table()))
    two = table(
        AttributeDefinitions=attributes("id", "a", "b"),
        GlobalSecondaryIndexes=[index("by-a", "a"), index("by-b", "b")],
    )
    assert account.update(template(Orders=two)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "more than one GSI creation or deletion" in account.reasons("Orders")
    assert "GlobalSecondaryIndexes" not in account.table()


def test_an_attribute_that_no_key_uses_is_refused(account: Account) -> None:
    account.create(template(Orders=table()))
    body = template(Orders=table(AttributeDefinitions=attributes("id", "status")))
    assert account.update(body) == "UPDATE_ROLLBACK_COMPLETE"
    assert "AttributeDefinitions are not used" in account.reasons("Orders")


def test_an_index_keeps_its_key_and_a_table_its_local_indexes(account: Account) -> None:
    def indexed(key: str, **more: Any) -> Template:
        defined = attributes("id", "sort", "a", "b")
        others = [index("by-a", "a"), index("by-b", "b")]
        if key != "b":
            others[1] = index("by-b", key)
            defined = attributes("id", "sort", "a")
        properties = {"GlobalSecondaryIndexes": others, "AttributeDefinitions": defined, **more}
        return template(Orders=table("id", "sort", **properties))

    account.create(indexed("b"))
    assert account.update(indexed("a")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Cannot update GSI's properties other than" in account.reasons("Orders")
    schema = table("id", "a")["Properties"]["KeySchema"]
    projection = {"ProjectionType": "ALL"}
    local = [{"IndexName": "local", "KeySchema": schema, "Projection": projection}]
    body = indexed("b", LocalSecondaryIndexes=local)
    assert account.update(body) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Updates to LocalSecondaryIndexes are not supported" in account.reasons("Orders")


def test_a_table_cannot_become_a_global_table_in_place(account: Account) -> None:
    account.create(template(Orders=table()))
    with pytest.raises(Exception, match="Update of resource type is not permitted"):
        account.update(template(Orders=global_table()))
    assert account.tables() == ["orders"]


def test_a_global_table_is_replaced_by_the_same_rules(account: Account) -> None:
    account.create(template(Orders=global_table("id", name=None)))
    old = account.physical_id()
    assert account.update(template(Orders=global_table("other", name=None))) == "UPDATE_COMPLETE"
    assert account.tables() != [old]
    account.create(template(Orders=global_table("id", name="named")), stack="second")
    assert (
        account.update(template(Orders=global_table("other", name="named")), stack="second")
        == "UPDATE_ROLLBACK_COMPLETE"
    )
    assert account.key("named") == ["id"]


def test_the_second_creation_of_a_resource_can_be_made_to_fail(account: Account) -> None:
    failure = {"resource": "Orders", "action": "create", "reason": "no room", "passes": 1}
    set_faults(account.server.endpoint, stack_failures=[failure])
    account.create(template(Orders=table("id")))
    account.update(template())
    assert account.update(template(Orders=table("other"))) == "UPDATE_ROLLBACK_COMPLETE"
    assert account.tables() == []
    assert account.update(template(Orders=table("other"))) == "UPDATE_COMPLETE"


def _resources(account: Account) -> list[dict[str, str]]:
    answer = account.stacks.list_stack_resources(StackName=STACK)
    return list(answer["StackResourceSummaries"])
