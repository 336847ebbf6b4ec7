"""Change sets in the form of answers."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from retable.runner.sandbox.cloudformation.stack import Change, ChangeSet, Stack
from retable.runner.sandbox.cloudformation.views import parameters_view, tags_view

RECREATION = {True: "Always", False: "Never"}


def change_set_view(stack: Stack, change_set: ChangeSet, *, with_values: bool) -> dict[str, Any]:
    """Return a change set as DescribeChangeSet shows it, all its changes in one page."""
    desired = change_set.desired
    return {
        "ChangeSetName": change_set.name,
        "ChangeSetId": change_set.arn,
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "Description": change_set.description,
        "Parameters": parameters_view(desired.given, desired.parameters),
        "CreationTime": change_set.created,
        "ExecutionStatus": change_set.execution,
        "Status": change_set.status,
        "StatusReason": change_set.status_reason,
        "RollbackConfiguration": {},
        "Tags": tags_view(desired.tags),
        "Changes": [_change_view(one, with_values=with_values) for one in change_set.changes],
        **{name: value for name, value in change_set.options.items() if name != "execution"},
    }


def _change_view(change: Change, *, with_values: bool) -> dict[str, Any]:
    """Return one change."""
    shown: dict[str, Any] = {
        "PolicyAction": _policy_action(change),
        "Action": change.action,
        "LogicalResourceId": change.declaration.logical_id,
        "PhysicalResourceId": None if change.made is None else change.made.physical_id,
        "ResourceType": change.declaration.type,
        "Replacement": change.replacement if change.action == "Modify" else None,
        "Scope": [*(["Properties"] if change.properties else []), *change.attributes],
        "Details": list(_details(change, with_values=with_values)),
    }
    if with_values and change.made is not None:
        shown["BeforeContext"] = _context(change.made.properties, change.before)
    if with_values and change.action != "Remove":
        shown["AfterContext"] = _context(change.after, change.declaration.body)
    return {"Type": "Resource", "ResourceChange": shown}


def _policy_action(change: Change) -> str | None:
    """Return the policy action on the existing resource."""
    if change.action == "Remove":
        return "Retain" if change.declaration.is_retained else "Delete"
    if change.action == "Modify" and change.fixed:
        keeps = change.declaration.replace_policy != "Delete"
        return "ReplaceAndRetain" if keeps else "ReplaceAndDelete"
    return None


def _details(change: Change, *, with_values: bool) -> Iterator[dict[str, Any]]:
    """Yield the changed parts of a resource."""
    before = {} if change.made is None else change.made.properties
    for name in change.properties:
        is_unknown = name in change.unknown
        recreation = RECREATION[name in change.fixed]
        target: dict[str, Any] = {
            "Attribute": "Properties",
            "Name": name,
            "RequiresRecreation": (
                "Conditionally" if is_unknown and name in change.fixed else recreation
            ),
        }
        if with_values:
            target["Path"] = f"/Properties/{name}"
            target["BeforeValue"] = _value(before, name)
            target["AfterValue"] = _value(change.after, name)
        yield {
            "Target": target,
            "Evaluation": "Dynamic" if is_unknown else "Static",
            "ChangeSource": "ResourceReference" if is_unknown else "DirectModification",
        }
    for attribute in change.attributes:
        yield {
            "Target": {"Attribute": attribute, "RequiresRecreation": "Never"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }


def _value(properties: Mapping[str, Any], name: str) -> str | None:
    """Return a property as a string, or ``None`` if it is absent."""
    if name not in properties:
        return None
    value = properties[name]
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _context(properties: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """Return a resource's definition with its values, as a string."""
    others = {name: value for name, value in body.items() if name not in {"Type", "Properties"}}
    return orjson.dumps({**others, "Properties": dict(properties)}).decode()
