"""The quick check of a spec passes nothing that the library refuses, and every valid spec."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from retable.schema.conforms import conforms
from retable.schema.document import read_document
from retable.schema.validate import SCHEMA_FILE
from support.checkout import ROOT

SCHEMA = json.loads(SCHEMA_FILE.read_bytes())
LIBRARY = Draft202012Validator(SCHEMA)
SPECS = sorted((*(ROOT / "specs").glob("*.yaml"), *(ROOT / "tests/cases/valid").glob("*/*.yaml")))
TEXTS = [path.read_text("utf-8") for path in SPECS]
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 10**6, Decimal("0.5"), Decimal("1.0"), "", "all", "keep"),
    *("native", "api", b"x", {"a"}, [], [1, 1], ["a", "a"], ["a"], {}, {"a": 1}, {"with": "cdk"}),
    *({"S": "x"}, {"percent": Decimal(101)}, {"latest": "a", "first": "b"}, "x" * 2000),
]


def passes(value: Any) -> bool:
    """Say whether the library finds nothing but what stands in the schema for editors."""
    return all(error.validator == "oneOf" for error in LIBRARY.iter_errors(value))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_valid_spec_passes_at_once(path: Path) -> None:
    document = read_document(path.name, path.read_text("utf-8-sig"))
    assert conforms(document.value, SCHEMA, SCHEMA)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside ``value``."""
    found = [path]
    if isinstance(value, dict):
        for key, part in value.items():
            found += places(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            found += places(part, (*path, index))
    return found


@st.composite
def nearly_right(draw: st.DrawFn) -> Any:
    """Draw a valid spec in which some values are others, gone, or more."""
    text = draw(st.sampled_from(TEXTS))
    value = copy.deepcopy(dict(read_document("a", text.lstrip("\ufeff")).value))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(value)[1:] or [("spec",)]))
        parent: Any = value
        for key in path[:-1]:
            parent = parent[key]
        change = draw(st.sampled_from(("put", "drop", "add")))
        # A copy, as the next change may reach into it.
        odd = copy.deepcopy(draw(st.sampled_from(ODD)))
        if change == "drop":
            del parent[path[-1]]
        elif change == "add" and isinstance(parent, dict):
            parent[draw(st.sampled_from(("items", "cases", "type", "zz")))] = odd
        else:
            parent[path[-1]] = odd
    return value


@given(nearly_right())
def test_what_passes_at_once_passes_the_library(value: Any) -> None:
    if conforms(value, SCHEMA, SCHEMA):
        assert passes(value)


def test_a_decimal_is_no_integer_here_as_in_the_library() -> None:
    """The quick check may not be replaced by one that takes ``1.0`` for ``1``."""
    schema = {"type": "integer"}
    one: Any = Decimal("1.0")
    assert not Draft202012Validator(schema).is_valid(one)
    assert not conforms(one, schema, schema)


def test_a_keyword_that_is_not_known_is_left_to_the_library() -> None:
    assert not conforms(4, {"multipleOf": 2}, {})
