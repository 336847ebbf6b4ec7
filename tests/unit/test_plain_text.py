"""The text a person gets of a report; ``test_report_formats`` pins all of it.

The folders of ``tests/cases/report`` are the reports.
"""

import io
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from retable.runner.report.json import read_report
from retable.runner.report.model import Report
from retable.runner.report.plain_text import render_text
from support.checkout import ROOT
from support.reports import reports

CASES = sorted(path.parent for path in (ROOT / "tests/cases/report").glob("*/report.json"))


def text_of(report: Report) -> str:
    stream = io.StringIO()
    render_text(report, stream)
    return stream.getvalue()


def case(name: str) -> Report:
    return read_report(ROOT / "tests/cases/report" / name / "report.json")


def test_the_cases_show_every_verdict_of_every_command() -> None:
    shown = {(report.command, report.verdict) for report in map(case, (c.name for c in CASES))}
    assert {verdict for _, verdict in shown} == {"passed", "failed", "incomplete"}
    assert {command for command, _ in shown} == {"run", "dry-run", "verify"}


def test_nothing_in_a_report_can_steer_the_terminal() -> None:
    text = text_of(case("hostile-data"))
    assert {char for char in text if unicodedata.category(char)[0] == "C"} == {"\n"}
    assert "[bold]markup[/bold]" in text


@given(reports)
def test_every_report_can_be_told_and_none_steers_the_terminal(report: Report) -> None:
    text = text_of(report)
    text.encode("utf-8")
    assert {char for char in text if unicodedata.category(char)[0] == "C"} <= {"\n"}


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_the_verdict_comes_first(folder: Path) -> None:
    report = read_report(folder / "report.json")
    first = text_of(report).splitlines()[0]
    assert first.startswith(f"{report.verdict.upper()} {report.command}  ")


def test_a_narrow_log_does_not_cut_a_line() -> None:
    report = replace(case("failed-verify"), failure="word " * 100 + "end")
    stream = io.StringIO()
    render_text(report, stream, {"COLUMNS": "20"})
    assert "  " + "word " * 100 + "end\n" in stream.getvalue()


def test_the_sql_of_every_check_that_did_not_pass_can_be_run_again() -> None:
    report = case("failed-verify")
    text = text_of(report)
    assert text.count("duckdb -c") == sum(check.outcome != "passed" for check in report.checks)


def test_sql_is_one_word_to_a_shell() -> None:
    text = text_of(case("failed-verify"))
    assert """duckdb -c "select * from read_parquet('.migrate/""" in text
    assert """duckdb -c 'select count(*)\n    from target\n    where "total" < 0'""" in text


def test_a_passed_report_shows_no_sql_and_no_differences() -> None:
    text = text_of(case("passed-run"))
    assert "duckdb" not in text
    assert "diff.jsonl" not in text


def test_only_the_first_differences_are_shown_and_the_rest_is_counted() -> None:
    report = case("failed-verify")
    many = replace(report, first_differences=report.first_differences * 10)
    text = text_of(many)
    assert text.count("2026-01-02#") == 10
    assert "… 27 more in .migrate/7f3a-c21e/diff.jsonl" in text
