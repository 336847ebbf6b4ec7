"""Runs against a standing sandbox: failed, interrupted, resumed, rolled back."""

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from support.command import MIGRATE, SPECS, Ended, clean_environment, migrate, standing_sandbox
from support.patience import PATIENCE_SECONDS

ORDERS = SPECS / "orders.migrate.yaml"
PRODUCTS = SPECS / "products.migrate.yaml"
LEAVE = ("--yes", "--allow-delete", "orders")


class Standing:
    """A standing sandbox, and a client that looks in as someone else."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env = env
        self.folder = folder

    def migrate(self, *arguments: str | Path) -> Ended:
        return migrate(*arguments, cwd=self.folder, env=self.env)

    def client(self, key: str = "APPLICATION") -> Any:
        return boto3.client(
            "dynamodb",
            endpoint_url=self.env["AWS_ENDPOINT_URL"],
            region_name="eu-west-1",
            aws_access_key_id=key,
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )

    def faults(self, **wanted: Any) -> None:
        request = urllib.request.Request(  # noqa: S310 -- our own loopback server
            self.env["AWS_ENDPOINT_URL"] + "/_retable/faults", json.dumps(wanted).encode()
        )
        with urllib.request.urlopen(request):  # noqa: S310 -- our own loopback server
            pass

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        return subprocess.Popen(  # noqa: S603 -- our own command
            [str(MIGRATE), *map(str, arguments)],
            cwd=self.folder,
            env=clean_environment(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def await_event(self, step: str, event: str) -> None:
        """Wait until a run in the folder has journaled this."""
        mark = f'"event":"{event}","n":'
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for journal in self.folder.glob(".migrate/*/journal.jsonl"):
                for line in journal.read_text("utf-8").splitlines():
                    if mark in line and f'"step":"{step}"' in line:
                        return
            time.sleep(0.02)
        message = f"no {event} of {step}"
        raise AssertionError(message)


@pytest.fixture
def orders(tmp_path: Path) -> Iterator[Standing]:
    with standing_sandbox(ORDERS) as env:
        yield Standing(env, tmp_path)


@pytest.fixture
def products(tmp_path: Path) -> Iterator[Standing]:
    with standing_sandbox(PRODUCTS) as env:
        yield Standing(env, tmp_path)


def test_i4_altering_one_item_makes_verify_exit_1_and_name_it(orders: Standing) -> None:
    ran = orders.migrate("run", ORDERS, *LEAVE)
    assert ran.code == 0, ran.err
    assert orders.migrate("verify", ORDERS).code == 0
    client = orders.client()
    items = client.scan(TableName="orders")["Items"]
    key = {name: items[0][name] for name in ("customer_id", "order_key")}
    client.put_item(TableName="orders", Item={**items[0], "total_cents": {"N": "1"}})
    gone = {name: items[1][name] for name in ("customer_id", "order_key")}
    client.delete_item(TableName="orders", Key=gone)
    extra = {**key, "order_key": {"S": "added"}}
    client.put_item(TableName="orders", Item=extra)
    client.close()
    ended = orders.migrate("verify", ORDERS)
    assert ended.code == 1
    report = ended.report
    assert report["differences"] == {"missing": 1, "extra": 1, "different": 1}
    folder = Path(report["run_folder"])
    diff = (orders.folder / folder / "diff.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in diff.splitlines()]
    assert {(row["kind"], json.dumps(row["key"], sort_keys=True)) for row in rows} == {
        ("different", json.dumps(key, sort_keys=True)),
        ("missing", json.dumps(gone, sort_keys=True)),
        ("extra", json.dumps(extra, sort_keys=True)),
    }
    assert key["customer_id"]["S"] in ended.out
    assert "read_parquet" in ended.out
    (changed,) = [row for row in report["first_differences"] if row["kind"] == "different"]
    (change,) = changed["changes"]
    assert (change["name"], change["expected"], change["actual"]) == ("total_cents", None, None)
    shown = orders.migrate("verify", ORDERS, "--show-values")
    assert "total_cents: N " in shown.out
    assert "-> N 1" in shown.out
    for name, kind in ((key, "different"), (gone, "missing"), (extra, "extra")):
        text = f"{name['customer_id']['S']},{name['order_key']['S']}"
        one = orders.migrate("verify", ORDERS, "--key", text)
        assert one.code == 1
        assert f"the item is {kind} in orders" in one.err
    same = f"{items[2]['customer_id']['S']},{items[2]['order_key']['S']}"
    assert (
        "PASSED verify  the item is in table orders"
        in orders.migrate("verify", ORDERS, "--key", same).out
    )
    assert "no such item" in orders.migrate("verify", ORDERS, "--key", "nobody,never").err


def test_ctrl_c_ends_with_130_and_says_how_to_resume(orders: Standing, tmp_path: Path) -> None:
    spec = slow_copy(tmp_path)
    process = orders.start("run", spec, *LEAVE)
    orders.await_event("load", "begun")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "--resume" in out
    spec.write_text(spec.read_text("utf-8"), "utf-8")
    resumed = orders.migrate("run", spec, "--resume", *LEAVE)
    assert resumed.code == 0, resumed.err
    assert resumed.report["verdict"] == "passed"
    again = orders.migrate("run", spec, "--resume", *LEAVE)
    assert again.code == 2
    assert "there is no open run of" in again.err


def slow_copy(folder: Path) -> Path:
    """Return the example with a rate at which its load takes some seconds."""
    text = ORDERS.read_text("utf-8").replace("rate: 4000", "rate: 25")
    spec = folder / "slow.migrate.yaml"
    (folder / "seeds").mkdir()
    (folder / "seeds" / "orders.jsonl").write_bytes((SPECS / "seeds" / "orders.jsonl").read_bytes())
    spec.write_text(text, "utf-8")
    return spec


def test_i2_a_spec_that_changed_since_cannot_resume(orders: Standing, tmp_path: Path) -> None:
    spec = slow_copy(tmp_path)
    process = orders.start("run", spec, *LEAVE)
    orders.await_event("load", "begun")
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    spec.write_text(spec.read_text("utf-8").replace("rate: 25", "rate: 26"), "utf-8")
    ended = orders.migrate("run", spec, "--resume", *LEAVE)
    assert ended.code == 4
    assert "has changed since run" in ended.err


def test_a_second_runner_stops_and_names_the_first(orders: Standing, tmp_path: Path) -> None:
    spec = slow_copy(tmp_path)
    process = orders.start("run", spec, *LEAVE)
    orders.await_event("load", "begun")
    second = orders.migrate("run", spec, "--resume", *LEAVE)
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    assert second.code == 3
    assert f"process {process.pid}" in second.err


def test_i1_abort_before_the_delete_puts_the_policy_and_protection_back(orders: Standing) -> None:
    before = settings_of(orders)
    orders.faults(hold_exports=True)
    process = orders.start("run", ORDERS, *LEAVE)
    orders.await_event("export-final", "begun")
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    assert settings_of(orders) != before
    ended = orders.migrate("run", ORDERS, "--abort")
    assert ended.code == 0, ended.err
    assert settings_of(orders) == before


def test_a_delete_that_was_denied_is_rolled_back(orders: Standing) -> None:
    before = settings_of(orders)
    denied = {"operation": "DeleteTable", "code": "AccessDeniedException", "times": 1}
    orders.faults(errors=[denied])
    stopped = orders.migrate("run", ORDERS, *LEAVE)
    assert stopped.code == 3, stopped.err
    assert settings_of(orders) != before
    ended = orders.migrate("run", ORDERS, "--abort")
    assert ended.code == 0, ended.err
    assert settings_of(orders) == before


def test_i8_a_table_that_another_run_has_frozen_is_left_to_that_run(
    orders: Standing,
) -> None:
    orders.faults(hold_exports=True)
    process = orders.start("run", ORDERS, *LEAVE)
    orders.await_event("export-final", "begun")
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    orders.faults(hold_exports=False)
    for elsewhere in ((), ("--run-dir", "elsewhere")):
        refused = orders.migrate("run", ORDERS, *LEAVE, *elsewhere)
        assert refused.code == 2
        assert "another run has stopped the writes to orders" in refused.err
    assert orders.migrate("run", ORDERS, "--abort").code == 0
    ended = orders.migrate("run", ORDERS, *LEAVE)
    assert ended.code == 0, ended.err
    client = orders.client()
    item = {"customer_id": {"S": "c"}, "order_key": {"S": "k"}}
    client.put_item(TableName="orders", Item=item)
    client.close()


def test_i1_abort_turns_point_in_time_recovery_off_where_it_was_off(orders: Standing) -> None:
    client = orders.client()
    off = {"PointInTimeRecoveryEnabled": False}
    client.update_continuous_backups(TableName="orders", PointInTimeRecoverySpecification=off)
    spec = orders.folder / "orders.migrate.yaml"
    text = ORDERS.read_text("utf-8").replace("acme-exports/orders/", "acme-exports/elsewhere/")
    spec.write_text(text, "utf-8")
    (orders.folder / "seeds").mkdir()
    seed = Path("seeds", "orders.jsonl")
    (orders.folder / seed).write_bytes((SPECS / seed).read_bytes())
    orders.faults(hold_exports=True)
    process = orders.start("run", spec, *LEAVE)
    orders.await_event("export-rehearsal", "begun")
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    assert recovers(client)
    ended = orders.migrate("run", spec, "--abort")
    assert ended.code == 0, ended.err
    assert not recovers(client)
    client.close()


def recovers(client: Any) -> bool:
    """Return whether the table ``orders`` has point-in-time recovery."""
    told = client.describe_continuous_backups(TableName="orders")["ContinuousBackupsDescription"]
    return bool(told["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED")


def settings_of(standing: Standing) -> tuple[Any, Any]:
    """Return the protection and the policy of the table ``orders``."""
    client = standing.client()
    table = client.describe_table(TableName="orders")["Table"]
    try:
        policy = client.get_resource_policy(ResourceArn=table["TableArn"])["Policy"]
    except client.exceptions.PolicyNotFoundException:
        policy = None
    client.close()
    return table["DeletionProtectionEnabled"], policy


def test_a_table_in_updating_stops_with_3_and_nothing_is_touched(orders: Standing) -> None:
    orders.faults(table_status={"orders": "UPDATING"})
    ended = orders.migrate("run", ORDERS, *LEAVE)
    assert ended.code == 3
    assert "the table orders is UPDATING" in ended.err
    assert not list(orders.folder.glob(".migrate/*/plan.json"))


def test_a_bucket_that_does_not_exist_stops_with_3(orders: Standing, tmp_path: Path) -> None:
    text = ORDERS.read_text("utf-8").replace("s3://acme-exports/", "s3://nobody-has-this/")
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "orders.jsonl").write_text("")
    spec = tmp_path / "nowhere.migrate.yaml"
    spec.write_text(text, "utf-8")
    ended = orders.migrate("run", spec, *LEAVE)
    assert ended.code == 3
    assert "nobody-has-this" in ended.err


def test_a_target_that_is_there_already_is_refused_with_1(products: Standing) -> None:
    assert products.migrate("run", PRODUCTS, "--yes").code == 0
    again = products.migrate("run", PRODUCTS, "--yes")
    assert again.code == 1
    assert "products-v2 already exists" in again.err


def test_a_fault_free_table_is_found_whole_under_throttling(products: Standing) -> None:
    """I3: what is throttled and left unprocessed arrives in the end."""
    products.faults(unprocessed=0.4, throttle=0.2, seed=7)
    ended = products.migrate("run", PRODUCTS, "--yes")
    assert ended.code == 0, ended.err
    assert ended.report["differences"] == {"missing": 0, "extra": 0, "different": 0}


def test_status_and_report_tell_a_run_again(products: Standing) -> None:
    ran = products.migrate("run", PRODUCTS, "--yes")
    run_id = ran.report["run_id"]
    listed = products.migrate("status")
    assert run_id in listed.out
    assert "completed" in listed.out
    assert "create products-v2, fenced" in products.migrate("status", run_id).out
    assert "PASSED" in products.migrate("report", run_id).out
    shown = json.loads(products.migrate("report", run_id, "--format", "json").out)
    assert shown["run_id"] == run_id
