"""Tools that some tests need and pip does not bring: without them skipped, but failed in CI."""

import os
from typing import NoReturn

import pytest


def missing(tool: str, how: str) -> NoReturn:
    """Skip the test that needs ``tool``, or fail it in CI; ``how`` says how it is had."""
    stop = pytest.fail if os.environ.get("CI") else pytest.skip
    stop(f"there is no {tool}: {how}")
