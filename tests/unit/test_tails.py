"""No long tails: functions and files stay short enough to be read in one go."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.checkout import LAYERS, ROOT, python_files

MAX_FUNCTION_LINES = 60
P95_FUNCTION_LINES = 30
MAX_FILE_LINES = 450
P95_FILE_LINES = 300
GROUPS = (LAYERS, ("tests", "benchmarks"))


@pytest.mark.parametrize("folders", GROUPS, ids="+".join)
def test_no_function_is_longer_than_sixty_lines(folders: tuple[str, ...]) -> None:
    long = [name for name, lines in _functions(folders) if lines > MAX_FUNCTION_LINES]
    assert long == []


@pytest.mark.parametrize("folders", GROUPS, ids="+".join)
def test_nineteen_in_twenty_functions_have_at_most_thirty_lines(folders: tuple[str, ...]) -> None:
    lengths = dict(_functions(folders))
    longest = sorted(lengths, key=lengths.__getitem__)[-20:]
    assert _p95(list(lengths.values())) <= P95_FUNCTION_LINES, longest


@pytest.mark.parametrize("folders", GROUPS, ids="+".join)
def test_no_file_is_longer_than_four_hundred_and_fifty_lines(folders: tuple[str, ...]) -> None:
    long = [name for name, lines in _files(folders) if lines > MAX_FILE_LINES]
    assert long == []


@pytest.mark.parametrize("folders", GROUPS, ids="+".join)
def test_nineteen_in_twenty_files_have_at_most_three_hundred_lines(
    folders: tuple[str, ...],
) -> None:
    assert _p95([lines for _, lines in _files(folders)]) <= P95_FILE_LINES


def test_the_measure_sees_a_long_function(tmp_path: Path) -> None:
    source = tmp_path / "long.py"
    source.write_text("def f():\n" + "    x = 1\n" * 60)
    ((name, lines),) = _functions_of(source, "long.py")
    assert name == "long.py:1 f"
    assert lines == MAX_FUNCTION_LINES + 1


def _functions(folders: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    for path in python_files(*folders):
        yield from _functions_of(path, str(path.relative_to(ROOT)))


def _functions_of(path: Path, shown: str) -> Iterator[tuple[str, int]]:
    """Yield the place and the length of each function, docstring and signature included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{shown}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def _files(folders: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    for path in python_files(*folders):
        lines = path.read_text(encoding="utf-8").count("\n")
        yield str(path.relative_to(ROOT)), lines


def _p95(lengths: list[int]) -> int:
    """Return the length that at most one in twenty exceeds."""
    ordered = sorted(lengths)
    return ordered[-(-len(ordered) * 95 // 100) - 1]
