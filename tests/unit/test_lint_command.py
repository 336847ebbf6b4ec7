"""``migrate lint``: findings on stdout, the summary on stderr, exit codes that mean something."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retable.runner.cli.lint import lint
from retable.runner.failure import Refused
from support.small_specs import BROKEN, bad_expression_spec, misspelt_spec, small_spec

MIGRATE = Path(sys.executable).with_name("migrate")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(lint, arguments, env={"FORCE_COLOR": None, "COLUMNS": "20"})


def test_specs_without_findings_print_nothing_but_the_summary(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(small_spec("a"))
    (folder / "b.migrate.yaml").write_text(small_spec("b"))
    result = run()
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "2 files, 0 errors, 0 warnings\n"


def test_a_finding_is_shown_with_its_line_and_fails(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(misspelt_spec())
    result = run()
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("error[MIG")
    assert lines[1] == " --> a.migrate.yaml:8:1"
    assert lines[3:5] == ["8 | transfrom:", "  | ^^^^^^^^^"]
    assert result.stderr == "1 file, 1 error, 0 warnings\n"


def test_a_finding_inside_an_expression_is_found_without_an_item(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(bad_expression_spec())
    result = run("--format", "concise")
    assert result.exit_code == 1
    (line,) = result.stdout.splitlines()
    assert line.startswith("a.migrate.yaml:10:")
    assert "lowre" in line


def test_a_broken_spec_hides_no_other_finding(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(BROKEN)
    (folder / "b.migrate.yaml").write_text(misspelt_spec())
    (folder / "c.migrate.yaml").write_text(bad_expression_spec())
    result = run("--format", "concise")
    found = {line.split(":")[0] for line in result.stdout.splitlines()}
    assert found == {"a.migrate.yaml", "b.migrate.yaml", "c.migrate.yaml"}
    assert result.stderr.startswith("3 files, ")


def test_two_specs_with_one_name_are_a_finding_in_the_second(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(small_spec("twin"))
    (folder / "b.migrate.yaml").write_text(small_spec("twin"))
    result = run("--format", "concise")
    assert result.exit_code == 1
    (line,) = result.stdout.splitlines()
    assert line.startswith(
        "b.migrate.yaml:2:7: error MIG501 duplicate-spec-name: "
        "a.migrate.yaml already has a spec called 'twin'"
    )


def test_json_holds_every_finding_and_nothing_else(folder: Path) -> None:
    (folder / "a.migrate.yaml").write_text(misspelt_spec())
    result = run("--format", "json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert list(document) == ["format_version", "files", "errors", "warnings", "problems"]
    assert (document["format_version"], document["errors"], document["warnings"]) == (1, 1, 0)
    (problem,) = document["problems"]
    assert (problem["file"], problem["line"], problem["column"]) == ("a.migrate.yaml", 8, 1)
    assert (problem["end_line"], problem["end_column"]) == (8, 10)


def test_warnings_fail_only_on_request(folder: Path) -> None:
    text = small_spec().replace("target:\n", "target:\n  settings: keep\n")
    text = text.replace("  where:", "  drop: [nowhere, mail]\n  where:")
    (folder / "a.migrate.yaml").write_text(text)
    document = json.loads(run("--format", "json").stdout)
    assert document["errors"] == 0
    assert document["warnings"] > 0
    assert run().exit_code == 0
    assert run("--fail-on", "warning").exit_code == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "MIG"),
        (b"- a list\n", "MIG"),
        (b"\xff\xfe\x00", "MIG"),
        (b"a: &a [*a]\n", "MIG"),
        (b"name: \x1b[31m\n", "MIG"),
    ],
)
def test_a_file_that_is_no_spec_is_a_finding_and_no_traceback(
    folder: Path, content: bytes, words: str
) -> None:
    (folder / "a.migrate.yaml").write_bytes(content)
    result = run()
    assert result.exit_code == 1
    assert words in result.stdout
    assert "\x1b" not in result.stdout
    assert isinstance(result.exception, SystemExit)


def test_a_missing_path_is_refused(folder: Path) -> None:
    del folder
    assert isinstance(run("nowhere").exception, Refused)


def test_no_spec_at_all_is_refused(folder: Path) -> None:
    del folder
    assert isinstance(run().exception, Refused)


@pytest.mark.parametrize("arguments", [["--format", "xml"], ["--no-such"]])
def test_wrong_usage_exits_2(folder: Path, arguments: list[str]) -> None:
    del folder
    assert run(*arguments).exit_code == 2


def test_the_installed_command_exits_2_for_a_missing_path(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 -- our own command
        [MIGRATE, "lint", "nowhere"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: there is no file or folder nowhere\n")


def test_lint_imports_nothing_that_reaches_the_world_and_is_quick(tmp_path: Path) -> None:
    (tmp_path / "a.migrate.yaml").write_text(small_spec())
    program = (
        "import sys\n"
        "from retable.runner.cli.lint import lint\n"
        "lint(['.'], standalone_mode=False)\n"
        "print(*sorted(m for m in sys.modules if '.' not in m))\n"
    )
    started = time.monotonic()
    done = subprocess.run(  # noqa: S603 -- our own program in our own interpreter
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    took = time.monotonic() - started
    heavy = {"httptools", "asyncio", "boto3", "botocore", "cattrs", "duckdb", "moto", "pyarrow"}
    assert heavy.isdisjoint(done.stdout.split())
    # About half a second on a slow core; the room is for a machine that does other things as well.
    assert took < 10
