"""Row tests that keep their items in files: read as they are, refused with a reason."""

from pathlib import Path

import pytest

from retable.runner.lint.spec_findings import check, load
from retable.runner.spec.row_tests import row_runner
from support.small_specs import small_spec

TESTS = (
    small_spec().partition("tests:")[0]
    + """\
tests:
  - name: lowers the mail
    given_file: rows/given.json
    expect_some: {mail: a@b}
  - name: some
    given: {age: 30}
    cases:
      - {given_file: rows/given.json, expect_file: rows/after.json}
      - {name: child, given: {age: 3}, expect: dropped}
"""
)
GIVEN = b'{"Item": {"email": {"S": "A@B"}, "age": {"N": "18"}}}'
AFTER = b'{"email": {"S": "A@B"}, "age": {"N": "30.0"}, "mail": {"S": "a@b"}}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "given.json").write_bytes(GIVEN)
    (tmp_path / "rows" / "after.json").write_bytes(AFTER)
    path = tmp_path / "a.migrate.yaml"
    path.write_text(TESTS)
    return path


def test_items_from_files_pass_through_the_mapping(path: Path) -> None:
    loaded = check(load(path))
    assert loaded.problems == ()
    assert loaded.spec is not None
    run = row_runner(loaded.spec)
    results = [run(row) for row in loaded.spec.tests]
    assert [(result.name, result.line, result.outcome) for result in results] == [
        ("lowers the mail", 12, "passed"),
        ("some[1]", 18, "passed"),
        ("some[child]", 19, "passed"),
    ]


def test_what_is_expected_in_a_file_is_compared(path: Path) -> None:
    (path.parent / "rows" / "after.json").write_bytes(AFTER.replace(b"a@b", b"c@d"))
    loaded = load(path)
    assert loaded.spec is not None
    result = row_runner(loaded.spec)(loaded.spec.tests[1])
    assert result.details == (
        'mail: expected {"S":"c@d"}, got {"S":"a@b"}',
        "  produced by lower(email) in line 10",
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff", "is not UTF-8 text"),
        (b"[1]", "is not an item in DynamoDB JSON, such as"),
        (b'{"a": 1}', "is not a DynamoDB item: attribute 'a': not an object of exactly one"),
        (b'{"a": {"N": "x"}}', "is not a DynamoDB item: attribute 'a': "),
        (b" " * 4_000_001, "has more than 4,000,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_finding_where_it_is_named(
    path: Path, content: bytes | None, words: str
) -> None:
    file = path.parent / "rows" / "after.json"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    (problem,) = load(path).problems
    assert problem.code == "MIG326"
    assert problem.message.startswith("rows/after.json ")
    assert words in problem.message
    assert (problem.span.line, problem.span.column) == (18, 52)


def test_a_link_out_of_the_folder_is_refused(
    path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.json"
    outside.write_bytes(GIVEN)
    file = path.parent / "rows" / "after.json"
    file.unlink()
    file.symlink_to(outside)
    (problem,) = load(path).problems
    assert problem.message == "rows/after.json leads outside the spec's folder"


def test_the_item_itself_may_have_an_attribute_item(path: Path) -> None:
    (path.parent / "rows" / "given.json").write_bytes(
        b'{"Item": {"S": "x"}, "email": {"S": "A@B"}, "age": {"N": "18"}}'
    )
    assert "MIG326" not in {problem.code for problem in load(path).problems}
