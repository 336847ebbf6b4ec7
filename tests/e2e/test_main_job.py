"""The main job, through the installed command, on the examples."""

from pathlib import Path

import pytest

from support.command import SPECS, migrate

LEAVE = {
    "orders.migrate.yaml": ["--allow-delete", "orders"],
    "damaged-orders.migrate.yaml": ["--allow-delete", "orders"],
    "order-tiers.migrate.yaml": ["--allow-functions"],
}
EXAMPLES = sorted(path.name for path in SPECS.glob("*.migrate.yaml"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_rebuilds_its_table_on_the_sandbox(name: str, tmp_path: Path) -> None:
    """I3, I4: every item is accounted for, and both sides of the table are proved."""
    leave = LEAVE.get(name, [])
    ended = migrate("run", SPECS / name, "--sandbox", "--yes", *leave, cwd=tmp_path)
    assert ended.code == 0, ended.err
    report = ended.report
    counts = report["counts"]
    assert report["verdict"] == "passed"
    assert report["differences"] == {"missing": 0, "extra": 0, "different": 0}
    assert counts["read"] == counts["kept"] + counts["dropped"] + counts["rejected"]
    assert counts["results"] == counts["loaded"] + counts["superseded"] + counts["quarantined"]
    assert counts["loaded"] > 0
    assert (counts["results"] > counts["kept"]) == (name == "order-lines.migrate.yaml")
    assert "PASSED" in ended.out


def test_functions_of_a_spec_s_own_run_only_with_consent(tmp_path: Path) -> None:
    spec = SPECS / "order-tiers.migrate.yaml"
    for command in (["run", "--yes"], ["run", "--dry-run"]):
        refused = migrate(command[0], spec, "--sandbox", command[1], cwd=tmp_path)
        assert refused.code == 2
        assert "order_tiers.py contains Python that is not allowed to run" in refused.err
    planned = migrate("plan", spec, "--sandbox", cwd=tmp_path)
    assert planned.code == 0
    assert "    calls tier(total) of order_tiers.py" in planned.out
    assert "order_tiers.py has not been run" in planned.out


def test_a_dry_run_writes_to_no_table_and_counts_every_item(tmp_path: Path) -> None:
    """I5: only the run folder is written."""
    ended = migrate("run", SPECS / "orders.migrate.yaml", "--sandbox", "--dry-run", cwd=tmp_path)
    assert ended.code == 0, ended.err
    steps = [step["kind"] for step in ended.report["steps"]]
    assert steps == ["UseExport", "CheckExport", "DryRun"]
    assert ended.report["counts"]["read"] > 0


def test_a_plan_shows_the_code_that_items_go_through(tmp_path: Path) -> None:
    planned = migrate(
        "plan", SPECS / "orders.migrate.yaml", "--sandbox", "--show-code", cwd=tmp_path
    )
    assert planned.code == 0, planned.err
    assert "        # field 'customer_id': customer.id" in planned.out.splitlines()
    assert "return new(Kept, " in planned.out


def test_a_plan_shows_the_steps_that_a_run_carries_out(tmp_path: Path) -> None:
    spec = SPECS / "orders.migrate.yaml"
    planned = migrate("plan", spec, "--sandbox", cwd=tmp_path)
    assert planned.code == 0, planned.err
    ran = migrate("run", spec, "--sandbox", "--yes", "--allow-delete", "orders", cwd=tmp_path)
    for step in ran.report["steps"]:
        # Two sandboxes make two exports, each with an id of its own.
        title = step["title"].partition("export 0")[0]
        assert title in planned.out
    assert "partition key   order_id S  ->  customer_id S" in planned.out
