"""Run folders: a name from the command line leads nowhere else."""

import os
from pathlib import Path

import pytest

from retable.runner.failure import Refused
from retable.runner.runs.folder import new_folder, open_folder, runs_of


def test_a_run_folder_has_its_parts(tmp_path: Path) -> None:
    folder = new_folder(tmp_path / ".migrate", "7f3a-c21e")
    assert folder.run_id == "7f3a-c21e"
    assert folder.quarantine.is_dir()
    assert folder.ledger.is_dir()


@pytest.mark.parametrize("run_id", ["../../etc", "7f3a-c21e/..", "", ".", "7F3A-C21E", "absent"])
def test_i5_a_run_id_cannot_lead_out_of_the_run_dir(tmp_path: Path, run_id: str) -> None:
    (tmp_path / "plan.json").write_text("{}")
    (tmp_path / "runs").mkdir()
    with pytest.raises(Refused, match="there is no run"):
        open_folder(tmp_path / "runs", run_id)


def test_a_run_dir_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be created"):
        new_folder(tmp_path / "file", "7f3a-c21e")


def test_runs_are_listed_newest_first_and_by_spec(tmp_path: Path) -> None:
    for order, (run_id, name) in enumerate([("0001-0001", "a"), ("0002-0002", "b")]):
        folder = new_folder(tmp_path, run_id)
        folder.plan.write_text(f'{{"spec_name": "{name}"}}')
        os.utime(folder.plan, (order, order))
    (tmp_path / "0003-0003").mkdir()
    (tmp_path / "0003-0003" / "plan.json").write_text("not json")
    assert [folder.run_id for folder in runs_of(tmp_path)][1:] == ["0002-0002", "0001-0001"]
    assert [folder.run_id for folder in runs_of(tmp_path, "a")] == ["0001-0001"]
