"""The invariants, each by its number, on real calls to a sandbox."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from retable.runner.failure import CheckFailed, Stale
from retable.runner.plan.export_steps import Approve, CheckExport, DryRun
from retable.runner.plan.finish_steps import LiftFence
from retable.runner.plan.source_steps import BackUp, DeleteTable, FreezeSource
from retable.runner.plan.step import StepOf, link
from retable.runner.plan.target_steps import CreateTable, LoadItems
from retable.runner.runs.journal import RUN
from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.steps.delete import require_provably_safe_to_delete
from retable.runner.steps.execute import frozen_steps
from support.command import SPECS
from support.sandboxes import set_faults
from support.worlds import Run, running

ORDERS = SPECS / "orders.migrate.yaml"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with running(ORDERS, tmp_path) as started:
        yield started


def lift_the_freeze(run: Run) -> None:
    arn = run.step(FreezeSource).table_arn
    run.client.delete_resource_policy(ResourceArn=arn)


def delete_the_backup(run: Run) -> None:
    run.client.delete_backup(BackupArn=run.evidence(BackUp).arn)


def alter_a_data_file(run: Run) -> None:
    files = run.world.checked.pop(link(run.step(CheckExport, "check-final")))
    largest = max(files, key=lambda file: file.item_count)
    run.world.checked.clear()
    # What was fetched is gone, and what lies in the bucket is another file.
    for file in files:
        file.path.unlink()
    run.server.sandbox.moto.put_object("acme-exports", largest.key, b"altered")


def record_again(run: Run, kind: type[StepOf[Any]], step_id: str, **changes: Any) -> None:
    """Record the evidence of a finished step again, with ``changes``."""
    evidence = run.evidence(kind, step_id)
    run.world.journal.finish(run.step(kind, step_id), replace(evidence, **changes))


def approve_another_plan(run: Run) -> None:
    record_again(run, Approve, "approve", fingerprint="0" * 64)


def approve_another_table(run: Run) -> None:
    record_again(run, Approve, "approve", deletes="users")


def export_before_the_freeze(run: Run) -> None:
    record_again(run, FreezeSource, "freeze", seen_at=datetime(2099, 1, 1, tzinfo=UTC))


def reject_an_item(run: Run) -> None:
    record_again(run, DryRun, "dry-run-final", rejected=1)


def collide(run: Run) -> None:
    record_again(run, DryRun, "dry-run-final", unresolved_keys=1)


def miss_an_item(run: Run) -> None:
    read = run.evidence(DryRun, "dry-run-final").read
    record_again(run, DryRun, "dry-run-final", read=read - 1)


def replace_the_table(run: Run) -> None:
    lift_the_freeze(run)
    run.client.update_table(TableName="orders", DeletionProtectionEnabled=False)
    run.client.delete_table(TableName="orders")
    run.client.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def plan_what_would_be_refused(run: Run) -> None:
    steps = (
        replace(step, policy='{"Statement": []}') if isinstance(step, LiftFence) else step
        for step in run.world.plan.steps
    )
    run.world.plan = replace(run.world.plan, steps=tuple(steps))


GATES: dict[str, tuple[Callable[[Run], None], str]] = {
    "the freeze is removed": (lift_the_freeze, "is no longer frozen"),
    "the backup is deleted": (delete_the_backup, "backup"),
    "a data file was altered": (alter_a_data_file, "has changed"),
    "another plan was approved": (approve_another_plan, "not for deleting orders by this plan"),
    "another table was approved": (approve_another_table, "not for deleting orders"),
    "the export is too early": (export_before_the_freeze, "after the freeze was first seen"),
    "an item is rejected": (reject_an_item, "is not clean"),
    "target keys collide": (collide, "is not clean"),
    "the dry run missed an item": (miss_an_item, r"covered \d+ of \d+ exported items"),
    "a later request is wrong": (plan_what_would_be_refused, "PutResourcePolicy: a policy needs"),
    "the table is another one": (replace_the_table, "the plan is for"),
}


@pytest.mark.parametrize("gate", GATES)
def test_i1_nothing_is_deleted_unless_everything_is_proved(run: Run, gate: str) -> None:
    tamper, said = GATES[gate]
    run.until("delete")
    require_provably_safe_to_delete(run.step(DeleteTable), run.world)
    before = run.client.describe_table(TableName="orders")["Table"]["TableId"]
    tamper(run)
    with pytest.raises(Exception, match=said):
        run.finish()
    after = run.client.describe_table(TableName="orders")["Table"]
    assert after["TableId"] == before or gate == "the table is another one"
    assert run.world.journal.records("delete", "intent") == []


def test_i1_outside_the_bounds_the_freeze_is_lifted_and_the_run_is_stale(run: Run) -> None:
    before = run.aws.tables.settings("orders")
    run.until("freeze")
    for item in run.items("orders")[:60]:
        run.client.delete_item(TableName="orders", Key={"order_id": item["order_id"]})
    with pytest.raises(
        Stale, match=r"the final export has .* items; approved, from the rehearsal: "
    ):
        run.finish()
    after = run.aws.tables.settings("orders")
    assert before is not None
    assert after is not None
    assert (after.policy, after.description.deletion_protection) == (
        before.policy,
        before.description.deletion_protection,
    )
    assert run.world.journal.records(RUN, "ended")
    assert not list(frozen_steps(run.world.plan, run.world.journal))


def test_i1_the_freeze_silences_a_persistent_writer(tmp_path: Path) -> None:
    with running(ORDERS, tmp_path, SandboxOptions(writer_rate=50.0)) as run:
        run.until("settle")
        frozen = run.items("orders")
        run.until("delete")
        assert run.items("orders") == frozen
        run.finish()
        report = run.server.sandbox.report()
    assert report["writer"]["denied"] > 0


def test_i1_the_freeze_denies_bulk_writes_too(run: Run) -> None:
    run.until("settle")
    place = {"S3Bucket": "acme-exports", "S3KeyPrefix": "bulk/"}
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:StartBulkPutItems"):
        run.client.start_bulk_put_items(
            TableName="orders",
            InputS3Configuration={**place, "InputFormat": "DYNAMODB_JSON"},
            OutputS3Configuration={**place, "OutputType": ["ERROR"]},
        )
    assert run.evidence(FreezeSource).bulk_writes == "denied"


def test_i1_a_service_that_takes_no_bulk_writes_in_a_policy_freezes_the_rest(run: Run) -> None:
    refusal = {"operation": "PutResourcePolicy", "code": "ValidationException", "times": 1}
    run.until("freeze")
    set_faults(run.server.endpoint, errors=[refusal])
    run.until("settle")
    assert run.evidence(FreezeSource).bulk_writes == "allowed"
    with pytest.raises(ClientError, match="dynamodb:PutItem"):
        run.client.put_item(TableName="orders", Item=run.items("orders")[0])
    run.finish()
    assert len(run.items("orders")) == run.evidence(LoadItems).loaded


def test_i3_i4_every_item_has_an_account_and_both_sides_agree(run: Run) -> None:
    before = len(run.items("orders"))
    run.finish()
    mapped, loaded = run.evidence(DryRun, "dry-run-final"), run.evidence(LoadItems)
    assert mapped.read == before
    assert mapped.read == mapped.kept + mapped.dropped + mapped.rejected
    assert mapped.results == loaded.loaded + loaded.superseded + loaded.quarantined
    assert len(run.items("orders")) == loaded.loaded


def test_i4_a_resumed_run_verifies_again(run: Run) -> None:
    run.until("settings")
    item = run.items("orders")[0]
    # The fence lets only the loader write, so it is taken off for the test's own hand.
    run.client.delete_resource_policy(ResourceArn=run.evidence(CreateTable).arn)
    run.client.put_item(TableName="orders", Item={**item, "note": {"S": "x"}})
    with pytest.raises(CheckFailed, match="1 different"):
        run.finish()


def test_i5_planning_and_rehearsing_write_to_no_table(run: Run) -> None:
    counters = run.server.sandbox.report()["counters"]
    run.until("approve")
    after = run.server.sandbox.report()["counters"]
    new = {
        name.removeprefix("requests:")
        for name, count in after.items()
        if name.startswith("requests:") and count > counters.get(name, 0)
    }
    assert not {name for name in new if not name.startswith(("Describe", "Get", "List"))}


def test_i6_neither_plan_nor_journal_holds_an_items_values(run: Run) -> None:
    values = {
        text
        for item in run.items("orders")
        for name, value in item.items()
        if name not in {"customer_id", "order_id", "created_at", "status"}
        for text in texts(value)
        if len(text) > 6
    }
    run.finish()
    written = run.written()
    assert values
    assert not {text for text in values if text in written}


def texts(value: Any) -> Iterator[str]:
    """Yield every text inside a typed value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)


