"""Comments that ask the linter to be silent: which lines they speak of, and what is no comment."""

from pathlib import Path

import pytest

from retable.runner.lint.spec_findings import check, load
from retable.schema.comments import comments
from retable.schema.problem import Span

SPEC = """\
spec: 1
name: people
source: {table: people, export: {kind: native, location: export/}}
target:
  table: people-by-mail
  key: {partition: {name: mail, type: S}}
transform:
  fields: {mail: mail}
  max_rejects: 5%
tests:
  - {name: keeps the mail, given: {mail: a@b}, expect_some: {mail: a@b}}
"""
REJECTS = "  max_rejects: 5%\n"


def codes(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "a.migrate.yaml"
    path.write_text(text, encoding="utf-8")
    return [problem.code for problem in check(load(path)).problems]


def test_a_warning_is_heard_of_unless_it_is_ignored(tmp_path: Path) -> None:
    assert codes(tmp_path, SPEC) == ["MIG330"]


@pytest.mark.parametrize(
    "lines",
    [
        "  max_rejects: 5%  # migrate: ignore MIG330 -- most of it is tests\n",
        "  max_rejects: 5% #migrate:ignore mig330 -- most of it is tests\n",
        "  # migrate: ignore MIG330 -- most of it is tests\n  max_rejects: 5%\n",
        "  # migrate: ignore MIG330 -- it is so\n\n  # since May\n  max_rejects: 5%\n",
    ],
)
def test_a_comment_speaks_of_its_line_or_of_the_next(tmp_path: Path, lines: str) -> None:
    assert codes(tmp_path, SPEC.replace(REJECTS, lines)) == []


def test_a_comment_on_another_line_is_in_vain(tmp_path: Path) -> None:
    text = SPEC.replace("transform:\n", "transform: # migrate: ignore MIG330 -- so\n")
    assert codes(tmp_path, text) == ["MIG601", "MIG330"]


def test_of_several_codes_each_must_be_needed(tmp_path: Path) -> None:
    lines = "  max_rejects: 5%  # migrate: ignore MIG330, MIG331 -- most of it is tests\n"
    assert codes(tmp_path, SPEC.replace(REJECTS, lines)) == ["MIG601"]


def test_a_comment_without_a_reason_ignores_nothing(tmp_path: Path) -> None:
    lines = "  max_rejects: 5%  # migrate: ignore MIG330 --\n"
    assert codes(tmp_path, SPEC.replace(REJECTS, lines)) == ["MIG330", "MIG602"]


def test_an_error_cannot_be_ignored(tmp_path: Path) -> None:
    text = SPEC.replace("fields: {mail", "fiels: {mail").replace(
        "transform:\n", "transform:\n  # migrate: ignore MIG201 -- why\n"
    )
    assert "MIG201" in codes(tmp_path, text)
    assert "MIG603" in codes(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "a: 'x # migrate: ignore MIG330 -- why'\n",
        "a: |\n  x\n  # migrate: ignore MIG330 -- why\n",
        "a: x#migrate: ignore MIG330 -- why\n",
        "# migrate: ignore MIG330 -- why\na: 'x\n",
    ],
)
def test_what_is_no_comment_or_in_no_yaml_asks_nothing(text: str) -> None:
    assert comments(text) == ()


def test_a_comment_behind_a_block_of_text_is_found() -> None:
    (found,) = comments("a: |\n  x\n# migrate: ignore MIG330 -- why\nb: 1\n")
    assert (found.text, found.span, found.line) == (
        "ignore MIG330 -- why",
        Span(3, 1, 3, 32),
        4,
    )


@pytest.mark.parametrize(
    "comment",
    [
        "# migrate: a" + " " * 900_000 + "b",
        "# migrate: ignore " + " " * 900_000 + "!",
        "# migrate: ignore " + "MIG330 " * 100_000 + "--",
        "#" * 900_000,
    ],
)
def test_a_hostile_comment_is_read_in_time(tmp_path: Path, comment: str) -> None:
    """Each took hours, were it read with going back and forth."""
    assert "MIG330" in codes(tmp_path, f"{SPEC}{comment}\n")


def test_blanks_around_a_comment_are_no_part_of_it() -> None:
    (found,) = comments("a: 1 #  migrate:   ignore MIG330 -- why \t \n")
    assert (found.text, found.span) == ("ignore MIG330 -- why", Span(1, 6, 1, 40))
