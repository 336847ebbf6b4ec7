"""Reading stacks: status, template, resources, events, importers; and what a status allows."""

from decimal import Decimal
from typing import Any

import pytest

from retable.runner.cdk.difference import changes
from retable.runner.cdk.stacks import Stacks, cause
from retable.runner.cdk.states import READY, cure, readiness
from retable.runner.cdk.template import comparable
from retable.runner.cdk.wait_for_operation import POLL_SECONDS, SETTLE_SECONDS, Follower
from retable.runner.failure import Stopped
from retable.runner.progress import NoProgress
from support.assemblies import ORDERS, data, orders
from support.fake_stacks import FakeCloudFormation
from support.sandboxes import ManualClock

INNER = "InnerNestedStackInnerNestedStackResource745E041B"
STACK = "AWS::CloudFormation::Stack"


class Notes(NoProgress):
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


def test_a_stack_is_described_with_the_names_of_its_exports() -> None:
    fake = FakeCloudFormation()
    fake.outputs = [
        {"OutputKey": "TableArn", "OutputValue": "x", "ExportName": "orders-arn"},
        {"OutputKey": "Other", "OutputValue": "y"},
    ]
    state = Stacks(fake).state("OrdersStack")
    assert state is not None
    assert (state.id, state.status) == (fake.arn(), "UPDATE_COMPLETE")
    assert state.exports == {"TableArn": "orders-arn"}


@pytest.mark.parametrize("status", [None, "DELETE_COMPLETE"])
def test_a_deleted_stack_is_none(status: str | None) -> None:
    fake = FakeCloudFormation()
    fake.status = status
    assert Stacks(fake).state("OrdersStack") is None


def test_a_deployed_template_is_the_one_that_was_synthesized() -> None:
    fake = FakeCloudFormation()
    fake.deployed(orders("by-id").template)
    assert changes(Stacks(fake).template("OrdersStack"), orders("by-id").template) == ()


def test_numbers_of_a_deployed_template_are_exact() -> None:
    fake = FakeCloudFormation()
    fake.templates["OrdersStack"] = {"Resources": {"R": {"Type": "T", "Properties": {"X": 0.7}}}}
    found = Stacks(fake).template("OrdersStack").body["Resources"]["R"]["Properties"]["X"]
    assert found == Decimal("0.7")


def test_nested_stacks_are_read_by_their_physical_ids() -> None:
    fake = _nested()
    template = data("stage").template
    stacks = Stacks(fake)
    assert changes(stacks.template("prod-data"), template) == ()
    found = stacks.resources("prod-data")
    assert found[f"{INNER}/TableCD117FA1"].physical_id == "the-inner-table"
    assert found["Raw"].physical_id == "raw-eu-west-1"


def test_a_nested_template_that_an_assembly_does_not_show_is_not_compared() -> None:
    deployed = Stacks(_nested()).template("prod-data")
    hidden = type(deployed)(data("stage").template.body)
    assert changes(deployed, hidden) != ()
    assert changes(comparable(deployed, hidden), hidden) == ()


def test_the_stacks_that_import_an_export_are_listed() -> None:
    fake = FakeCloudFormation()
    fake.imports["orders-arn"] = ["c", "b", "a"]
    assert Stacks(fake).importers("orders-arn") == ("a", "b", "c")
    assert Stacks(fake).importers("other") == ()


def test_events_are_those_since_the_last_one_seen_the_oldest_first() -> None:
    fake = FakeCloudFormation()
    stacks = Stacks(fake)
    assert stacks.last_event(fake.arn()) is None
    for number in range(7):
        fake.event(f"R{number}", "CREATE_COMPLETE")
    assert [one.logical_id for one in stacks.events(fake.arn(), "event-3")] == ["R4", "R5", "R6"]
    assert len(stacks.events(fake.arn(), None)) == 7
    assert stacks.last_event(fake.arn()) == "event-6"


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([], None),
        ([("A", "CREATE_COMPLETE", None)], None),
        ([("A", "CREATE_FAILED", "exists")], "A"),
        ([("A", "CREATE_FAILED", "Resource creation cancelled"), ("B", "CREATE_FAILED", "x")], "B"),
        ([("A", "UPDATE_FAILED", "Resource update canceled")], "A"),
        ([("A", "DELETE_FAILED", "protected"), ("B", "DELETE_FAILED", "too")], "A"),
        ([("self", "UPDATE_FAILED", "A failed"), ("A", "CREATE_FAILED", "x")], "A"),
        ([("self", "UPDATE_FAILED", "Transform failed")], "self"),
    ],
    ids=str,
)
def test_the_cause_is_the_first_failure_that_does_not_follow_from_another(
    events: list[tuple[str, str, str | None]], found: str | None
) -> None:
    fake = FakeCloudFormation()
    for logical_id, status, reason in events:
        own = {"PhysicalResourceId": fake.arn()} if logical_id == "self" else {}
        fake.event(logical_id, status, reason, **own)
    failed = cause(Stacks(fake).events(fake.arn(), None))
    assert (failed and failed.logical_id) == found


