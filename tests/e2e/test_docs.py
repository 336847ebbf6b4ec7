"""The pages: they build without a warning, and every example on them runs.

A ``console`` block is carried out in the page's own folder; ``...`` stands for anything. A ``yaml``
or ``json`` block is a file where its first line says so; other ``yaml`` is a part of a spec, which
the linter must accept. What is neither is marked ``yml``.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from retable.runner.lint.spec_findings import check, load
from retable.schema.rule_examples import RuleExample
from support.checkout import ROOT
from support.command import migrate

DOCS = ROOT / "docs"
MADE = {DOCS / "rules.md", DOCS / "functions.md"}
PAGES = sorted(
    path
    for path in DOCS.rglob("*.md")
    if path not in MADE and path.parent.name not in {"reference", "sample"}
)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?:#|//) file: (\S+)\n")
_COMMAND = re.compile(r"\$ migrate (.*?)(?:  # exit (\d+))?")


def blocks(path: Path) -> list[tuple[str, str]]:
    return _BLOCK.findall(path.read_text("utf-8"))


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 -- our own pages
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(DOCS), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "tutorial.html").is_file()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_part_of_a_spec_is_one(path: Path, tmp_path: Path) -> None:
    for language, text in blocks(path):
        if language == "yaml" and not _FILE.match(text):
            spec = tmp_path / "a.migrate.yaml"
            spec.write_text(RuleExample(why="").spec(text), "utf-8")
            errors = [one for one in check(load(spec)).problems if one.severity == "error"]
            assert [str(error) for error in errors] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_command_does_what_the_page_says(path: Path, tmp_path: Path) -> None:
    for language, text in blocks(path):
        if language in {"yaml", "json"} and (named := _FILE.match(text)):
            file = tmp_path / named[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text[named.end() :], "utf-8")
        if language == "console":
            for command, code, shown in commands(text):
                ended = migrate(*shlex.split(command), cwd=tmp_path, env={"GITHUB_ACTIONS": ""})
                assert ended.code == code, (command, ended.out, ended.err)
                assert not shown or matches(shown, ended.out.splitlines()), (command, ended.out)


def commands(text: str) -> Iterator[tuple[str, int, list[str]]]:
    """Yield each command of a block, the code it exits with, and the lines it shows."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        found = _COMMAND.fullmatch(lines[start])
        assert found is not None, lines[start]
        yield found[1], int(found[2] or 0), lines[start + 1 : end]


def matches(shown: list[str], found: list[str]) -> bool:
    """Say whether what was found is what is shown, ``...`` standing for anything."""
    pattern = "\n".join(r"(?:.|\n)*" if line == "..." else one_line(line) for line in shown)
    return re.fullmatch(pattern, "\n".join(found).rstrip()) is not None


def one_line(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("..."))


def test_what_is_shown_must_be_what_is_found() -> None:
    assert matches(["a", "...", "d"], ["a", "b", "c", "d"])
    assert matches(["Plan ... for x"], ["Plan 1a for x"])
    assert not matches(["a"], ["a", "b"])
    assert not matches(["a", "...", "e"], ["a", "d"])


def test_every_page_is_looked_at() -> None:
    assert len(PAGES) >= 11
    told = [
        command
        for path in PAGES
        for kind, text in blocks(path)
        if kind == "console"
        for command in commands(text)
    ]
    assert len(told) >= 7
