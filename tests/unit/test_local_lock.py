"""Two runners at once: the second stops and names the first."""

from pathlib import Path

import pytest

from retable.runner.failure import Refused, Stopped
from retable.runner.runs.local_lock import locked


def test_a_second_runner_stops_and_names_the_first(tmp_path: Path) -> None:
    with (
        locked(tmp_path, "orders", "7f3a-c21e"),
        pytest.raises(Stopped, match="orders is being rebuilt by run 7f3a-c21e"),
        locked(tmp_path, "orders", "0000-0000"),
    ):
        pass


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path, "orders", "7f3a-c21e"):
            pass


def test_tables_do_not_lock_one_another(tmp_path: Path) -> None:
    with locked(tmp_path, "orders", "7f3a-c21e"), locked(tmp_path, "users", "0000-0000"):
        pass


def test_a_run_dir_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be written"), locked(tmp_path / "file", "t", "r"):
        pass
