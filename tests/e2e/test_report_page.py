"""The HTML report in a real Chromium: what it asks for, how it looks, how it is read aloud."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from support.browser import chromium_path, running_chromium
from support.checkout import ROOT

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
CASES = sorted(path.parent for path in (ROOT / "tests/cases/report").glob("*/report.html"))
CONTRAST = """() => {
  const luminance = (colour) => {
    const part = (value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number);
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  };
  const behind = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!/, 0\\)$/.test(colour) && colour !== "transparent") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const poor = [];
  const texts = "p, td, th, dd, dt, a, h1, h2, h3, li, text, summary";
  for (const element of document.querySelectorAll(texts)) {
    if (!element.textContent.trim()) continue;
    const style = getComputedStyle(element);
    const ink = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const [low, high] = [luminance(ink), luminance(behind(element))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) poor.push(`${element.outerHTML.slice(0, 60)} ${ratio}`);
  }
  return poor;
}"""
"""WCAG's own reckoning of contrast; 4.5 to 1 is asked of text (level AA)."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium(chromium_path()) as found:
        yield found


class Seen:
    """A page, and what it asked for and complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


@contextmanager
def opened(
    browser: Browser, folder: Path, scheme: Scheme = "light", width: int = 1000
) -> Iterator[Seen]:
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True
    )
    seen = Seen(context.new_page())
    seen.page.goto((folder / "report.html").as_uri())
    yield seen
    context.close()


def case(name: str) -> Path:
    return next(folder for folder in CASES if folder.name == name)


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_page_asks_for_nothing_and_complains_of_nothing(browser: Browser, folder: Path) -> None:
    with opened(browser, folder) as seen:
        assert seen.requests == [(folder / "report.html").as_uri()]
        assert seen.complaints == []
        assert seen.page.locator("h1").count() == 1


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["failed-run", "hostile-data", "dry-run-of-a-sample"])
def test_a_page_can_be_read_in_both_themes(
    browser: Browser, name: str, scheme: Scheme, tmp_path: Path
) -> None:
    with opened(browser, case(name), scheme) as seen:
        assert seen.page.evaluate(CONTRAST) == []
        picture = seen.page.screenshot(full_page=True)
    # Kept where CI wants them; a person is to look at them.
    folder = Path(os.environ.get("RETABLE_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}-{scheme}.png").write_bytes(picture)


def test_the_themes_differ(browser: Browser) -> None:
    papers = set()
    for scheme in SCHEMES:
        with opened(browser, case("failed-run"), scheme) as seen:
            papers.add(
                seen.page.evaluate("getComputedStyle(document.querySelector('header')).background")
            )
    assert len(papers) == 2


@pytest.mark.parametrize("width", [375, 1000])
@pytest.mark.parametrize("name", ["failed-run", "hostile-data"])
def test_nothing_is_wider_than_the_window(browser: Browser, name: str, width: int) -> None:
    with opened(browser, case(name), width=width) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_screen_reader_finds_headings_images_and_tables(browser: Browser) -> None:
    with opened(browser, case("failed-run")) as seen:
        page = seen.page
        assert page.get_by_role("heading", level=1, name="Failed").count() == 1
        images = page.get_by_role("img")
        assert images.count() == 7
        assert all((images.nth(place).get_attribute("aria-label") or "") for place in range(7))
        assert page.get_by_role("main").count() == 1
        assert page.get_by_role("navigation", name="Contents").count() == 1
        assert page.locator("table:not(:has(th[scope=col]))").count() == 0
        assert page.get_by_role("columnheader", name="attribute").count() > 0


def test_the_keyboard_reaches_contents_tables_and_figures(browser: Browser) -> None:
    with opened(browser, case("failed-run")) as seen:
        page = seen.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
        figures = page.locator("details").first
        figures.locator("summary").focus()
        page.keyboard.press("Enter")
        assert figures.get_attribute("open") is not None
        assert figures.get_by_role("table").is_visible()


def test_print_opens_the_tables_and_leaves_the_contents_out(browser: Browser) -> None:
    with opened(browser, case("failed-run"), "dark") as seen:
        page = seen.page
        page.emulate_media(media="print")
        assert page.locator("details table").first.is_visible()
        assert not page.get_by_role("navigation", name="Contents").is_visible()
        assert (
            page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        )
