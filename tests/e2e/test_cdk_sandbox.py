"""The real CDK drives the sandbox, and what it says of a table is so."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retable.runner.sandbox.sandbox_options import ACCOUNT, DEFAULT_REGION, SandboxOptions
from retable.runner.sandbox.server import SandboxServer
from support.cdk import require_cdk, run_cdk, started_cdk, synthesise
from support.command import Ended
from support.patience import PATIENCE_SECONDS
from support.sandboxes import ManualClock
from support.stacks import Account

STACK = "OrdersStack"
TABLE = "OrdersTable315BB997"
METHODS = ("--method=direct", "--method=change-set")
BY_CUSTOMER = {"orders-table": "by-customer"}
V2 = {"orders-construct": "TableV2"}
GENERATED = {"orders-name": "generated"}
RETAINED = {"orders-removal": "retain"}
STATES = {
    "absent": {"orders-table": "absent"},
    "by-order": {"orders-table": "by-order"},
    "by-customer": BY_CUSTOMER,
    "live": {**BY_CUSTOMER, "orders-live": "yes"},
    "protected": {"orders-table": "by-order", "orders-protected": "yes"},
    "retained": {"orders-table": "by-order", **RETAINED},
    "generated": {"orders-table": "by-order", **GENERATED},
    "generated-by-customer": {**BY_CUSTOMER, **GENERATED},
    "v2-by-order": {"orders-table": "by-order", **V2},
    "v2-live": {**BY_CUSTOMER, "orders-live": "yes", **V2},
    "alone": {"orders-table": "by-order", "orders-receipts": "no"},
    "nothing": {"orders-table": "absent", "orders-receipts": "no"},
    "bootstrapped": {"orders-table": "by-order", "bootstrapped": "yes"},
}


@pytest.fixture(scope="module", autouse=True)
def cdk_is_there() -> None:
    require_cdk()


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assemblies")
    synthesise(folder, STATES)
    return folder


class Cdk:
    """The CLI, the assemblies and the account it works on."""

    def __init__(self, server: SandboxServer, assemblies: Path, folder: Path) -> None:
        self.account = Account(server)
        self._server = server
        self._assemblies = assemblies
        self._folder = folder

    def run(self, command: str, state: str, *more: str) -> Ended:
        assembly = str(self._assemblies / state)
        return run_cdk(self._server, self._folder, command, "--app", assembly, *more)

    def deploy(self, state: str, *more: str) -> str:
        """Deploy a state that must succeed, and return what was said."""
        ended = self.run("deploy", state, "--require-approval", "never", *more)
        assert ended.code == 0, ended.err
        return ended.err

    def refused(self, state: str, *more: str) -> str:
        """Deploy a state that must fail, and return what was said."""
        ended = self.run("deploy", state, "--require-approval", "never", *more)
        assert ended.code == 1
        return ended.err


@pytest.fixture
def cdk(assemblies: Path, tmp_path: Path) -> Iterator[Cdk]:
    with SandboxServer() as server:
        yield Cdk(server, assemblies, tmp_path)


@pytest.mark.parametrize("method", METHODS)
def test_a_table_is_created_removed_and_created_again_with_another_key(
    cdk: Cdk, method: str
) -> None:
    cdk.deploy("by-order", method)
    assert cdk.account.key() == ["order_id"]
    cdk.account.put(order_id="o-1")
    assert "(no changes)" in cdk.deploy("by-order", method)
    assert cdk.account.count() == 1
    cdk.deploy("absent", method)
    assert cdk.account.tables() == []
    cdk.deploy("by-customer", method)
    assert cdk.account.key() == ["customer_id", "order_key"]
    assert cdk.account.count() == 0
    cdk.deploy("live", method)
    stream = cdk.account.table()["LatestStreamArn"]
    assert cdk.account.outputs(STACK) == {"TableName": "orders", "StreamArn": stream}
    assert cdk.account.status(STACK) == "UPDATE_COMPLETE"


def test_a_table_of_a_given_name_is_not_replaced(cdk: Cdk) -> None:
    cdk.deploy("by-order")
    cdk.account.put(order_id="o-1")
    assert "custom-named resource requires replacing" in cdk.refused("by-customer")
    assert cdk.account.key() == ["order_id"]
    assert cdk.account.count() == 1
    assert cdk.account.status(STACK) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_table_of_a_generated_name_is_replaced(cdk: Cdk) -> None:
    cdk.deploy("generated")
    old = cdk.account.physical_id(TABLE, STACK)
    cdk.deploy("generated-by-customer")
    new = cdk.account.physical_id(TABLE, STACK)
    assert cdk.account.tables() == [new]
    assert cdk.account.key(new) == ["customer_id", "order_key"]
    assert new != old


def test_a_retained_table_is_orphaned_in_the_way_of_the_next_and_can_be_imported(
    cdk: Cdk, tmp_path: Path
) -> None:
    cdk.deploy("retained")
    cdk.account.put(order_id="o-1")
    cdk.deploy("absent")
    assert cdk.account.count() == 1
    assert "already exists" in cdk.refused("retained")
    assert cdk.account.count() == 1
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps({TABLE: {"TableName": "orders"}}))
    ended = cdk.run("import", "retained", "--resource-mapping", str(mapping), STACK)
    assert ended.code == 0, ended.err
    assert cdk.account.status(STACK) == "IMPORT_COMPLETE"
    assert cdk.account.physical_id(TABLE, STACK) == "orders"
    assert cdk.account.count() == 1


def test_an_orphan_is_taken_back_with_import_existing_resources(cdk: Cdk) -> None:
    cdk.deploy("retained")
    cdk.account.put(order_id="o-1")
    cdk.deploy("absent")
    told = cdk.refused("by-order", "--import-existing-resources")
    assert "RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE" in told
    assert cdk.account.count() == 1
    cdk.deploy("retained", "--import-existing-resources")
    assert cdk.account.count() == 1
    assert cdk.account.physical_id(TABLE, STACK) == "orders"
    assert f"{TABLE} IMPORT_COMPLETE" in cdk.account.events(STACK)


def test_a_protected_table_outlives_a_deployment_that_calls_itself_a_success(cdk: Cdk) -> None:
    cdk.deploy("protected")
    cdk.deploy("absent")
    assert cdk.account.status(STACK) == "UPDATE_COMPLETE"
    assert cdk.account.tables() == ["orders"]


def test_a_table_v2_goes_through_the_same_states(cdk: Cdk) -> None:
    cdk.deploy("v2-by-order")
    assert cdk.account.key() == ["order_id"]
    cdk.deploy("absent")
    cdk.deploy("v2-live")
    assert cdk.account.key() == ["customer_id", "order_key"]
    assert cdk.account.table()["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert "Update of resource type is not permitted" in cdk.refused("live")


def test_a_stack_left_without_resources_is_destroyed(cdk: Cdk) -> None:
    cdk.deploy("alone")
    cdk.deploy("nothing")
    assert cdk.account.tables() == []
    assert _statuses(cdk.account) == ["DELETE_COMPLETE"]


def test_a_deployment_goes_on_without_the_cli_which_then_calls_it_done_too_early(
    assemblies: Path, tmp_path: Path
) -> None:
    clock = ManualClock()
    with SandboxServer(options=SandboxOptions(clock=clock, resource_seconds=5)) as server:
        account = Account(server)
        arguments = ("--app", str(assemblies / "by-order"), "--require-approval", "never")
        with started_cdk(server, tmp_path, "deploy", *arguments) as process:
            _await(lambda: _statuses(account) == ["CREATE_IN_PROGRESS"])
            process.kill()
        ended = run_cdk(server, tmp_path, "deploy", *arguments)
        # It compares templates and does not ask whether the stack has come to rest.
        assert (ended.code, "(no changes)" in ended.err) == (0, True)
        assert account.status(STACK) == "CREATE_IN_PROGRESS"
        assert account.tables() == []

        def is_done() -> bool:
            clock.sleep(5)
            return account.status(STACK) == "CREATE_COMPLETE"

        _await(is_done)
        assert account.key() == ["order_id"]


def test_a_difference_is_told_with_its_replacement_and_changes_nothing(cdk: Cdk) -> None:
    cdk.deploy("generated")
    before = cdk.account.tables()
    ended = cdk.run("diff", "generated-by-customer")
    assert ended.code == 0, ended.err
    assert "requires replacement" in ended.out + ended.err
    assert cdk.account.tables() == before
    assert cdk.run("diff", "generated", "--fail").code == 0


def test_a_bootstrapped_account_is_deployed_to_through_its_roles_and_bucket(
    cdk: Cdk, tmp_path: Path
) -> None:
    environment = f"aws://{ACCOUNT}/{DEFAULT_REGION}"
    ended = run_cdk(cdk.account.server, tmp_path, "bootstrap", environment)
    assert ended.code == 0, ended.err
    cdk.deploy("bootstrapped")
    assert cdk.account.key() == ["order_id"]
    assert cdk.account.describe(STACK)["Parameters"][0]["ParameterKey"] == "BootstrapVersion"


def _statuses(account: Account) -> list[str]:
    found = account.stacks.list_stacks()["StackSummaries"]
    return [one["StackStatus"] for one in found]


def _await(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.05)
