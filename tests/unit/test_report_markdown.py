"""Markdown: within GitHub's limits, every cut announced, data inert, no item named."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from retable.runner.report.item_figures import RejectGroup
from retable.runner.report.json import read_report
from retable.runner.report.markdown import (
    COMMENT_BYTES,
    STEP_SUMMARY_BYTES,
    code,
    prose,
    render_markdown,
)
from retable.runner.report.model import Check, Report
from support.checkout import ROOT
from support.reports import reports


def case(name: str) -> Report:
    return read_report(ROOT / "tests/cases/report" / name / "report.json")


def many_rejects(count: int) -> Report:
    groups = tuple(
        RejectGroup(reason="missing-key", detail=f"attribute {number}", items=1, examples=("a:1",))
        for number in range(count)
    )
    return replace(case("failed-run"), rejects=groups, rejects_by_reason={"missing-key": count})


def test_the_limits_are_below_those_of_github() -> None:
    assert COMMENT_BYTES < 64 * 1024
    assert STEP_SUMMARY_BYTES < 1024 * 1024


@settings(max_examples=30)
@given(reports, st.integers(3_000, 60_000))
def test_every_report_fits_any_budget_and_is_whole_utf8(report: Report, budget: int) -> None:
    text = render_markdown(report, budget)
    assert len(text) <= budget
    text.decode("utf-8")


@pytest.mark.parametrize("budget", [COMMENT_BYTES, STEP_SUMMARY_BYTES])
def test_what_is_cut_is_announced(budget: int) -> None:
    text = render_markdown(many_rejects(100_000), budget).decode()
    assert len(text.encode()) <= budget
    (shown,) = re.findall(r"<sub>(\d+) of 100,000 shown", text)
    assert text.count("`attribute ") == int(shown)


def test_a_small_report_is_not_cut() -> None:
    text = render_markdown(case("passed-run")).decode()
    assert "shown" not in text
    assert "cut" not in text


def test_many_checks_and_notes_are_counted_where_they_are_cut() -> None:
    check = Check(name="x" * 90, outcome="failed", expected=0, actual=1, sql="select 1;" * 900)
    report = replace(case("failed-run"), checks=(check,) * 5_000, notes=("n" * 500,) * 5_000)
    text = render_markdown(report).decode()
    assert len(text.encode()) <= COMMENT_BYTES
    assert "of 5,000 shown" in text
    assert "of 5,000 checks shown" in text
    assert "of 5,000 notes shown" in text


def test_i6_neither_a_key_nor_a_value_is_shown() -> None:
    report = replace(case("failed-run"), notes=())
    text = render_markdown(report).decode()
    for value in ("c-10442", "2026-01-02", "1998"):
        assert value not in text


class Shown(HTMLParser):
    """What a reader of Markdown makes of it: the elements, and the text that is no code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.prose = ""
        self._in_code = 0
        self.feed(MarkdownIt("commonmark").enable("table").render(text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.elements.add(tag)
        self._in_code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag == "code"

    def handle_data(self, data: str) -> None:
        self.prose += "" if self._in_code else data


OURS = {"h3", "p", "sub", "strong", "blockquote", "details", "summary", "pre", "code", "ul", "li"}
TABLE = {"table", "thead", "tbody", "tr", "th", "td"}


def test_hostile_data_is_inert() -> None:
    text = render_markdown(case("hostile-data")).decode()
    shown = Shown(text)
    assert shown.elements <= OURS | TABLE
    assert not re.search(r"@octocat|#1\b|https?://|www\.evil", shown.prose)
    assert {char for char in text if ord(char) < 32} == {"\n"}


@settings(max_examples=30)
@given(reports)
def test_no_report_brings_an_element_of_its_own(report: Report) -> None:
    assert Shown(render_markdown(report).decode()).elements <= OURS | TABLE


def test_every_row_of_a_table_has_the_cells_of_its_head() -> None:
    text = render_markdown(case("hostile-data")).decode()
    for table in re.findall(r"(?:^\|.*\|\n?)+", text, flags=re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(cells) == 1, table


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_code_span_holds_no_run_of_backticks_like_its_fence(text: str) -> None:
    span = code(text)
    fence = re.match("`+", span)
    assert fence
    runs = re.findall("`+", span)
    assert runs.count(fence.group()) == 2
    assert "\n" not in span


@given(st.text())
def test_prose_holds_no_markup(text: str) -> None:
    shown = prose(text)
    assert not re.search(r"(?<!\\)[*_`\[\]|~]", shown)
    assert "<" not in shown
