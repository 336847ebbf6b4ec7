"""The outline of a spec names what the spec itself does."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retable.schema import load_spec
from retable.schema.document import MAX_VALUES
from retable.schema.outline import MAX_ROWS, Outline, outline
from retable.schema.tags import is_tag
from retable.schema.validate import SCHEMA_FILE
from support.checkout import ROOT

SPECS = sorted((*(ROOT / "specs").glob("*.yaml"), *(ROOT / "tests/cases/valid").glob("*/*.yaml")))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_outline_of_a_valid_spec_names_what_the_spec_does(path: Path) -> None:
    spec = load_spec(path)
    found = outline(path.read_text("utf-8-sig"))
    assert (found.name, found.tags) == (spec.name, spec.tags)
    assert [(row.name, row.span) for row in found.rows] == [
        (row.name, row.span) for row in spec.tests
    ]


def test_what_is_no_name_is_left_out() -> None:
    found = outline(
        "name: 7\ntags: [1, 'a b', skip, x, x]\n? [a]\n: b\ntests:\n"
        "- [1, {}]\n- {name: no}\n- {name: a}\n- {name: a}\n"
        "- {name: b, cases: [{}, {name: c}, {name: []}]}\n"
    )
    assert (found.name, found.tags) == (None, ("x",))
    assert [row.name for row in found.rows] == ["a", "b[1]", "b[c]"]


def test_what_is_no_yaml_has_no_names() -> None:
    assert outline("name: a\ntags: *nothing\n") == Outline()


@given(st.text())
def test_any_text_has_an_outline(text: str) -> None:
    assert isinstance(outline(text), Outline)


def test_a_bomb_of_aliases_has_no_more_rows_than_a_spec_has_values() -> None:
    cases = ", ".join("{}" for _ in range(1000))
    tests = ", ".join(f"{{name: t{number}, cases: *c}}" for number in range(200))
    assert len(outline(f"x: &c [{cases}]\ntests: [{tests}]").rows) == MAX_ROWS == MAX_VALUES


def test_a_tag_is_what_the_json_schema_takes_for_one() -> None:
    pattern = json.loads(SCHEMA_FILE.read_bytes())["properties"]["tags"]["items"]["pattern"]
    assert pattern == "^[A-Za-z_][A-Za-z0-9_.-]{0,63}$"
    assert is_tag("a" * 64)
    assert not is_tag("a" * 65)
    assert not is_tag("a\n")
    assert not is_tag("skip")
