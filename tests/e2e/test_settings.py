"""What is attached to a table is restored with it: autoscaling, Kinesis, insights and the like."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from retable.runner.failure import CheckFailed, Refused, Stopped
from retable.runner.outcome.summary import summarize
from retable.runner.plan.encoding import read_plan
from retable.runner.plan.finish_steps import CompareSettings, RestoreSettings, SettingsRestored
from retable.runner.plan.step import requests_of
from retable.runner.planning.show import describe
from retable.runner.report.model import Report
from retable.runner.runs.journal import read_journal
from retable.runner.steps.create_table import fence_at_creation
from retable.runner.steps.perform import perform
from retable.runner.table.requests import Request
from retable.runner.table.settings import Attached, TableSettings
from support.attached import STREAM, attach_all, scaled_spec, unscale
from support.sandboxes import ManualClock, set_faults
from support.worlds import Run, running

INDEX_SCALED = ("by_status", "Write", 2, 900, 70.0)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with running(scaled_spec(tmp_path), tmp_path, before=attach_all) as started:
        yield started


def settings(run: Run, table: str) -> TableSettings:
    found = run.aws.tables.settings(table)
    assert found is not None
    return found


def test_i8_what_is_attached_to_the_source_is_attached_to_the_target(run: Run) -> None:
    captured = settings(run, "orders").attached
    assert [one.index for one in captured.scaling] == ["", "by_status"]
    assert [len(one.policies) for one in captured.scaling] == [1, 1]
    assert captured.kinesis[0].precision == "MICROSECOND"
    assert set(captured.insights) == {"", "by_status"}
    run.until("settings")
    bare = settings(run, "orders-v2").attached
    assert replace(bare, warm={}) == Attached()
    run.finish()
    assert settings(run, "orders-v2").attached == captured
    assert len(run.items("orders-v2")) == 2


def test_the_plan_lists_what_will_be_attached(run: Run) -> None:
    text = "\n".join(describe(run.world.plan, run.world.spec, run.world.fingerprint))
    assert "write autoscaling 2 to 900" in text
    assert "write autoscaling of by_status 2 to 900" in text
    assert "warm throughput 13,000/5,000" in text
    assert "contributor insights of the table, by_status" in text
    assert f"Kinesis stream {STREAM.rpartition('/')[2]}" in text
    assert read_plan(run.world.folder.plan) == run.world.plan


def test_i2_attaching_bears_repeating(run: Run) -> None:
    run.until("lift-fence")
    step = run.step(RestoreSettings)
    assert run.evidence(RestoreSettings).restored[:4] == (
        "warm_throughput",
        "autoscaling",
        "contributor_insights",
        "kinesis",
    )
    run.world.journal.record("settings", "begun")
    assert perform(step, run.world) == SettingsRestored(restored=())
    # As after an answer that was lost: the service says that it is on already.
    run.aws.attachments.stream_to("orders-v2", step.attached.kinesis[0])


@pytest.mark.parametrize(
    "operation",
    ["UpdateTable", "UpdateContributorInsights", "EnableKinesisStreamingDestination"],
)
def test_i2_stopped_while_it_attaches_and_resumed_a_run_ends_in_the_same_table(
    run: Run, operation: str
) -> None:
    captured = settings(run, "orders").attached
    run.until("settings")
    denied = {"operation": operation, "code": "AccessDeniedException", "times": 1}
    set_faults(run.server.endpoint, errors=[denied])
    with pytest.raises(Stopped):
        run.finish()
    run.finish()
    assert settings(run, "orders-v2").attached == captured
    assert reported(run).verdict == "passed"


def test_i8_all_that_a_run_asks_for_was_checked_before_its_first_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Request] = []
    send = Request.send

    def told(request: Request, client: object) -> object:
        sent.append(request)
        return send(request, client)

    spec = scaled_spec(tmp_path, settings=ALL)
    with running(spec, tmp_path, before=attach_all) as run:
        monkeypatch.setattr(Request, "send", told)
        arn = settings(run, "orders").description.arn_beside("orders-v2")
        fence = fence_at_creation(arn, run.world)
        run.finish()
        checked = list(requests_of(run.world.plan.steps, arn, fence))
    # A policy's revision is the service's, and stands for nothing that could be wrong.
    of_the_target = [bare(request) for request in sent if "orders-v2" in str(request.parameters)]
    assert {request.operation for request in checked} <= {one.operation for one in of_the_target}
    assert [one for one in of_the_target if one not in map(bare, checked)] == []


def bare(request: Request) -> Request:
    """Return a request without the revision that it expects."""
    own = {name: value for name, value in request.parameters.items() if "Revision" not in name}
    return replace(request, parameters=own)


def test_what_an_on_demand_table_cannot_have_is_left_out(tmp_path: Path) -> None:
    spec = scaled_spec(tmp_path, billing="billing: on-demand")
    with running(spec, tmp_path, before=attach_all) as run:
        run.finish()
        found = settings(run, "orders-v2").attached
        assert found.scaling == ()
        assert (len(found.insights), len(found.kinesis)) == (2, 1)


@pytest.mark.parametrize(
    ("said", "scaled"),
    [
        ("false", []),
        (
            "{read: {min: 5, max: 50}, write: {min: 1, max: 10, utilization: 40}}",
            [("", "Read", 5, 50, 70.0), ("", "Write", 1, 10, 40.0), INDEX_SCALED],
        ),
    ],
)
def test_what_the_spec_declares_takes_the_place_of_the_tables_own_autoscaling(
    tmp_path: Path, said: str, scaled: list[tuple[str, str, int, int, float]]
) -> None:
    spec = scaled_spec(tmp_path, billing=f"settings: {{autoscaling: {said}}}")
    with running(spec, tmp_path, before=attach_all) as run:
        run.finish()
        found = settings(run, "orders-v2").attached.scaling
        assert reported(run).verdict == "passed"
    assert [
        (one.index, one.side, one.least, one.most, one.policies[0].tracking["TargetValue"])
        for one in found
    ] == scaled


def test_an_on_demand_table_is_not_scaled(tmp_path: Path) -> None:
    said = "settings: {autoscaling: {read: {min: 5, max: 50}}}"
    spec = scaled_spec(tmp_path, billing=said)
    text = spec.read_text("utf-8").replace("  billing: {read: 100, write: 200}\n", "")
    spec.write_text(text, "utf-8")
    with (
        pytest.raises(Refused, match="and orders-v2 has none"),
        running(spec, tmp_path),
    ):
        pass


def test_a_table_that_is_replaced_keeps_them_as_well(tmp_path: Path) -> None:
    spec = scaled_spec(tmp_path, target="orders", strategy="replace")
    with running(spec, tmp_path, before=attach_all) as run:
        captured = settings(run, "orders").attached
        run.finish()
        assert settings(run, "orders").attached == captured


def lose_the_tags(run: Run, arn: str) -> None:
    run.client.untag_resource(ResourceArn=arn, TagKeys=["team"])


def lose_the_stream(run: Run, arn: str) -> None:
    run.client.update_table(
        TableName=arn.rpartition("/")[2], StreamSpecification={"StreamEnabled": False}
    )


def lose_the_ttl(run: Run, arn: str) -> None:
    run.client.update_time_to_live(
        TableName=arn.rpartition("/")[2],
        TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires"},
    )


def lose_recovery(run: Run, arn: str) -> None:
    run.client.update_continuous_backups(
        TableName=arn.rpartition("/")[2],
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
    )


def lose_protection(run: Run, arn: str) -> None:
    run.client.update_table(TableName=arn.rpartition("/")[2], DeletionProtectionEnabled=False)


def lose_the_policy(run: Run, arn: str) -> None:
    run.client.delete_resource_policy(ResourceArn=arn)


def lose_an_index(run: Run, arn: str) -> None:
    run.client.update_table(
        TableName=arn.rpartition("/")[2],
        GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_status"}}],
    )


def lose_insights(run: Run, arn: str) -> None:
    run.client.update_contributor_insights(TableName=arn, ContributorInsightsAction="DISABLE")


def lose_kinesis(run: Run, arn: str) -> None:
    run.client.disable_kinesis_streaming_destination(TableName=arn, StreamArn=STREAM)


def lose_autoscaling(run: Run, arn: str) -> None:
    resource = f"table/{arn.rpartition('/')[2]}"
    unscale(run.server.endpoint, resource, "dynamodb:table:WriteCapacityUnits")


LOSSES = {
    "tags": lose_the_tags,
    "stream": lose_the_stream,
    "ttl": lose_the_ttl,
    "point-in-time recovery": lose_recovery,
    "deletion protection": lose_protection,
    "resource policy": lose_the_policy,
    "indexes": lose_an_index,
    "contributor insights": lose_insights,
    "kinesis stream": lose_kinesis,
    "autoscaling": lose_autoscaling,
}
ALL = """
  settings:
    ttl: expires
    stream: NEW_IMAGE
    point_in_time_recovery: true
    deletion_protection: true
    tags: {team: shop}
    policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal: {AWS: "123456789012"}
          Action: dynamodb:GetItem
          Resource: arn:aws:dynamodb:eu-west-1:123456789012:table/orders