def test_i8_the_rebuilt_table_has_the_settings_of_the_old_one(run: Run) -> None:
    before = run.aws.tables.settings("orders")
    run.finish()
    after = run.aws.tables.settings("orders")
    assert before is not None
    assert after is not None
    assert (after.ttl, after.pitr, after.tags, after.policy) == (
        before.ttl,
        before.pitr,
        before.tags,
        before.policy,
    )
    assert after.description.stream == before.description.stream
    assert after.description.deletion_protection == before.description.deletion_protection
    assert after.description.table_id != before.description.table_id


def test_i9_the_target_is_fenced_from_its_first_moment(run: Run) -> None:
    run.until("load")
    item = {"customer_id": {"S": "c"}, "order_key": {"S": "k"}}
    with pytest.raises(run.client.exceptions.ClientError, match="AccessDenied"):
        run.client.put_item(TableName="orders", Item=item)
    run.finish()
    run.client.put_item(TableName="orders", Item=item)


def test_i9_a_target_that_is_not_empty_is_not_loaded(run: Run) -> None:
    run.until("create")
    request = run.step(CreateTable).request
    run.world.journal.record("create", "intent", {"table": "orders"})
    run.client.create_table(**json.loads(json.dumps(request)))
    item = {"customer_id": {"S": "c"}, "order_key": {"S": "k"}}
    run.client.put_item(TableName="orders", Item=item)
    with pytest.raises(CheckFailed, match="is not empty before the first write"):
        run.finish()
