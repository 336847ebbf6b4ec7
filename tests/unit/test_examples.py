"""The example specs: each is clean, and its seed is rich enough to be worth running."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from retable.runner.spec.own_functions import with_functions
from retable.schema import load_spec
from retable.schema.spec import ExpectDropped, ExpectRejected, Spec
from retable.transforms import compile_mapping
from retable.transforms.item_outcome import Dropped, Kept, Rejected
from retable.transforms.rows import run_row
from support.checkout import ROOT

SPECS = sorted((ROOT / "specs").glob("*.migrate.yaml"))
ALL_TYPES = {"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"}
each_spec = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)


def loaded(path: Path) -> Spec:
    return with_functions(load_spec(path), allowed=True)


def test_there_are_at_least_four() -> None:
    assert len(SPECS) >= 4


@each_spec
def test_its_rows_pass_and_show_a_dropped_and_a_rejected_item(path: Path) -> None:
    spec = loaded(path)
    assert spec.warnings == ()
    assert len(spec.tests) >= 4
    mapping = compile_mapping(spec)
    assert {row.name: run_row(mapping, row) for row in spec.tests if run_row(mapping, row)} == {}
    expected = {type(row.expect) for row in spec.tests}
    assert {ExpectDropped, ExpectRejected} <= expected


@each_spec
def test_its_seed_is_kept_or_dropped_and_never_rejected(path: Path) -> None:
    mapping = compile_mapping(loaded(path))
    outcomes = [mapping.apply(line) for line in _seed(path)]
    rejected = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
    assert rejected == []
    kinds = Counter(type(outcome) for outcome in outcomes)
    assert kinds[Kept] > 50
    assert kinds[Dropped] > 0


@each_spec
def test_its_seed_has_every_type_and_the_corners(path: Path) -> None:
    values = [value for line in _seed(path) for value in _values(json.loads(line)["Item"])]
    assert {kind for kind, _ in values} == ALL_TYPES
    assert ("S", "") in values
    assert any(kind == "N" and _digits(value) == 38 for kind, value in values)
    assert any(kind == "S" and not value.isascii() for kind, value in values)


@each_spec
def test_its_seed_has_no_key_twice(path: Path) -> None:
    spec = loaded(path)
    assert spec.sandbox is not None
    key = spec.sandbox.key.attributes
    keys = [
        tuple(json.dumps(json.loads(line)["Item"][attribute.name]) for attribute in key)
        for line in _seed(path)
    ]
    assert len(set(keys)) == len(keys)


def test_the_single_table_example_shows_a_winner() -> None:
    spec = load_spec(ROOT / "specs/shop.migrate.yaml")
    mapping = compile_mapping(spec)
    outcomes = [mapping.apply(line) for line in _seed(ROOT / "specs/shop.migrate.yaml")]
    results = [result for kept in outcomes if isinstance(kept, Kept) for result in kept.results]
    assert all(result.rank is not None for result in results)
    assert len(results) - len({result.key for result in results}) == 3


def _seed(path: Path) -> list[bytes]:
    spec = loaded(path)
    assert spec.sandbox is not None
    assert spec.sandbox.seed is not None
    return (path.parent / spec.sandbox.seed).read_bytes().splitlines()


def _values(item: dict[str, dict[str, Any]]) -> list[tuple[str, Any]]:
    """Return every (type, value) of an item, at any depth."""
    found = []
    for typed in item.values():
        ((kind, value),) = typed.items()
        found.append((kind, value))
        if kind == "M":
            found += _values(value)
        elif kind == "L":
            found += _values(dict(enumerate(value)))  # type: ignore[arg-type]  # only values count
    return found


def _digits(number: str) -> int:
    """Return how many significant digits a plain number has."""
    return len(number.lstrip("-").replace(".", "").strip("0"))
