"""JUnit XML: well-formed whatever the data, each check with its file and line, no item named."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from hypothesis import given
from junitparser import JUnitXml

from retable.runner.report.json import read_report
from retable.runner.report.junit import render_junit
from retable.runner.report.model import Check, Report
from support.checkout import ROOT
from support.reports import reports


def case(name: str) -> Report:
    return read_report(ROOT / "tests/cases/report" / name / "report.json")


def parsed(report: Report) -> ET.Element:
    return ET.fromstring(render_junit(report))  # noqa: S314 -- what we just wrote


@given(reports)
def test_every_report_is_well_formed_and_adds_up(report: Report) -> None:
    root = parsed(report)
    cases = list(root.iter("testcase"))
    assert len(cases) == len(report.checks) + len(report.steps) == int(root.get("tests", ""))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(name, "")) == len(list(root.iter(tag)))


def test_another_reader_of_junit_finds_the_same() -> None:
    report = case("failed-run")
    xml = JUnitXml.fromstring(render_junit(report))
    assert (xml.tests, xml.failures, xml.errors, xml.skipped) == (11, 3, 1, 1)


def test_a_query_is_shown_at_its_line_of_the_spec() -> None:
    found = {
        element.get("name"): (element.get("file"), element.get("line"))
        for element in parsed(case("failed-run")).iter("testcase")
    }
    assert found["no negative totals"] == ("specs/orders.migrate.yaml", "53")


def test_i6_no_item_is_named() -> None:
    text = render_junit(case("failed-run")).decode()
    assert "c-10442" not in text.replace("partition customer_id c-10442", "")
    assert "2026-01-02#7" not in text


def test_a_text_of_400_kb_is_cut() -> None:
    check = Check(name="x" * 400_000, outcome="failed", expected="y" * 400_000, sql="z" * 400_000)
    assert len(render_junit(replace(case("failed-run"), checks=(check,)))) < 40_000
