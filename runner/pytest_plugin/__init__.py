"""The pytest plugin: collects migration specs as ``lint``, ``test[name]`` and what is asked for.

Every test suite in the environment loads this module and most have no spec, so it imports nothing
of the program until it meets one, patches nothing and takes no other file.
"""

from pathlib import Path

import pytest

FILES = "*.migrate.yaml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the items need to know."""
    group = parser.getgroup("migrate", "migration specs")
    group.addoption(
        "--migrate-dry-run",
        action="store_true",
        help="add an item a spec that maps every item of its finished export",
    )
    group.addoption(
        "--migrate-verify",
        action="store_true",
        help="add an item a spec that compares the rebuilt table with its export",
    )
    group.addoption(
        "--migrate-run-dir",
        type=Path,
        default=Path(".migrate"),
        help="where the run folders of those items lie (default: .migrate)",
    )
    allow = "run the Python functions that migration specs bring along (a spec from a stranger too)"
    parser.addini("migrate_allow_functions", allow, type="bool", default=False)
    files = f"patterns of files that are migration specs (default: {FILES})"
    parser.addini("migrate_files", files, type="args", default=[FILES])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a migration spec."""
    if not any(map(file_path.match, parent.config.getini("migrate_files"))):
        return None
    from retable.runner.pytest_plugin.spec_items import SpecFile  # noqa: PLC0415 -- suites without specs pay nothing

    file: pytest.Collector = SpecFile.from_parent(parent, path=file_path)
    return file