"""


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Run]:
    """Yield a run of a table that has every setting there is."""
    with running(scaled_spec(tmp_path, settings=ALL), tmp_path, before=attach_all) as started:
        yield started


def test_every_setting_is_compared_at_the_end(whole: Run) -> None:
    whole.finish()
    report = reported(whole)
    assert report.verdict == "passed"
    check = report.checks[-1]
    assert (check.name, check.outcome) == ("settings", "passed")
    assert check.expected == check.actual == 14


@pytest.mark.parametrize("name", LOSSES)
def test_a_setting_that_was_not_restored_is_named_and_fails_the_run(whole: Run, name: str) -> None:
    whole.until("compare-settings")
    found = whole.aws.tables.settings("orders-v2")
    assert found is not None
    LOSSES[name](whole, found.description.arn)
    step = whole.step(CompareSettings)
    with pytest.raises(
        CheckFailed, match=f"settings of orders-v2 differ from the plan: .*{name}"
    ) as why:
        perform(step, replace(whole.world, clock=ManualClock()))
    report = reported(whole, why.value)
    assert report.verdict == "failed"
    assert [check.outcome for check in report.checks if check.name == f"setting {name}"] == [
        "failed"
    ]


def test_i6_no_value_of_a_tag_is_reported(whole: Run) -> None:
    whole.until("compare-settings")
    arn = settings(whole, "orders-v2").description.arn
    whole.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "s3cret"}])
    with pytest.raises(CheckFailed) as why:
        perform(whole.step(CompareSettings), replace(whole.world, clock=ManualClock()))
    told = repr(reported(whole, why.value).checks)
    assert "without team" in told
    assert "s3cret" not in told
    assert "shop" not in told


def test_what_somebody_turned_on_meanwhile_is_reported_and_no_fault(run: Run) -> None:
    run.until("compare-settings")
    run.client.update_table(TableName="orders-v2", DeletionProtectionEnabled=True)
    run.finish()
    report = reported(run)
    assert report.verdict == "passed"
    assert "deletion protection of the new table: on; the old one had none" in report.notes


def test_a_setting_that_was_put_right_lets_the_run_end(whole: Run) -> None:
    whole.until("compare-settings")
    arn = settings(whole, "orders-v2").description.arn
    lose_the_tags(whole, arn)
    with pytest.raises(CheckFailed):
        perform(whole.step(CompareSettings), replace(whole.world, clock=ManualClock()))
    whole.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "shop"}])
    # The fence is lifted, so applications write: nothing is compared with the export any more.
    item = {"customer": {"S": "c"}, "order_id": {"S": "written meanwhile"}}
    whole.client.put_item(TableName="orders-v2", Item=item)
    whole.finish()
    assert reported(whole).verdict == "passed"


def reported(run: Run, failure: CheckFailed | None = None) -> Report:
    """Return the report of what was carried out so far."""
    records = list(read_journal(run.world.folder.journal))
    return summarize(run.world.plan, records, run.world.folder, run.world.spec, failure=failure)
