"""What is attached to a table comes back with it: autoscaling, Kinesis, insights and the like."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from retable.runner.aws.settings import Attached, TableSettings
from retable.runner.explain import describe
from retable.runner.perform import perform
from retable.runner.plan import RestoreSettings
from support.attached import STREAM, attach_all, scaled_spec
from support.worlds import Run, running


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
    assert captured.kinesis[0].precision == "MICROSECOND"
    assert set(captured.insights) == {"", "by_status"}
    run.until("settings")
    bare = settings(run, "orders-v2").attached
    assert replace(bare, warm={}) == Attached()
    run.finish()
    assert settings(run, "orders-v2").attached == captured
    assert len(run.items("orders-v2")) == 2


def test_the_plan_tells_what_will_be_attached(run: Run) -> None:
    text = "\n".join(describe(run.world.plan, run.world.spec, run.world.fingerprint))
    assert "write autoscaling 2 to 900" in text
    assert "write autoscaling of by_status 2 to 900" in text
    assert "warm throughput 13,000/5,000" in text
    assert "contributor insights of the table, by_status" in text
    assert f"Kinesis stream {STREAM.rpartition('/')[2]}" in text


def test_i2_attaching_bears_repeating(run: Run) -> None:
    run.until("lift-fence")
    step = run.world.plan.step("settings")
    assert isinstance(step, RestoreSettings)
    assert run.world.evidence("settings")["restored"][:4] == [
        "warm_throughput",
        "autoscaling",
        "contributor_insights",
        "kinesis",
    ]
    run.world.journal.record("settings", "begun")
    assert perform(step, run.world) == {"restored": []}


def test_what_an_on_demand_table_cannot_have_is_left_out(tmp_path: Path) -> None:
    spec = scaled_spec(tmp_path, billing="billing: on-demand")
    with running(spec, tmp_path, before=attach_all) as run:
        run.finish()
        found = settings(run, "orders-v2").attached
        assert found.scaling == ()
        assert (len(found.insights), len(found.kinesis)) == (2, 1)


def test_a_table_that_is_replaced_keeps_them_as_well(tmp_path: Path) -> None:
    spec = scaled_spec(tmp_path, target="orders", strategy="replace")
    with running(spec, tmp_path, before=attach_all) as run:
        captured = settings(run, "orders").attached
        run.finish()
        assert settings(run, "orders").attached == captured
