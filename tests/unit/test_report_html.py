"""HTML: one page, nothing fetched, nothing run, no data taken for markup."""

import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given, settings

from retable.runner.report.charts import charts
from retable.runner.report.html import render_html
from retable.runner.report.item_figures import AttributeChange, DifferenceRow
from retable.runner.report.json import read_report
from retable.runner.report.model import Report
from support.checkout import ROOT
from support.reports import reports

VOID = {"meta", "link", "br", "rect", "line", "polygon", "polyline"}
"""Elements that have no end, of HTML and of our images."""


class Page(HTMLParser):
    """The elements of a page, with their attributes, and whether all of them were closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def case(name: str) -> Report:
    return read_report(ROOT / "tests/cases/report" / name / "report.json")


def page(report: Report) -> Page:
    return Page(render_html(report).decode())


def require_harmless(found: Page) -> None:
    assert found.open == []
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "img", "iframe", "object", "form", "base", "image", "use"}
    places = {f"#{attributes['id']}" for _, attributes in found.elements if "id" in attributes}
    for tag, attributes in found.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert "src" not in attributes
        if "href" in attributes:
            assert attributes["href"] in places | {"data:,"}, tag


@settings(max_examples=30)
@given(reports)
def test_no_report_brings_an_element_or_an_address_of_its_own(report: Report) -> None:
    require_harmless(page(report))


def test_hostile_data_is_shown_as_text() -> None:
    report = case("hostile-data")
    require_harmless(page(report))
    text = render_html(report).decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert {char for char in text if ord(char) < 32} == {"\n"}
    assert "49" not in re.findall(r"&amp;lt;b&amp;gt; (\S+)", text)


def test_the_page_forbids_itself_everything_but_its_style() -> None:
    policies = [
        attributes["content"]
        for tag, attributes in page(case("passed-run")).elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies[0] is not None
    assert policies[0].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "script-src" not in policies[0]


def test_the_verdict_comes_first_and_names_the_page() -> None:
    for name, word in (("failed-run", "Failed"), ("passed-run", "Passed")):
        text = render_html(case(name)).decode()
        body = re.sub("<[^>]+>", " ", text.partition("<body>")[2])
        assert body.split()[:12].index(word) >= 0
        assert f"<title>{word.upper()}: " in text


def test_every_chart_is_named_and_has_its_figures_as_a_table() -> None:
    report = case("failed-run")
    found = page(report)
    images = [attributes for tag, attributes in found.elements if tag == "svg"]
    assert len(images) == len(charts(report)) == 7
    assert all(image["role"] == "img" and image["aria-label"] for image in images)
    assert all(chart.table.rows for chart in charts(report).values())


def test_i6_values_are_shown_only_if_they_were_requested() -> None:
    report = case("failed-run")
    assert "1998" in render_html(report).decode()
    row = report.first_differences[0]
    hidden = tuple(replace(change, expected=None, actual=None) for change in row.changes)
    bare = replace(report, first_differences=(replace(row, changes=hidden),))
    text = render_html(bare).decode()
    assert "1998" not in text
    assert "Of the items' values, only those of keys are shown." in text


def test_a_value_of_400_kb_is_cut() -> None:
    value = {"S": "x" * 400_000}
    change = AttributeChange(name="a", expected_type="S", actual_type="S", expected=value)
    row = DifferenceRow(kind="different", key={"id": value}, changes=(change,))
    report = replace(case("failed-run"), first_differences=(row,) * 10)
    assert len(render_html(report)) < 200_000


def test_a_sample_says_estimated_at_every_chart() -> None:
    report = case("dry-run-of-a-sample")
    text = render_html(report).decode()
    # How long the steps took is no figure of the sample.
    assert text.count('<b class="estimated">estimated') == len(charts(report)) - 1