def test_the_cause_of_a_nested_stacks_failure_is_looked_for_in_it() -> None:
    fake, clock = FakeCloudFormation(), ManualClock()
    fake.event("Old", "CREATE_FAILED", "long ago", stack="inner")
    follower = Follower(Stacks(fake), "OrdersStack", clock, NoProgress())
    fake.event("Start", "UPDATE_IN_PROGRESS")
    fake.event("Table", "CREATE_FAILED", "already exists", stack="inner")
    nested = {"PhysicalResourceId": "inner", "ResourceType": STACK}
    fake.event("Inner", "UPDATE_FAILED", "it failed", **nested)
    follower.look()
    failed = follower.failure()
    assert str(failed) == "Table (AWS::DynamoDB::Table) CREATE_FAILED: already exists"


def test_a_follower_reports_each_event_once_and_polls_seldom() -> None:
    fake, clock, notes = FakeCloudFormation(), ManualClock(), Notes()
    fake.event("Before", "CREATE_COMPLETE")
    follower = Follower(Stacks(fake), "OrdersStack", clock, notes)
    fake.event(ORDERS, "DELETE_IN_PROGRESS")
    follower.tick()
    assert notes.told == []
    clock.sleep(POLL_SECONDS)
    follower.tick()
    follower.tick()
    clock.sleep(POLL_SECONDS)
    follower.tick()
    assert notes.told == [f"{ORDERS} (AWS::DynamoDB::Table) DELETE_IN_PROGRESS"]


def test_a_follower_survives_a_service_that_does_not_answer() -> None:
    fake, clock, notes = FakeCloudFormation(), ManualClock(), Notes()
    follower = Follower(Stacks(fake), "OrdersStack", clock, notes)
    clock.sleep(POLL_SECONDS)
    fake.get_paginator = _throttled  # type: ignore[assignment, method-assign]
    follower.tick()
    assert notes.told[0].startswith("the events of OrdersStack cannot be read: ")


def test_a_follower_of_a_new_stack_finds_it_once_it_exists() -> None:
    fake, clock, notes = FakeCloudFormation(), ManualClock(), Notes()
    fake.status = None
    follower = Follower(Stacks(fake), "OrdersStack", clock, notes)
    follower.look()
    fake.status = "CREATE_IN_PROGRESS"
    fake.event("A", "CREATE_COMPLETE")
    follower.look()
    assert notes.told == ["A (AWS::DynamoDB::Table) CREATE_COMPLETE"]


def test_waiting_for_a_stack_ends_with_its_operation_or_by_timeout() -> None:
    fake, clock = FakeCloudFormation(), ManualClock()
    fake.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    follower = Follower(Stacks(fake), "OrdersStack", clock, NoProgress())
    fake.script = [lambda: None, lambda: setattr(fake, "status", "UPDATE_COMPLETE")]
    state = follower.settle()
    assert state is not None
    assert state.status == "UPDATE_COMPLETE"
    fake.status = "UPDATE_IN_PROGRESS"
    with pytest.raises(Stopped, match="is still UPDATE_IN_PROGRESS"):
        follower.settle()
    assert clock.monotonic() > SETTLE_SECONDS


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        (None, "new"),
        *((status, "ready") for status in sorted(READY)),
        ("CREATE_IN_PROGRESS", "working"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "working"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "working"),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "working"),
        ("DELETE_IN_PROGRESS", "working"),
        ("REVIEW_IN_PROGRESS", "stuck"),
        ("ROLLBACK_COMPLETE", "stuck"),
        ("UPDATE_ROLLBACK_FAILED", "stuck"),
        ("UPDATE_FAILED", "stuck"),
        ("SOMETHING_NEW", "stuck"),
    ],
)
def test_only_a_stack_without_an_unfinished_operation_is_ready(
    status: str | None, allowed: str
) -> None:
    assert readiness(status) == allowed
    if allowed == "stuck":
        assert cure(str(status))


def _nested() -> FakeCloudFormation:
    """Return a CloudFormation with the stack of the stage and the one nested in it."""
    template = data("stage").template
    fake = FakeCloudFormation("prod-data")
    fake.deployed(template)
    fake.templates["inner-id"] = template.nested[INNER].body
    fake.resources["prod-data"] = [
        ("Global7C59AC82", "AWS::DynamoDB::GlobalTable", "g"),
        ("Raw", "AWS::DynamoDB::Table", "raw-eu-west-1"),
        (INNER, STACK, "inner-id"),
    ]
    fake.resources["inner-id"] = [("TableCD117FA1", "AWS::DynamoDB::Table", "the-inner-table")]
    return fake


def _throttled(_: str) -> Any:
    message = "the service is busy"
    raise Stopped(message)
