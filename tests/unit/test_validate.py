"""The JSON Schema: that it is one, describes itself to editors, and says one thing a mistake."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from retable.schema.document import read_document
from retable.schema.reasons import Reason
from retable.schema.validate import SCHEMA_FILE, validate
from support.builders import spec_text
from support.checkout import ROOT

SCHEMA: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def findings(text: str) -> list[str]:
    document = read_document("spec.yaml", text)
    validate(document)
    return [f"{problem.name}: {problem.message}" for problem in document.findings.problems]


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def test_the_schema_is_one_by_draft_2020_12() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_no_mapping_of_known_keys_takes_unknown_ones() -> None:
    closed = [schema for schema in objects(SCHEMA) if "properties" in schema]
    assert len(closed) > 20
    assert all(schema["additionalProperties"] is False for schema in closed)


def test_every_key_is_described_to_editors() -> None:
    for schema in objects(SCHEMA):
        for name, part in schema.get("properties", {}).items():
            target = SCHEMA["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
            assert {"title", "description"} & {*part, *target}, name


def test_the_examples_name_the_schema_beside_them() -> None:
    for path in ROOT.glob("specs/*.migrate.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=../schema/migration-spec.schema.json"
    assert (ROOT / "schema" / "migration-spec.schema.json").samefile(SCHEMA_FILE)


def test_a_row_test_may_name_every_reason() -> None:
    rows = [
        {"name": reason, "given": {"a": 1}, "expect": {"rejected": reason.value}}
        for reason in Reason
    ]
    assert findings(spec_text(tests=rows)) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"target": {"key": {"partition": {"type": "X"}}}},
            "unknown-value: key type must be S, N or B; found X",
        ),
        (
            {"target": {"billing": [1]}},
            "wrong-type: target.billing must be keep, on-demand or {read, write}; found a list",
        ),
        (
            {"transform": {"fields": {"b": 1}}},
            (
                "wrong-type: transform.fields.b must be "
                "an expression or {from, type, required, default}; found a number"
            ),
        ),
        (
            {"transform": {"collisions": {"latest": 1}}},
            "wrong-type: transform.collisions.latest must be a string; found a number",
        ),
        (
            {"load": {"rate": True}},
            "wrong-type: load.rate must be write units a second or {percent: 50}; found a boolean",
        ),
        (
            {"tests": [{"name": "a\nb", "given": {}, "expect": "dropped"}]},
            "bad-form: tests[1].name must be a string of one line; found a\nb",
        ),
    ],
)
def test_one_mistake_is_one_finding(changes: dict[str, Any], words: str) -> None:
    assert findings(spec_text(changes)) == [words]
