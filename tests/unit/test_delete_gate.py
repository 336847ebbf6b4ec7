"""I1, clause by clause: the gate before a delete stays shut for one thing that is not proved."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from retable.runner.failure import CheckFailed, Refused
from retable.runner.plan.export_steps import Approve, CheckExport, DryRun
from retable.runner.plan.finish_steps import LiftFence
from retable.runner.plan.plan import Plan
from retable.runner.plan.source_steps import (
    DeleteTable,
    FreezeSource,
    FromBackup,
    ListChanges,
    Removed,
)
from retable.runner.planning.compile import compile_plan
from retable.runner.planning.compile_restore import Lost, compile_restore
from retable.schema.spec import Spec
from support.builders import build_spec
from support.gate import BACKUP, EXPORTED_AT, FROZEN_AT, Gate, before_the_delete
from support.observed import ARN, description, observed, settings

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
transform: {max_rejects: 2}
"""
UNFROZEN = REPLACE.replace("{strategy: replace}", "{strategy: replace, freeze: none}")
REPAIR = REPLACE.replace("{strategy: replace}", "{strategy: recover}").replace(
    "orders/}", 'orders/, at: "2026-11-22T00:00:00Z"}'
)
REMEMBERED = (FROZEN_AT - timedelta(days=30), EXPORTED_AT)
EARLIER_BACKUP = f"{ARN}/backup/00"

Tamper = Callable[[Gate], None]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Spec, Plan]]:
    """The spec and the plan of each kind of delete."""
    folder = tmp_path_factory.mktemp("specs")
    found = {}
    for kind, text in (("replacing", REPLACE), ("unfrozen", UNFROZEN), ("repairing", REPAIR)):
        spec = build_spec(folder, text)
        found[kind] = (spec, compile_plan(spec, observed(recoverable=REMEMBERED)))
    spec = build_spec(folder, REPLACE)
    found["restoring"] = (spec, restore_plan(spec))
    return found


@pytest.fixture
def replacing(tmp_path: Path, planned: dict[str, tuple[Spec, Plan]]) -> Iterator[Gate]:
    """A table that is replaced, loaded from an export made behind the freeze."""
    with before_the_delete(tmp_path, *planned["replacing"]) as gate:
        yield gate


@pytest.fixture
def unfrozen(tmp_path: Path, planned: dict[str, tuple[Spec, Plan]]) -> Iterator[Gate]:
    """A table that is replaced while nothing stops its writers."""
    with before_the_delete(tmp_path, *planned["unfrozen"]) as gate:
        yield gate


@pytest.fixture
def repairing(tmp_path: Path, planned: dict[str, tuple[Spec, Plan]]) -> Iterator[Gate]:
    """A damaged table that is made again from an export of an earlier time."""
    with before_the_delete(tmp_path, *planned["repairing"]) as gate:
        yield gate


@pytest.fixture
def restoring(tmp_path: Path, planned: dict[str, tuple[Spec, Plan]]) -> Iterator[Gate]:
    """A rebuilt table that is replaced by the backup of the one before it."""
    with before_the_delete(tmp_path, *planned["restoring"]) as gate:
        gate.tables.backups[EARLIER_BACKUP] = "AVAILABLE"
        yield gate


def restore_plan(spec: Spec) -> Plan:
    lost = Lost(
        run_id="7f3a-c21e",
        settings=settings(description(table_id="the-one-before")),
        backup_arn=EARLIER_BACKUP,
        export_id="01-1",
        exported=40,
    )
    run = compile_plan(spec, observed())
    return compile_restore(spec, run, lost, settings(), None, settle_seconds=300)


def approve_another_plan(gate: Gate) -> None:
    gate.again(Approve, fingerprint="0" * 64)


def approve_another_table(gate: Gate) -> None:
    gate.again(Approve, deletes="users")


def delete_the_table(gate: Gate) -> None:
    gate.tables.described = None


def replace_the_table(gate: Gate) -> None:
    gate.tables.described = description(table_id="another")


def delete_the_policy(gate: Gate) -> None:
    gate.tables.policies.texts.clear()


def take_the_freeze_out_of_the_policy(gate: Gate) -> None:
    gate.tables.policies.texts[ARN] = '{"Version": "2012-10-17", "Statement": []}'


def lose_the_backup(gate: Gate) -> None:
    del gate.tables.backups[BACKUP]


def leave_the_backup_unfinished(gate: Gate) -> None:
    gate.tables.backups[BACKUP] = "CREATING"


def export_another_table(gate: Gate) -> None:
    gate.again(CheckExport, table_id="another")


