"""Findings for other programs: golden, and read by what those programs read them with.

``UPDATE_CASES=1`` writes the golden files again, to be read in review.
"""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from junitparser import JUnitXml
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from retable.runner.cli.lint import lint
from retable.runner.lint.formats import github, markdown
from retable.runner.lint.result import LintResult
from retable.runner.lint.spec_findings import LoadedSpec
from retable.schema.problem import Problem, Span
from support.checkout import ROOT
from support.small_specs import bad_expression_spec, small_spec

GOLDEN = Path(__file__).parents[1] / "cases" / "lint"
SCHEMA = json.loads((ROOT / "schema" / "lint.schema.json").read_bytes())
ENDINGS = {"github": "txt", "gitlab": "json", "sarif": "json", "json": "json", "junit": "xml"}
TWICE = small_spec("twice").replace("drops children", "lowers the mail").replace("[]", "[a, a]")
RISKY = small_spec("risky").replace("fields:", "max_rejects: 5%\n  fields:")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    specs = {"a": bad_expression_spec("a"), "b": small_spec("b"), "c": TWICE, "d, 100%": RISKY}
    for name, text in specs.items():
        (tmp_path / f"{name}.migrate.yaml").write_text(text)
    return tmp_path


def run(*arguments: str, **environ: str) -> Result:
    clean = {"FORCE_COLOR": None, "GITHUB_ACTIONS": None}
    return CliRunner().invoke(lint, arguments, env={**clean, **environ})


@pytest.mark.parametrize("form", ["full", "concise", "markdown", *ENDINGS])
def test_every_format_shows_every_finding(folder: Path, form: str) -> None:
    del folder
    result = run("--format", form)
    assert result.exit_code == 1
    golden = GOLDEN / f"{form}.{ENDINGS.get(form, 'md' if form == 'markdown' else 'txt')}"
    if os.environ.get("UPDATE_CASES"):
        golden.write_text(result.stdout, encoding="utf-8")
    assert result.stdout == golden.read_text(encoding="utf-8")


def test_json_follows_the_published_schema(folder: Path) -> None:
    del folder
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(run("--format", "json").stdout))


def test_sarif_follows_its_schema(folder: Path) -> None:
    del folder
    document = Sarif.model_validate_json(run("--format", "sarif").stdout)
    (one,) = document.runs
    assert one.results is not None
    assert len(one.results) == 4


def test_junit_counts_errors_as_failures_and_warnings_on_request(folder: Path) -> None:
    for arguments, failures in (((), 3), (("--fail-on", "warning"), 4)):
        path = folder / "out.xml"
        path.write_text(run("--format", "junit", *arguments).stdout)
        suites = list(JUnitXml.fromfile(str(path)))
        assert sum(suite.tests or 0 for suite in suites) == 5
        assert sum(suite.failures or 0 for suite in suites) == failures


def test_actions_get_annotations_a_summary_and_outputs_by_default(folder: Path) -> None:
    files = {name: str(folder / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    result = run(GITHUB_ACTIONS="true", **files)
    assert result.stdout.count("\n::error ") == 3
    assert result.stdout.count("\n::warning ") == 1
    assert "file=d%2C 100%25.migrate.yaml" in result.stdout
    assert (folder / "GITHUB_OUTPUT").read_text() == "errors=3\nwarnings=1\n"
    summary = (folder / "GITHUB_STEP_SUMMARY").read_text()
    assert summary.startswith("### migrate lint: 4 files, 3 errors, 1 warning\n")


def problems(count: int, message: str = "wrong") -> LintResult:
    found = tuple(
        Problem(
            file="a.migrate.yaml",
            span=Span(line, 1, line, 2),
            code="MIG201",
            name="unknown-key",
            message=message,
            severity="warning" if line < count else "error",
        )
        for line in range(1, count + 1)
    )
    return LintResult([LoadedSpec(file="a.migrate.yaml", spec=None, problems=found, text="")])


def test_ten_annotations_are_written_errors_first_and_the_rest_is_counted() -> None:
    lines = github.render(problems(1204)).splitlines()
    annotations = [line for line in lines if line.startswith("::")]
    assert len(annotations) == 11
    assert annotations[0].startswith("::error file=a.migrate.yaml,line=1204,")
    assert annotations[-1] == (
        "::notice title=migrate lint::10 of 1,204 findings are shown here; all are in the log"
    )


def test_a_summary_says_how_much_of_it_was_cut() -> None:
    text = markdown.render(problems(1204, "x" * 1000))
    assert text.endswith("\n200 of 1,204 findings; all are in the log.\n")
    assert len(text.encode()) < 64 * 1024


@pytest.mark.parametrize("hostile", ["a\n::error::b", "</td><script>", "@everyone", "| [x](y) `"])
def test_text_from_a_spec_steers_neither_the_log_nor_the_page(hostile: str) -> None:
    annotations = github.render(problems(1, hostile)).splitlines()
    assert len([line for line in annotations if line.startswith("::")]) == 1
    (row,) = (line for line in markdown.render(problems(1, hostile)).splitlines() if "MIG" in line)
    assert not {"<", "@", "[", "`x"}.intersection(row.rpartition(" | ")[2])
    assert row.count("|") == 5
