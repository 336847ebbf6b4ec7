"""The plugin in a project that has nothing to do with specs: everything is as it is without it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.patience import PATIENCE_SECONDS
from support.small_specs import small_spec

FILES = {
    "pytest.ini": "[pytest]\nminversion = 8.0\nmarkers =\n    slow: takes long\n",
    "specs/openapi.yaml": "openapi: 3.1.0\npaths: {/orders: {get: {responses: {}}}}\n",
    "specs/migrate.yaml": "a: [\n",
    "specs/values.migrate.yml": "{{ not yaml }}\n",
    "specs/test_specs.py": "def test_openapi():\n    assert __file__\n",
    "tests/test_python.py": """
import sys

import pytest


def test_nothing_is_imported():
    ours = {name for name in sys.modules if name.startswith("retable.")}
    assert ours <= {"retable.runner", "retable.runner.pytest_plugin"}
    assert not {"yaml", "boto3", "duckdb", "rich", "click"} & set(sys.modules)


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3])
def test_numbers(number):
    assert number < 3
""",
}
WAYS = (
    (),
    ("-v", "--strict-markers", "--strict-config", "-W", "error"),
    ("--collect-only", "-q"),
    ("-k", "numbers and not 2"),
    ("-m", "slow", "-rA"),
    ("--lf",),
    ("-x", "--junitxml=out.xml"),
    ("-n", "2", "-q"),
    ("--markers",),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def run(project: Path, *arguments: str) -> tuple[int, str]:
    """Return how an ordinary pytest in a process of its own ends there, and what it says."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    # Plugins of our own development import what a project elsewhere need not have.
    plugins = ("-p", "no:hypothesispytest")
    done = subprocess.run(  # noqa: S603 -- pytest itself
        [sys.executable, "-m", "pytest", *plugins, *arguments],
        cwd=project,
        env={**own, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    # Which of two workers ran a test is chance, and which of them was first.
    said = re.sub(
        r"in [0-9.]+s|^plugins: .*$|(?<=\[gw)[0-9]+",
        "",
        done.stdout + done.stderr,
        flags=re.MULTILINE,
    )
    said = re.sub(r"^[.F]+(?= )", lambda dots: "".join(sorted(dots[0])), said, flags=re.MULTILINE)
    return done.returncode, "\n".join(sorted(said.splitlines()))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: " ".join(way) or "plain")
def test_a_suite_that_has_no_spec_says_what_it_says_without_the_plugin(
    project: Path, way: tuple[str, ...]
) -> None:
    run(project)  # something has failed last
    assert run(project, *way) == run(project, "-p", "no:retable", *way)


def test_a_suite_with_one_spec_has_its_items_beside_its_own(project: Path) -> None:
    (project / "specs" / "people.migrate.yaml").write_text(small_spec(tags="[people]"), "utf-8")
    code, said = run(project, "-q", "--collect-only")
    assert code == 0
    assert "specs/people.migrate.yaml::test[lowers the mail]" in said
    assert "8 tests collected" in said
    code, said = run(project, "-n", "2", "-m", "people", "--strict-markers", "-W", "error")
    assert code == 0
    assert "3 passed" in said