def lose_an_exported_item(gate: Gate) -> None:
    (checked,) = [key for key in gate.world.checked if key.id == gate.step(CheckExport).id]
    (file,) = gate.world.checked[checked]
    gate.world.checked[checked] = (replace(file, item_count=file.item_count - 1),)


def export_too_early(gate: Gate) -> None:
    gate.again(CheckExport, export_time=FROZEN_AT + timedelta(seconds=299))


def freeze_too_late(gate: Gate) -> None:
    gate.again(FreezeSource, seen_at=EXPORTED_AT - timedelta(seconds=299))


def read_too_few(gate: Gate) -> None:
    gate.again(DryRun, read=39)


def reject_too_many(gate: Gate) -> None:
    gate.again(DryRun, rejected=3)


def collide(gate: Gate) -> None:
    gate.again(DryRun, unresolved_keys=1)


def plan_what_the_service_refuses(gate: Gate) -> None:
    steps = tuple(
        replace(step, policy='{"Statement": []}') if isinstance(step, LiftFence) else step
        for step in gate.world.plan.steps
    )
    gate.world.plan = replace(gate.world.plan, steps=steps)


def list_changes_too_early(gate: Gate) -> None:
    gate.again(ListChanges, until=FROZEN_AT + timedelta(seconds=299))


def let_the_list_grow_old(gate: Gate) -> None:
    gate.tables.time = EXPORTED_AT + timedelta(minutes=16)


def lose_the_earlier_backup(gate: Gate) -> None:
    del gate.tables.backups[EARLIER_BACKUP]


EVERY: dict[Tamper, str] = {
    approve_another_plan: "not for deleting orders by this plan",
    approve_another_table: "not for deleting orders by this plan",
    delete_the_table: "has TableId no table",
    replace_the_table: "has TableId another",
    lose_the_backup: "is None, expected AVAILABLE",
    leave_the_backup_unfinished: "is CREATING, expected AVAILABLE",
}
"""What shuts the gate before any delete."""
FROZEN: dict[Tamper, str] = {
    delete_the_policy: "is no longer frozen",
    take_the_freeze_out_of_the_policy: "is no longer frozen",
}
LOADED: dict[Tamper, str] = {
    export_another_table: "the export is of TableId another",
    lose_an_exported_item: "no longer has the 40 items",
    read_too_few: "covered 39 of 40",
    reject_too_many: "is not clean",
    collide: "is not clean",
    plan_what_the_service_refuses: "PutResourcePolicy: a policy needs",
}
"""What shuts it before a delete whose table is loaded again from an export."""
CLAUSES: dict[str, dict[Tamper, str]] = {
    "replacing": {
        **EVERY,
        **FROZEN,
        **LOADED,
        export_too_early: "is of 299 s after the freeze",
        freeze_too_late: "is of 299 s after the freeze",
    },
    "repairing": {**EVERY, **FROZEN, **LOADED, list_changes_too_early: "ends 299 s after"},
    "unfrozen": {**EVERY, **LOADED, let_the_list_grow_old: "was last listed 16 minutes ago"},
    "restoring": {**EVERY, **FROZEN, lose_the_earlier_backup: "is None, expected AVAILABLE"},
}


@pytest.mark.parametrize("kind", CLAUSES)
def test_i1_the_gate_opens_where_everything_is_proved(
    kind: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(kind).require()


@pytest.mark.parametrize(
    ("kind", "tamper"),
    [(kind, tamper) for kind, clauses in CLAUSES.items() for tamper in clauses],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_i1_the_gate_stays_shut_where_one_thing_is_not_proved(
    kind: str, tamper: Tamper, request: pytest.FixtureRequest
) -> None:
    gate: Gate = request.getfixturevalue(kind)
    tamper(gate)
    with pytest.raises((CheckFailed, Refused), match=CLAUSES[kind][tamper]):
        gate.require()


def test_i1_as_many_rejects_as_the_spec_allows_are_clean(replacing: Gate) -> None:
    replacing.again(DryRun, rejected=2)
    replacing.require()


def test_i1_an_old_list_of_later_writes_does_not_stop_a_removal_that_has_begun(
    unfrozen: Gate,
) -> None:
    let_the_list_grow_old(unfrozen)
    removed = Removed(table="orders", table_id=unfrozen.step(DeleteTable).table_id)
    unfrozen.journal.finish(unfrozen.step(DeleteTable), removed)
    unfrozen.require()


def test_i1_a_restore_asks_nothing_of_the_requests_that_follow(restoring: Gate) -> None:
    plan_what_the_service_refuses(restoring)
    restoring.require()
    assert isinstance(restoring.step(DeleteTable).successor, FromBackup)
