"""``migrate schema``: every schema that is published."""

import json

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from retable.runner.cli.schema import SCHEMAS, schema
from support.checkout import ROOT


@pytest.mark.parametrize("of", SCHEMAS)
def test_every_schema_is_printed_and_is_one(of: str) -> None:
    document = json.loads(CliRunner().invoke(schema, [of]).output)
    Draft202012Validator.check_schema(document)
    assert document["title"]


def test_specs_are_the_default_schema() -> None:
    assert CliRunner().invoke(schema).output == CliRunner().invoke(schema, ["spec"]).output


def test_every_schema_file_can_be_printed() -> None:
    assert {path.name for path in (ROOT / "schema").glob("*.json")} == set(SCHEMAS.values())
