"""The journal is what resuming rests on: a torn end is forgiven, damage elsewhere is not."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retable.runner.failure import CheckFailed, Stale, Stopped
from retable.runner.runs.journal import Journal, open_journal, read_journal


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
        journal.record("load", "begun")
        assert journal.evidence("load") is None
        journal.record("load", "done", {"loaded": 3})
    with begin() as journal:
        assert journal.evidence("load") == {"loaded": 3}


def test_i2_a_journal_torn_at_any_byte_of_its_last_line_resumes_without_it(
    tmp_path: Path, begin: Callable[[], Journal]
) -> None:
    path = tmp_path / "journal.jsonl"
    with begin() as journal:
        journal.record("freeze", "done", {"seen_at": "t"})
        journal.record("delete", "done")
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for length in range(last, len(whole)):
        path.write_bytes(whole[:length])
        with begin() as journal:
            assert journal.evidence("freeze") is not None
            assert journal.evidence("delete") is None
            journal.record("delete", "done", {"again": True})
        assert [record.step for record in read_journal(path)] == ["run", "freeze", "delete"]


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


def test_a_disk_that_is_full_stops_the_run_before_the_record_counts() -> None:
    with Journal(Path("/dev/full"), [], StillClock()) as journal:
        with pytest.raises(Stopped, match="cannot be written: No space left"):
            journal.record("load", "done")
        assert journal.evidence("load") is None
