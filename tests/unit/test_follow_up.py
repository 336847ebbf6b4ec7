"""The follow-up of a run: the cut-over, and what a rolled-back run leaves behind."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from retable.runner.outcome.follow_up import cut_over, follow_up, left_behind
from retable.runner.plan.export_steps import ExportProved
from retable.runner.plan.plan import Plan
from retable.runner.plan.source_steps import ChangesListed
from retable.runner.planning.compile import compile_plan
from retable.runner.planning.show import describe
from retable.runner.runs.journal import Record
from retable.schema import load_spec
from support.command import SPECS
from support.observed import observed

FROZEN = "remove the statement RetableFreeze from the policy of orders"


def plan_of(tmp_path: Path, strategy: str, freeze: str) -> Plan:
    """Return the plan of the example, with that strategy and freeze."""
    text = (SPECS / "orders.migrate.yaml").read_text("utf-8")
    text = text.replace("strategy: replace", f"strategy: {strategy}")
    text = text.replace("freeze: resource-policy", f"freeze: {freeze}")
    if strategy == "side-by-side":
        text = text.replace("target:\n  table: orders", "target:\n  table: orders-v2")
    path = tmp_path / "orders.migrate.yaml"
    path.write_text(text, "utf-8")
    return compile_plan(load_spec(path), observed())


def record(step: str, event: str) -> Record:
    return Record(number=1, at="2026-11-20T03:00:00Z", step=step, event=event, data={})


@pytest.mark.parametrize(
    ("freeze", "steps"),
    [
        (
            "resource-policy",
            [
                "switch the application to orders-v2",
                FROZEN,
                "delete orders once nothing needs it",
            ],
        ),
        (
            "none",
            [
                "stop all writers of orders: what they wrote after the export is not in orders-v2",
                "switch the application to orders-v2",
                "delete orders once nothing needs it",
            ],
        ),
    ],
)
def test_a_plan_beside_the_source_ends_with_the_steps_of_the_cut_over(
    tmp_path: Path, freeze: str, steps: list[str]
) -> None:
    plan = plan_of(tmp_path, "side-by-side", freeze)
    assert list(cut_over(plan)) == steps
    lines = list(describe(plan, load_spec(tmp_path / "orders.migrate.yaml"), "f" * 64))
    first = lines.index("Afterwards, by hand:") + 1
    numbered = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    assert lines[first : first + len(steps)] == numbered


def test_a_replaced_table_needs_no_cut_over(tmp_path: Path) -> None:
    assert not list(cut_over(plan_of(tmp_path, "replace", "resource-policy")))


def test_a_run_that_lists_no_later_writes_says_so(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "side-by-side", "none")
    at = datetime(2026, 11, 20, 3, tzinfo=UTC)
    checked = ExportProved(
        export_id="017-1", table_id="t", export_time=at, item_count=1, data_files=1
    )
    verdict, unlisted = follow_up(plan, checked, None, "changes.jsonl")
    assert verdict.startswith("verified as of 2026-11-20T03:00:00+00:00, not ready for cut-over")
    assert unlisted.startswith("what was written to orders since then is not listed")
    found = ChangesListed(
        since=at, until=at, changes=1, written=1, deleted=0, expired=0, listed_at=at
    )
    assert unlisted not in list(follow_up(plan, checked, found, "changes.jsonl"))
    frozen = plan_of(tmp_path, "side-by-side", "resource-policy")
    (ready,) = follow_up(frozen, checked, None, "changes.jsonl")
    assert ready == f"ready for cut-over: {'; then '.join(cut_over(frozen))}"


def test_a_run_that_was_rolled_back_names_the_table_that_it_created(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "side-by-side", "none")
    assert not list(left_behind(plan, [record("create", "begun")]))
    (left,) = left_behind(plan, [record("create", "intent")])
    assert left == (
        "orders-v2, which the run created, holds what was loaded so far and is fenced: "
        "delete it before another run"
    )
