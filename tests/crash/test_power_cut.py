"""I2: what a power cut leaves, which unlike SIGKILL takes what no fsync had forced to disk."""

import os
from pathlib import Path

import pytest

from retable.runner.clock import SystemClock
from retable.runner.runs.journal import open_journal


def test_i2_a_record_is_forced_to_disk_before_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_disk: list[int] = []
    fsync = os.fsync

    def noted(file: int) -> None:
        fsync(file)
        on_disk.append(os.fstat(file).st_size)

    monkeypatch.setattr(os, "fsync", noted)
    path = tmp_path / "journal.jsonl"
    with open_journal(path, "mark", SystemClock()) as journal:
        for number in range(3):
            journal.record("load", "file-done", {"number": number})
            assert on_disk[-1] == path.stat().st_size
