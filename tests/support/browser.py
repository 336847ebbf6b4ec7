"""A real Chromium for tests of what people see. It is not installed here; ``.ci/run`` does."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from support.required import missing

NONE = "none"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium_path() -> str:
    """Return the browser, from RETABLE_CHROMIUM, playwright's own or the PATH.

    Where there is none, the test that asks is skipped, or fails in CI.
    """
    named = os.environ.get("RETABLE_CHROMIUM")
    if named == NONE:
        pytest.skip("RETABLE_CHROMIUM says that there can be no Chromium here")
    if named:
        return named
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or missing("Chromium", ".ci/run installs it, RETABLE_CHROMIUM names another")


@contextmanager
def running_chromium(path: str) -> Iterator[Browser]:
    """Yield a browser that is closed at the end."""
    # As root, which containers run as, Chromium refuses to start with its sandbox.
    root = hasattr(os, "getuid") and os.getuid() == 0
    arguments = ["--no-sandbox"] if root else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
