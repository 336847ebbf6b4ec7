"""README says what is there: its commands, its spec, its lists and the tests it points at."""

import re
from pathlib import Path

import pytest

from retable.runner.cli import COMMANDS
from retable.schema import load_spec
from retable.schema.reasons import Reason
from retable.transforms.functions.table import FUNCTIONS
from support.checkout import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
STANDARD_JMESPATH = 26  # functions the specification of JMESPath names


def test_the_shortened_spec_is_a_spec(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "orders.migrate.yaml"
    path.write_text(text, encoding="utf-8")
    spec = load_spec(path)
    assert spec.target.table == "orders"
    assert len(spec.tests) == text.count("- name: ") - 2  # an index and a query have names too


@pytest.mark.parametrize("name", ["main", "test"])
def test_each_command_is_one_line_that_needs_nothing_but_python(name: str) -> None:
    (block,) = re.findall(rf"<!-- \.ci/run: {name} -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert block.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert block.count("\n") == 1


def test_every_subcommand_is_listed() -> None:
    assert set(re.findall(r"`migrate ([a-z-]+)", README)) == set(COMMANDS)


def test_every_reason_is_listed() -> None:
    assert _listed("reasons") == [reason.value for reason in Reason]


def test_every_function_beyond_jmespath_is_listed_as_it_is_defined() -> None:
    further = [function for function in FUNCTIONS.values() if not function.standard]
    assert len(FUNCTIONS) - len(further) == STANDARD_JMESPATH
    assert _listed("functions") == [function.name for function in further]
    for function in further:
        assert f"| `{function.usage}` | {function.summary} |" in README


def test_every_file_a_promise_names_is_there() -> None:
    rows = [line.split("|") for line in README.splitlines() if re.match(r"\| I\d ", line)]
    assert [row[1].strip() for row in rows] == [f"I{number}" for number in range(1, 10)]
    for row in rows:
        for path in re.findall(r"`((?:runner|transforms|schema)/[\w/.]+)`", row[3]):
            assert (ROOT / path).exists(), path
        assert _tests(row[4]), row[1]


def test_every_test_a_promise_names_is_there_and_names_the_promise() -> None:
    rows = [line.split("|") for line in README.splitlines() if re.match(r"\| I\d ", line)]
    for row in rows:
        for path, name in _tests(row[4]):
            text = (ROOT / "tests" / path).read_text(encoding="utf-8")
            assert f"def {name}(" in text, f"{path} has no {name}"
            assert re.search(rf"\b(?:test_)?{row[1].strip()}(?:\b|_)", text, re.IGNORECASE), path


def _tests(cell: str) -> list[tuple[str, str]]:
    return re.findall(r"`([\w/]+\.py)::(test_\w+)`", cell)


def _listed(mark: str) -> list[str]:
    """Return the names in code quotes that open the rows of the table after ``mark``."""
    (table,) = re.findall(rf"<!-- {mark} -->\n\n(.*?)\n\n", README, re.DOTALL)
    return re.findall(r"^\| `([\w-]+)", table, re.MULTILINE)
