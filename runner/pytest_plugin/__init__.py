"""The pytest plugin: collects migration specs as ``lint``, ``test[name]`` and items on request.

Every test suite in the environment loads this module and most have no spec, so it imports nothing
of the program until it finds one, patches nothing and collects no other file.
"""

from pathlib import Path

import pytest

FILES = "*.migrate.yaml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the items."""
    group = parser.getgroup("migrate", "migration specs")
    group.addoption(
        "--migrate-dry-run",
        action="store_true",
        help="per spec, add a test that maps every item of its finished export",
    )
    group.addoption(
        "--migrate-verify",
        action="store_true",
        help="per spec, add a test that compares the rebuilt table with its export",
    )
    group.addoption(
        "--migrate-run-dir",
        type=Path,
        default=Path(".migrate"),
        help="folder for the run folders of those tests (default: .migrate)",
    )
    allow = "run the Python functions that migration specs contain (untrusted specs too)"
    parser.addini("migrate_allow_functions", allow, type="bool", default=False)
    files = f"glob patterns of migration spec files (default: {FILES})"
    parser.addini("migrate_files", files, type="args", default=[FILES])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a migration spec."""
    if not any(map(file_path.match, parent.config.getini("migrate_files"))):
        return None
    from retable.runner.pytest_plugin.spec_items import SpecFile  # noqa: PLC0415 -- suites without specs pay nothing

    file: pytest.Collector = SpecFile.from_parent(parent, path=file_path)
    return file
