"""The pytest plugin: collects ``*.migrate.yaml`` as ``lint`` and ``test[name]`` items.

Every test suite in the environment loads this module and most have no spec, so it imports nothing
of the program until it meets one, patches nothing and takes no other file.
"""

from pathlib import Path

import pytest

SUFFIX = ".migrate.yaml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini option that lets row tests run the functions of a spec's own Python file."""
    what = "run the Python functions that migration specs bring along (a spec from a stranger too)"
    parser.addini("migrate_allow_functions", what, type="bool", default=False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a migration spec."""
    if not file_path.name.endswith(SUFFIX):
        return None
    from retable.runner.spec_items import SpecFile  # noqa: PLC0415 -- suites without specs pay nothing

    file: pytest.Collector = SpecFile.from_parent(parent, path=file_path)
    return file
