"""Plans that bring a deleted table back: what stands there is kept first, and goes by name only."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retable.runner.cdk.restore_stack import StackToRestore
from retable.runner.failure import Refused
from retable.runner.plan.encoding import encode_plan, fingerprint, read_plan
from retable.runner.plan.export_steps import Approve, ExportProved
from retable.runner.plan.facts import to_json
from retable.runner.plan.finish_steps import CountItems, LiftFence, RestoreSettings
from retable.runner.plan.plan import Plan
from retable.runner.plan.source_steps import DeleteTable, FromBackup, StackVariant
from retable.runner.plan.step import Link, S
from retable.runner.planning.compile import compile_plan
from retable.runner.planning.compile_restore import Lost, compile_restore, lost_table
from retable.runner.runs.journal import Record
from retable.runner.table.settings import TableSettings
from retable.schema.spec import Spec
from support.builders import build_spec
from support.observed import description, observed, settings

REPLACE = """
spec: 1
name: orders-by-customer
source:
  table: orders
  region: eu-west-1
  export: {kind: native, location: s3://acme-exports/orders/}
target:
  table: orders
  key: {partition: {name: customer_id, type: S}}
rebuild: {strategy: replace}
"""
BACKUP = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/backup/01"
EXPORTED = 41
SOURCE = settings(description(deletion_protection=True), ttl="expires_at", tags={"team": "shop"})
CHECKED = ExportProved(
    export_id="017-1",
    table_id="old",
    export_time=datetime(2026, 11, 23, 3, tzinfo=UTC),
    item_count=EXPORTED,
    data_files=1,
)
REBUILT = settings(description(table_id="new-id"))


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    return build_spec(tmp_path, REPLACE)


def records(*, deleted: bool = True) -> list[Record]:
    """Return what a run journals up to its delete, or just before."""
    events = [
        ("backup", "done", {"arn": BACKUP, "name": "retable-1"}),
        ("check-final", "done", to_json(CHECKED)),
        ("delete", "begun", {}),
        *([("delete", "intent", {"table_id": "old"})] if deleted else ()),
    ]
    return [
        Record(number=number, at="2026-11-23T03:00:00+00:00", step=step, event=event, data=data)
        for number, (step, event, data) in enumerate(events)
    ]


def run_of(spec: Spec) -> Plan:
    return compile_plan(spec, observed(SOURCE))


def restored(
    spec: Spec, present: TableSettings | None, stack: StackToRestore | None = None
) -> Plan:
    run = run_of(spec)
    lost = lost_table(run, records(), "7f3a-c21e")
    return compile_restore(spec, run, lost, present, stack, settle_seconds=300)


def only(kind: type[S], plan: Plan) -> S:
    """Return the only step of ``kind``."""
    (found,) = (step for step in plan.steps if isinstance(step, kind))
    return found


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan.steps]


def variant(name: str) -> StackVariant:
    return StackVariant(
        variant=name,  # type: ignore[arg-type]  # one of the words
        stack="Shop",
        stack_name="Shop",
        digest="0" * 64,
        before=None,
    )


def test_what_is_left_of_a_deleted_table_is_known_from_the_journal(spec: Spec) -> None:
    assert lost_table(run_of(spec), records(), "7f3a-c21e") == Lost(
        run_id="7f3a-c21e",
        settings=SOURCE,
        backup_arn=BACKUP,
        export_id="017-1",
        exported=EXPORTED,
    )


def test_a_run_that_has_not_begun_to_delete_has_lost_nothing(spec: Spec) -> None:
    with pytest.raises(Refused, match="has deleted no table"):
        lost_table(run_of(spec), records(deleted=False), "7f3a-c21e")


def test_i1_what_stands_there_is_frozen_and_backed_up_before_it_goes(spec: Spec) -> None:
    plan = restored(spec, settings(description(table_id="new-id", deletion_protection=True)))
    assert ids(plan) == [
        "approve",
        "freeze",
        "settle",
        "backup",
        "unprotect",
        "delete",
        "create",
        "count",
        "settings",
        "lift-fence",
        "compare-settings",
    ]
    approve, delete = only(Approve, plan), only(DeleteTable, plan)
    assert (approve.deletes, plan.deletes) == ("orders", "orders")
    assert delete.table_id == "new-id"
    assert delete.successor == FromBackup(freeze=Link("freeze"), backup_arn=BACKUP)


def test_where_nothing_stands_nothing_is_deleted(spec: Spec) -> None:
    plan = restored(spec, None)
    assert ids(plan) == ["approve", "create", "count", "settings", "lift-fence", "compare-settings"]
    assert plan.deletes is None


def test_i8_the_settings_that_were_captured_are_restored(spec: Spec) -> None:
    plan = restored(spec, REBUILT)
    back, lift, count = (
        only(RestoreSettings, plan),
        only(LiftFence, plan),
        only(CountItems, plan),
    )
    assert (back.ttl, back.deletion_protection, back.tags) == ("expires_at", True, {"team": "shop"})
    assert lift.policy is None
    assert (count.exported, count.expires) == (EXPORTED, True)
    assert plan.key == SOURCE.description.key


def test_what_the_service_reported_of_a_lost_table_is_not_validated_again(spec: Spec) -> None:
    run = run_of(spec)
    # A form that our own rules for policies do not know, and that the service had taken.
    policy = '{"Statement": {"Effect": "Deny", "Resource": "arn:aws:dynamodb:*:*:table/ord*"}}'
    lost = replace(lost_table(run, records(), "7f3a-c21e"), settings=replace(SOURCE, policy=policy))
    plan = compile_restore(spec, run, lost, REBUILT, None, settle_seconds=300)
    lift = next(step for step in plan.steps if isinstance(step, LiftFence))
    assert lift.policy == policy


def test_a_table_that_is_still_there_is_not_restored(spec: Spec) -> None:
    with pytest.raises(Refused, match="still exists"):
        restored(spec, SOURCE)


@pytest.mark.parametrize(
    ("in_it", "retains", "expected"),
    [
        (True, False, ["drop", "create"]),
        (True, True, ["drop", "delete", "create"]),
        (False, False, ["delete", "create"]),
    ],
)
def test_a_table_leaves_its_stack_and_is_imported_again(
    spec: Spec,
    in_it: bool,  # noqa: FBT001 -- a case
    retains: bool,  # noqa: FBT001 -- a case
    expected: list[str],
) -> None:
    stack = StackToRestore(
        absent=variant("absent") if in_it else None,
        retains=retains,
        original=variant("original"),
        logical_id="Orders",
    )
    plan = restored(spec, REBUILT, stack)
    assert ids(plan)[4:] == [
        *expected,
        "count",
        "settings",
        "adopt",
        "deploy-original",
        "lift-fence",
        "compare-settings",
    ]


def test_i7_equal_inputs_give_equal_restores_that_survive_their_file(
    spec: Spec, tmp_path: Path
) -> None:
    plan = restored(spec, REBUILT)
    assert fingerprint(plan) == fingerprint(restored(spec, REBUILT))
    path = tmp_path / "plan.json"
    path.write_bytes(encode_plan(plan))
    assert read_plan(path) == plan
