"""``rebuild.provision`` of a spec: the CDK app that owns the table, and its variants."""

from typing import Any, Literal

from retable.schema.cursor import Cursor
from retable.schema.rules import Rule
from retable.schema.spec import CdkProvision, CdkVariant

CDK_KEYS = ("app", "stack", "construct", "absent", "present", "final", "accept")


def parse_provision(cursor: Cursor) -> Literal["api"] | CdkProvision:
    """Return ``rebuild.provision``; errors in it go to the findings."""
    value = cursor.get("provision", {"with": "api"})
    if value["with"] == "api":
        for key in CDK_KEYS:
            if key in value:
                message = f"{key} cannot be combined with `with: api`"
                place = cursor["provision"][key]
                place.error(Rule.NOT_TOGETHER, message, hint=f"remove {key}", at="key")
        return "api"
    return CdkProvision(
        app=value["app"],
        stack=value["stack"],
        construct=value["construct"],
        absent=parse_variant(value["absent"]),
        present=parse_variant(value["present"]),
        final=parse_variant(value["final"]) if "final" in value else None,
        accept=tuple(value.get("accept", ())),
        adopts=value["with"] == "cdk-import",
    )


def parse_variant(value: dict[str, Any]) -> CdkVariant:
    """Return one state of a CDK app."""
    return CdkVariant(context=value.get("context"), assembly=value.get("assembly"))
