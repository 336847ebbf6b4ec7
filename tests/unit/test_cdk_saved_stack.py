"""A saved stack is an assembly that deploys the same again."""

import json
from pathlib import Path

import pytest

from retable.runner.cdk.assembly import read_assembly
from retable.runner.cdk.digest import template_digest
from retable.runner.cdk.prepare import open_variant
from retable.runner.cdk.saved_stack import write_original
from retable.runner.cdk.template import Template
from support.assemblies import orders


def kept(folder: Path, deployed: Template) -> Path:
    stack = orders("by-id")
    write_original(folder, "38.0.0", stack, deployed)
    return folder


def test_it_has_the_template_that_is_deployed_and_uploads_nothing(tmp_path: Path) -> None:
    deployed = orders("final").template
    folder = kept(tmp_path / "original", deployed)
    found = open_variant(folder, "OrdersStack")
    assert template_digest(found.stack.template) == template_digest(deployed)
    assert (found.stack.asset_files, found.stack.legacy_assets) == ((), ())
    assert "stackTemplateAssetObjectUrl" not in found.stack.deploys
    assert read_assembly(folder).version == "38.0.0"


def test_it_is_deployed_as_the_stack_is(tmp_path: Path) -> None:
    stack = orders("by-id")
    found = open_variant(kept(tmp_path / "original", stack.template), "OrdersStack").stack
    assert (found.name, found.path) == (stack.name, stack.path)
    assert (found.account, found.region) == (stack.account, stack.region)
    roles = ("assumeRoleArn", "cloudFormationExecutionRoleArn")
    assert [found.deploys.get(one) for one in roles] == [stack.deploys.get(one) for one in roles]


def test_it_replaces_an_older_one(tmp_path: Path) -> None:
    folder = kept(tmp_path / "original", orders("by-id").template)
    (folder / "left.json").write_text("{}", "utf-8")
    kept(folder, orders("by-id").template)
    assert not (folder / "left.json").exists()


@pytest.mark.parametrize("number", ["0.5", "12", "1e3"])
def test_numbers_of_a_template_stay_unchanged(tmp_path: Path, number: str) -> None:
    body = {**orders("by-id").template.body, "Metadata": {"share": json.loads(number)}}
    folder = kept(tmp_path / "original", Template(body))
    found = open_variant(folder, "OrdersStack").stack.template.body["Metadata"]["share"]
    assert float(found) == float(number)
