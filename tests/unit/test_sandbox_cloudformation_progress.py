"""A deployment runs in the background, step by step, and can be followed and interrupted."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError

from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from support.patience import PATIENCE_SECONDS
from support.sandboxes import ManualClock
from support.stacks import STACK, Account, table, template


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def account(clock: ManualClock) -> Iterator[Account]:
    options = SandboxOptions(
        clock=clock, resource_seconds=5, creating_seconds=3, updating_seconds=3, deleting_seconds=3
    )
    with SandboxServer(options=options) as server:
        yield Account(server)


def test_a_follower_sees_the_creation_of_a_table(account: Account, clock: ManualClock) -> None:
    assert account.create({"Resources": {"Orders": table()}}) == "CREATE_IN_PROGRESS"
    _await(lambda: account.events() == [f"{STACK} CREATE_IN_PROGRESS", "Orders CREATE_IN_PROGRESS"])
    assert account.tables() == []
    clock.sleep(5)
    _await(lambda: account.tables() == ["orders"])
    assert account.table()["TableStatus"] == "CREATING"
    assert account.status() == "CREATE_IN_PROGRESS"
    clock.sleep(3)
    _await(lambda: account.status() == "CREATE_COMPLETE")
    times = [one["Timestamp"] for one in account.told()]
    assert times == sorted(set(times))


def test_a_stack_with_an_operation_in_progress_cannot_be_updated_or_deleted(
    account: Account, clock: ManualClock
) -> None:
    account.create(template())
    with pytest.raises(ClientError, match="is in CREATE_IN_PROGRESS state and can not be updated"):
        account.update(template(Orders=table()))
    with pytest.raises(ClientError, match="is in CREATE_IN_PROGRESS state and can not be deleted"):
        account.delete()
    clock.sleep(5)
    _await(lambda: account.status() == "CREATE_COMPLETE")
    assert account.update(template(Orders=table())) == "UPDATE_IN_PROGRESS"


def test_a_removed_table_belongs_to_the_stack_until_it_is_deleted(
    account: Account, clock: ManualClock
) -> None:
    account.create({"Resources": {"Orders": table(), "Queue": template()["Resources"]["Queue"]}})
    _until(account, clock, "CREATE_COMPLETE")
    account.update(template())
    _await(lambda: account.status() == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    assert account.physical_id() == "orders"
    assert account.tables() == ["orders"]
    clock.sleep(5)
    _await(lambda: account.table()["TableStatus"] == "DELETING")
    clock.sleep(3)
    _await(lambda: account.status() == "UPDATE_COMPLETE")
    assert account.tables() == []


def test_a_sandbox_that_stops_waits_for_no_deployment() -> None:
    before = threading.active_count()
    with SandboxServer(options=SandboxOptions(resource_seconds=3600)) as server:
        assert Account(server).create(template(Orders=table())) == "CREATE_IN_PROGRESS"
    assert threading.active_count() <= before


def _until(account: Account, clock: ManualClock, status: str) -> None:
    """Wait until the stack is in a status."""

    def is_there() -> bool:
        clock.sleep(5)
        return account.status() == status

    _await(is_there)


def _await(is_so: Callable[[], bool]) -> None:
    """Wait until a condition is true; fail if it never is."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.01)
