"""Existing tables are imported into a stack, with their items, and nothing else is."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from retable.runner.sandbox.server import SandboxServer
from support.stacks import STACK, Account, Template, global_table, table, template

NAME = "adoption"
ORDERS: list[dict[str, Any]] = [
    {
        "ResourceType": "AWS::DynamoDB::Table",
        "LogicalResourceId": "Orders",
        "ResourceIdentifier": {"TableName": "orders"},
    }
]


@pytest.fixture
def account() -> Iterator[Account]:
    with SandboxServer() as server:
        found = Account(server)
        found.dynamodb.create_table(**table()["Properties"])
        found.put(id="a")
        yield found


@pytest.mark.parametrize("make", [table, global_table])
def test_a_table_is_imported_into_a_stack_and_belongs_to_it_from_then_on(
    account: Account, make: Any
) -> None:
    account.create(template())
    asked = [{**ORDERS[0], "ResourceType": make()["Type"]}]
    body = template(Orders=make(policy="Retain"))
    assert _plan(account, body, ChangeSetType="IMPORT", ResourcesToImport=asked) is None
    assert _execute(account) == "IMPORT_COMPLETE"
    assert account.events()[-3:] == [
        "Orders IMPORT_IN_PROGRESS",
        "Orders IMPORT_COMPLETE",
        f"{STACK} IMPORT_COMPLETE",
    ]
    assert account.count() == 1
    assert account.update(template(Orders=make(policy="Delete"))) == "UPDATE_COMPLETE"
    assert account.update(template()) == "UPDATE_COMPLETE"
    assert account.tables() == []


def test_a_new_stack_may_begin_with_an_import(account: Account) -> None:
    body = {"Resources": {"Orders": table(policy="Retain")}}
    assert _plan(account, body, ChangeSetType="IMPORT", ResourcesToImport=ORDERS) is None
    assert _execute(account) == "IMPORT_COMPLETE"
    assert account.physical_id() == "orders"


def test_an_import_of_an_absent_table_is_rolled_back(account: Account) -> None:
    account.create(template())
    account.dynamodb.delete_table(TableName="orders")
    body = template(Orders=table(policy="Retain"))
    assert _plan(account, body, ChangeSetType="IMPORT", ResourcesToImport=ORDERS) is None
    assert _execute(account) == "IMPORT_ROLLBACK_COMPLETE"
    assert "identifier 'orders' was not found" in account.reasons("Orders")
    assert account.update(template(Orders=table())) == "UPDATE_COMPLETE"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (template(Orders=table(policy=None)), "must have DeletionPolicy attribute"),
        (template(Orders=table(policy="Retain"), More=table(name="more")), r"\[More\]"),
        ({"Resources": {"Orders": table(policy="Retain")}}, r"\[Queue\]"),
        (template(), r"\[Orders\] are not present in the template"),
    ],
)
def test_an_import_does_nothing_but_import(account: Account, body: Template, fault: str) -> None:
    account.create(template())
    reason = _plan(account, body, ChangeSetType="IMPORT", ResourcesToImport=ORDERS)
    assert reason is not None
    assert re.search(fault, reason)
    assert account.status() == "CREATE_COMPLETE"


def test_a_table_belongs_to_one_stack(account: Account) -> None:
    body = {"Resources": {"Orders": table(policy="Retain")}}
    _plan(account, body, ChangeSetType="IMPORT", ResourcesToImport=ORDERS)
    _execute(account)
    account.create(template(), stack="other")
    reason = _plan(
        account,
        template(Orders=table(policy="Retain")),
        stack="other",
        ChangeSetType="IMPORT",
        ResourcesToImport=ORDERS,
    )
    assert reason is not None
    assert "orders already exists in stack" in reason


def test_an_update_may_import_existing_resources_with_its_names(account: Account) -> None:
    account.create(template())
    retained = template(Orders=table(policy="RetainExceptOnCreate"), More=table(name="more"))
    assert _plan(account, retained, ImportExistingResources=True) is None
    assert _execute(account) == "UPDATE_COMPLETE"
    assert account.count() == 1
    assert "Orders IMPORT_COMPLETE" in account.events()
    assert "More CREATE_COMPLETE" in account.events()


def test_an_update_imports_nothing_that_it_would_delete_again(account: Account) -> None:
    account.create(template())
    reason = _plan(account, template(Orders=table()), ImportExistingResources=True)
    assert reason is not None
    assert "must have the DeletionPolicy attribute set to 'Retain'" in reason
    assert "Orders ({TableName=orders})" in reason


def _plan(account: Account, body: Template, stack: str = STACK, **more: Any) -> str | None:
    """Create a change set and return why it failed, if it did."""
    account.stacks.create_change_set(
        StackName=stack, ChangeSetName=NAME, TemplateBody=json.dumps(body), **more
    )
    shown = account.stacks.describe_change_set(StackName=stack, ChangeSetName=NAME)
    return shown["StatusReason"] if shown["Status"] == "FAILED" else None


def _execute(account: Account) -> str:
    account.stacks.execute_change_set(StackName=STACK, ChangeSetName=NAME)
    return account.status()
