"""Assemblies for tests: those checked in under tests/cases/cdk, and small ones written by hand."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retable.runner.cdk.assembly import StackArtifact, read_assembly
from retable.runner.cdk.intrinsics import DeployTarget
from retable.runner.cdk.locate import find_stack
from retable.runner.cdk.template import Template

CASES = Path(__file__).resolve().parents[1] / "cases" / "cdk"
ORDERS = "OrdersTable315BB997"
"""The logical id that CDK gives the table of OrdersStack."""
HERE = DeployTarget(account="123456789012", region="eu-west-1", stack="OrdersStack")


def orders(variant: str) -> StackArtifact:
    """Return OrdersStack as one of the checked-in assemblies has it."""
    return find_stack(read_assembly(CASES / variant), "OrdersStack")


def data(variant: str) -> StackArtifact:
    """Return the stack of the stage."""
    return find_stack(read_assembly(CASES / variant), "Prod/Data")


def write_assembly(
    folder: Path,
    resources: Mapping[str, Any],
    *,
    version: str = "44.0.0",
    artifact: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Path:
    """Write an assembly of one stack called Hand and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://123456789012/eu-west-1",
        "properties": {"templateFile": "Hand.template.json"},
        **(artifact or {}),
    }
    write(folder / "manifest.json", {"version": version, "artifacts": {"Hand": stack}})
    write(folder / "Hand.template.json", {"Resources": resources, **sections})
    return folder


def write(path: Path, value: Any) -> None:
    """Write a value as JSON."""
    path.write_text(json.dumps(value), "utf-8")


def template(resources: Mapping[str, Any], **sections: Any) -> Template:
    """Return a template of these resources and sections."""
    return Template({"Resources": resources, **sections})


def table(**properties: Any) -> dict[str, Any]:
    """Return a table's resource keyed by the string id, with these properties beside."""
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            **properties,
        },
    }
