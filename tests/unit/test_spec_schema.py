"""The JSON Schema is what editors show: every key is described, examples and defaults hold."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from retable.schema.validate import SCHEMA_FILE

SCHEMA = json.loads(SCHEMA_FILE.read_bytes())
Key = tuple[str, dict[str, Any]]


def keys(node: Any, path: str = "") -> Iterator[Key]:
    """Yield every key that a spec may have; what only tells cases apart is none."""
    if isinstance(node, list):
        for entry in node:
            yield from keys(entry, path)
    elif isinstance(node, dict):
        for name, part in node.get("properties", {}).items():
            if "const" not in part or "title" in part:
                yield f"{path}/{name}", part
        for name, part in node.items():
            if name not in {"if", "then", "not", "examples", "default"}:
                yield from keys(part, f"{path}/{name}")


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Return ``part`` with what it refers to under it."""
    if "$ref" not in part:
        return part
    return {**SCHEMA["$defs"][part["$ref"].rpartition("/")[2]], **part}


KEYS = list(keys(SCHEMA))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert len(KEYS) > 100


@pytest.mark.parametrize(("path", "part"), KEYS, ids=lambda value: str(value)[:60])
def test_every_key_is_described(path: str, part: dict[str, Any]) -> None:
    del path
    description = resolved(part).get("description", "")
    assert description.endswith((".", ".)"))


@pytest.mark.parametrize(
    ("path", "part"),
    [(path, part) for path, part in KEYS if {"default", "examples"} & resolved(part).keys()],
    ids=lambda value: str(value)[:60],
)
def test_defaults_and_examples_are_allowed_where_they_stand(
    path: str, part: dict[str, Any]
) -> None:
    del path
    whole = resolved(part)
    validator = Draft202012Validator({**part, "$defs": SCHEMA["$defs"]})
    for value in (*whole.get("examples", ()), *([whole["default"]] if "default" in whole else ())):
        validator.validate(value)


def test_keys_that_stand_in_most_specs_have_examples_or_choices() -> None:
    helped = {
        path
        for path, part in KEYS
        if {"examples", "enum", "default"} & resolved(part).keys() or "properties" in resolved(part)
    }
    for path in (
        "/name",
        "/properties/source/table",
        "/properties/source/properties/export/location",
        "/properties/transform/where",
        "/properties/transform/fields",
        "/properties/rebuild/strategy",
        "/properties/load/rate",
    ):
        assert path in helped, sorted(helped)
