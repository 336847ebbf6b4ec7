"""What a failing row test tells: what differs, and the expression that made it."""

from pathlib import Path

import pytest

from retable.runner.lint.spec_findings import load
from retable.runner.spec.row_tests import row_runner

SPEC = """\
spec: 1
name: people
source: {table: people, export: {kind: native, location: export/}}
target: {table: people-2, key: {partition: {name: mail, type: S}}}
transform:
  fields:
    mail: lower(email)
    double: {from: "multiply(age, `2`)", required: true}
    born: {from: year, type: N}
tests:
  - {name: row, given: {ITEM}, expect_some: {mail: a@b, double: 4, born: 1}}
"""


@pytest.mark.parametrize(
    ("item", "lines"),
    [
        ('email: A@B, age: 2, year: "1"', ()),
        (
            'email: A@B, age: 3, year: "2"',
            (
                'double: expected {"N":"4"}, got {"N":"6"}',
                "  produced by multiply(age, `2`) in line 8",
                'born: expected {"N":"1"}, got {"N":"2"}',
                "  produced by year in line 9",
            ),
        ),
        (
            "email: 7, age: 2",
            (
                (
                    "expected an item, got rejected: missing-key "
                    "(field 'mail': lower() takes string as subject, not number)"
                ),
                "  produced by lower(email) in line 7",
            ),
        ),
        (
            "email: A@B, age: x",
            (
                (
                    "expected an item, got rejected: expression-error "
                    "(field 'double': multiply() takes number as left, not string)"
                ),
                "  produced by multiply(age, `2`) in line 8",
            ),
        ),
        (
            "email: A@B, age: 2, year: x",
            (
                (
                    "expected an item, got rejected: wrong-field-type "
                    "(attribute 'born': a value of type S cannot be converted to type N)"
                ),
                "  produced by year in line 9",
            ),
        ),
    ],
)
def test_a_row_that_fails_names_the_expression(
    tmp_path: Path, item: str, lines: tuple[str, ...]
) -> None:
    path = tmp_path / "a.migrate.yaml"
    path.write_text(SPEC.replace("ITEM", item))
    spec = load(path).spec
    assert spec is not None
    assert row_runner(spec)(spec.tests[0]).details == lines
