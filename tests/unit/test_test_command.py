"""``migrate test``: the row tests of specs, only what failed, exit codes that mean something."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retable.runner.cli.test import test as command
from retable.runner.failure import Refused
from support.small_specs import (
    BROKEN,
    MAILED,
    bad_expression_spec,
    small_spec,
    with_functions_spec,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, env={"FORCE_COLOR": None, "COLUMNS": "20"})


def test_rows_that_pass_are_only_counted(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(small_spec("a"))
    (folder / "b.migrate.yaml").write_text(small_spec("b"))
    result = run()
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "4 row tests in 2 specs, 4 passed\n"


def test_verbose_names_every_row(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(small_spec())
    assert run("-v").stdout.splitlines() == [
        "PASSED a.migrate.yaml::test[lowers the mail]",
        "PASSED a.migrate.yaml::test[drops children]",
    ]


def test_a_row_that_fails_shows_its_line_and_only_what_differs(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(small_spec(mail="c@d"))
    result = run()
    assert result.exit_code == 1
    head, place, *details = result.stdout.splitlines()
    assert head == "FAILED a.migrate.yaml::test[lowers the mail]"
    assert place == "  a.migrate.yaml:12"
    assert any("mail" in line and "c@d" in line and "a@b" in line for line in details)
    assert "age" not in result.stdout
    assert result.stderr == "2 row tests in 1 spec, 1 passed, 1 failed\n"


def test_k_selects_by_file_and_by_name_in_any_case(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(small_spec("a", mail="c@d"))
    (folder / "b.migrate.yaml").write_text(small_spec("b"))
    assert run("-k", "CHILDREN").exit_code == 0
    assert run("-k", "b.migrate").stderr == "2 row tests in 2 specs, 2 passed\n"
    assert run("-k", "lowers").exit_code == 1


def test_k_that_matches_nothing_exits_2(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(small_spec())
    result = run("-k", "nothing")
    assert result.exit_code == 2
    assert "no row test has 'nothing'" in result.stderr


@pytest.mark.parametrize("text", [BROKEN, bad_expression_spec()], ids=["yaml", "expression"])
def test_a_spec_with_errors_fails_and_hides_no_other(folder: Path, text: str) -> None:
    (folder / "a.migrate.yaml").write_text(text)
    (folder / "b.migrate.yaml").write_text(small_spec("b", mail="c@d"))
    result = run()
    assert result.exit_code == 1
    assert result.stdout.startswith("FAILED a.migrate.yaml::lint\nerror[MIG")
    assert "FAILED b.migrate.yaml::test[lowers the mail]" in result.stdout
    assert result.stderr == "2 row tests in 2 specs, 1 passed, 1 failed, 1 spec with errors\n"


def test_custom_functions_are_not_run_and_the_rows_are_not_green(folder: Path) -> None:
    (folder / "functions.py").write_text(MAILED + "raise SystemExit('imported')\n")
    (folder / "a.migrate.yaml").write_text(with_functions_spec())
    result = run()
    assert result.exit_code == 1
    assert "COULD NOT BE EVALUATED a.migrate.yaml::test[lowers the mail]" in result.stdout
    assert "transform.functions" in result.stdout
    assert result.stderr == "2 row tests in 1 spec, 0 passed, 2 could not be evaluated\n"


def test_custom_functions_run_with_consent(folder: Path) -> None:
    (folder / "functions.py").write_text(MAILED)
    (folder / "a.migrate.yaml").write_text(with_functions_spec())
    assert run("--allow-functions").exit_code == 0


def test_a_spec_without_row_tests_passes_and_says_so(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(small_spec().partition("tests:")[0])
    result = run()
    assert result.exit_code == 0
    assert result.stderr == "0 row tests in 1 spec, 0 passed\n"


def test_a_name_cannot_steer_the_terminal(folder: Path) -> None:
    text = small_spec(mail="c@d").replace("name: lowers the mail", r'name: "\e[31m\u202ered"')
    (folder / "a.migrate.yaml").write_text(text)
    result = run()
    assert r"\x1b[31m\u202ered" in result.stdout
    assert not {"\x1b", "\u202e"}.intersection(result.stdout)


def test_a_missing_path_is_refused(folder: Path) -> None:
    del folder
    assert isinstance(run("nowhere").exception, Refused)
