"""The journal is what resuming rests on: a torn end is forgiven, damage elsewhere is not."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retable.runner.failure import CheckFailed, Refused, Stale, Stopped
from retable.runner.plan.source_steps import BackedUp, BackUp
from retable.runner.plan.step import Link
from retable.runner.plan.target_steps import ItemsLoaded, LoadItems
from retable.runner.runs.journal import (
    RUN,
    Journal,
    Record,
    encode_record,
    open_journal,
    read_journal,
)

LOAD = LoadItems(id="load", create=Link("create"), dry_run=Link("dry-run"), rate=None)
LOADED = ItemsLoaded(loaded=3, superseded=0, quarantined=1)
BACK_UP = BackUp(id="backup", table="orders", table_id="t")
BACKED_UP = BackedUp(arn="arn:backup", name="retable-1")


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        del seconds


@pytest.fixture
def begin(tmp_path: Path) -> Callable[[], Journal]:
    return lambda: open_journal(tmp_path / "journal.jsonl", "print", StillClock())


def test_i2_evidence_is_there_only_for_steps_recorded_as_done(
    begin: Callable[[], Journal],
) -> None:
    with begin() as journal:
        journal.record(LOAD.id, "begun")
        assert journal.evidence(LOAD) is None
        journal.finish(LOAD, LOADED)
    with begin() as journal:
        assert journal.evidence(LOAD) == LOADED


def test_i2_a_journal_torn_at_any_byte_of_its_last_line_resumes_without_it(
    tmp_path: Path, begin: Callable[[], Journal]
) -> None:
    path = tmp_path / "journal.jsonl"
    with begin() as journal:
        journal.finish(BACK_UP, BACKED_UP)
        journal.finish(LOAD, LOADED)
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for length in range(last, len(whole)):
        path.write_bytes(whole[:length])
        with begin() as journal:
            assert journal.evidence(BACK_UP) == BACKED_UP
            assert journal.evidence(LOAD) is None
            journal.finish(LOAD, LOADED)
        assert [record.step for record in read_journal(path)] == ["run", "backup", "load"]


def test_damage_before_the_last_line_stops_the_run(
    tmp_path: Path, begin: Callable[[], Journal]
) -> None:
    path = tmp_path / "journal.jsonl"
    with begin() as journal:
        journal.record("freeze", "done", {"n": 1})
        journal.record("delete", "done")
    path.write_bytes(path.read_bytes().replace(b'"n":1}', b'"n":2}'))
    with pytest.raises(CheckFailed, match="damaged in line 2 of 3"):
        begin()


def test_a_missing_line_in_the_middle_stops_the_run(
    tmp_path: Path, begin: Callable[[], Journal]
) -> None:
    path = tmp_path / "journal.jsonl"
    with begin() as journal:
        journal.record("freeze", "done")
        journal.record("delete", "done")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(CheckFailed, match="damaged"):
        read_journal(path)


def test_a_journal_of_another_plan_is_refused(tmp_path: Path, begin: Callable[[], Journal]) -> None:
    begin().__exit__(None, None, None)
    with pytest.raises(Stale, match="another fingerprint"):
        open_journal(tmp_path / "journal.jsonl", "other", StillClock())


@pytest.mark.parametrize("facts", [{}, {"format_version": 1}])
def test_a_journal_of_an_earlier_version_is_refused_with_the_version_that_can_finish_it(
    tmp_path: Path, facts: dict[str, int]
) -> None:
    path = tmp_path / "journal.jsonl"
    data = {"fingerprint": "print", **facts}
    opened = Record(number=1, at="2026-11-23", step=RUN, event="opened", data=data)
    path.write_bytes(encode_record(opened))
    with pytest.raises(Refused) as refused:
        open_journal(path, "print", StillClock())
    assert refused.value.message == (
        f"{path} has format 1, expected 2: only migrate 0.1 can finish what it belongs to"
    )


def test_a_disk_that_is_full_stops_the_run_before_the_record_counts() -> None:
    with Journal(Path("/dev/full"), [], StillClock()) as journal:
        with pytest.raises(Stopped, match="cannot be written: No space left"):
            journal.finish(LOAD, LOADED)
        assert journal.evidence(LOAD) is None


def test_the_evidence_of_another_kind_of_step_is_not_recorded(begin: Callable[[], Journal]) -> None:
    with (
        begin() as journal,
        pytest.raises(TypeError, match="BackedUp is not the evidence of LoadItems"),
    ):
        journal.finish(LOAD, BACKED_UP)


def test_a_record_with_other_facts_than_its_step_writes_is_damage(
    begin: Callable[[], Journal],
) -> None:
    with begin() as journal:
        journal.finish(BACK_UP, BACKED_UP)
        journal.record(LOAD.id, "done", {"loaded": "three"})
        journal.record(LOAD.id, "noted", {})
        with pytest.raises(CheckFailed, match="a record of the journal is not a valid ItemsLoaded"):
            journal.evidence(LOAD)
        with pytest.raises(CheckFailed, match="a record of the journal is not a valid ItemsLoaded"):
            journal.noted(LOAD, "noted", ItemsLoaded)
        assert journal.evidence(BACK_UP) == BACKED_UP
