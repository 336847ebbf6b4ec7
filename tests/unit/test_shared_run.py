"""Holding a run that is kept in S3: who writes a record first has the run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from retable.runner.failure import Stopped
from retable.runner.runs.folder import RunFolder
from retable.runner.runs.journal import open_journal, read_journal
from retable.runner.runs.shared_run import SharedRun
from retable.runner.runs.stored_runs import StoredRuns
from retable.runner.steps.execute import roll_back
from support.command import SPECS
from support.sandboxes import ManualClock
from support.states import ELSEWHERE, RUN_ID, StateBed, run_folder, state_bed
from support.worlds import running


@pytest.fixture(scope="module")
def bed() -> Iterator[StateBed]:
    with state_bed() as bed:
        yield bed


def shared_run(bed: StateBed, runs: StoredRuns, folder: RunFolder, lock: str) -> SharedRun:
    """Hold a run by a lock of that name."""
    held = bed.lock(ManualClock(), runs.address.key("locks", lock))
    held.acquire("orders", RUN_ID, ELSEWHERE, break_stale=False, note=lambda _: None)
    return SharedRun(runs, held, folder)


def test_a_runner_whose_run_was_taken_over_cannot_write_another_record(
    bed: StateBed, tmp_path: Path
) -> None:
    """Even one whose heartbeat has not yet told it: here each has a lock of its own."""
    runs, here = bed.runs(), run_folder(tmp_path / "a")
    runs.publish(RUN_ID, "plan.json", here.plan.read_bytes())
    first = shared_run(bed, runs, here, "first")
    with open_journal(here.journal, "print", ManualClock(), first.shelf) as journal:
        journal.record("freeze", "done")
        there = RunFolder(tmp_path / "b" / RUN_ID)
        runs.fetch(there)
        second = shared_run(bed, runs, there, "second")
        with open_journal(there.journal, "print", ManualClock(), second.shelf) as others:
            others.record("delete", "intent")
            with pytest.raises(Stopped, match="another runner has taken over run 7f3a-c21e"):
                journal.record("delete", "intent")
            assert journal.records("delete", "intent") == []
            others.record("delete", "done")
        with pytest.raises(Stopped, match="another runner has taken over"):
            first.require()
    here.report.write_bytes(b"first")
    first.keep_report()
    assert "runs/7f3a-c21e/report.json" not in bed.keys(runs)
    third = RunFolder(tmp_path / "c" / RUN_ID)
    runs.fetch(third)
    told = [f"{record.step}/{record.event}" for record in read_journal(third.journal)]
    assert told == [
        "run/held",
        "run/opened",
        "freeze/done",
        "run/held",
        "delete/intent",
        "delete/done",
    ]


def test_a_record_that_s3_does_not_take_does_not_count(bed: StateBed, tmp_path: Path) -> None:
    runs, here = bed.runs(), run_folder(tmp_path / "a")
    held = shared_run(bed, runs, here, "only")
    with open_journal(here.journal, "print", ManualClock(), held.shelf) as journal:
        assert runs.put_record(RUN_ID, 3, b"another's\n")
        with pytest.raises(Stopped):
            journal.record("delete", "intent")
    assert [record.event for record in read_journal(here.journal)] == ["held", "opened"]


def test_no_step_takes_effect_once_the_run_is_anothers(tmp_path: Path) -> None:
    def lost() -> None:
        message = "this runner has lost its lock"
        raise Stopped(message)

    with running(SPECS / "orders.migrate.yaml", tmp_path) as run:
        run.until("freeze")
        run.world.require_lock = lost
        with pytest.raises(Stopped, match="has lost its lock"):
            run.finish()
        assert run.world.journal.records("freeze", "intent") == []
        settings = run.aws.tables.settings("orders")
        assert settings is not None
        assert settings.policy is None
        run.world.require_lock = lambda: None
        run.until("delete")
        assert run.aws.tables.settings("orders") != settings
        run.world.require_lock = lost
        with pytest.raises(Stopped, match="has lost its lock"):
            roll_back(run.world)
        assert run.world.journal.records("run", "ended") == []
