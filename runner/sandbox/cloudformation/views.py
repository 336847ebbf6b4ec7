"""Stacks, resources, events and exports in the form of answers."""

from collections.abc import Iterable, Mapping
from typing import Any

from retable.runner.sandbox.cloudformation.stack import Event, Output, Resource, Stack

NOT_CHECKED = "NOT_CHECKED"
CAPABILITIES = "Capabilities"


def stack_view(stack: Stack) -> dict[str, Any]:
    """Return a stack as DescribeStacks shows it."""
    current = stack.current
    options = stack.options
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "ChangeSetId": options.get("ChangeSetId"),
        "Description": None if current is None else current.template.description,
        "Parameters": [] if current is None else parameters_view(current.given, current.parameters),
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DisableRollback": options.get("DisableRollback", False),
        "NotificationARNs": options.get("NotificationARNs") or [],
        "RollbackConfiguration": {},
        CAPABILITIES: options.get(CAPABILITIES) or [],
        "Outputs": [_output_view(one) for one in stack.outputs],
        "RoleARN": options.get("RoleARN"),
        "Tags": [] if current is None else tags_view(current.tags),
        "EnableTerminationProtection": options.get("EnableTerminationProtection", False),
        "DriftInformation": {"StackDriftStatus": NOT_CHECKED},
    }


def summary_view(stack: Stack) -> dict[str, Any]:
    """Return a stack as ListStacks shows it."""
    shown = stack_view(stack)
    names = (
        "StackId",
        "StackName",
        "CreationTime",
        "LastUpdatedTime",
        "DeletionTime",
        "StackStatus",
        "StackStatusReason",
        "DriftInformation",
    )
    description = {"TemplateDescription": shown["Description"]}
    return {name: shown[name] for name in names} | description


def resource_view(stack: Stack, resource: Resource) -> dict[str, Any]:
    """Return a resource as DescribeStackResources shows it."""
    return {
        "StackName": stack.name,
        "StackId": stack.stack_id,
        "LogicalResourceId": resource.declaration.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.declaration.type,
        "Timestamp": resource.changed,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": {"StackResourceDriftStatus": NOT_CHECKED},
    }


def resource_summary(resource: Resource) -> dict[str, Any]:
    """Return a resource as ListStackResources shows it."""
    return {
        "LogicalResourceId": resource.declaration.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.declaration.type,
        "LastUpdatedTimestamp": resource.changed,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": {"StackResourceDriftStatus": NOT_CHECKED},
    }


def event_view(stack: Stack, event: Event) -> dict[str, Any]:
    """Return an event as DescribeStackEvents shows it."""
    return {
        "StackId": stack.stack_id,
        "EventId": event.event_id,
        "StackName": stack.name,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": event.time,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
        "ClientRequestToken": event.token,
    }


def export_view(stack: Stack, output: Output) -> dict[str, Any]:
    """Return an export as ListExports shows it."""
    return {"ExportingStackId": stack.stack_id, "Name": output.export, "Value": output.value}


def parameters_view(given: Mapping[str, str], resolved: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return parameters with their looked-up values, where these differ."""
    shown = []
    for name, value in given.items():
        found = resolved.get(name)
        text = ",".join(found) if isinstance(found, list) else found
        looked_up = {"ResolvedValue": text} if text != value else {}
        shown.append({"ParameterKey": name, "ParameterValue": value, **looked_up})
    return shown


def tags_view(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the form of answers."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def page(
    name: str, entries: Iterable[Mapping[str, Any]], token: Any, size: int = 100
) -> dict[str, Any]:
    """Return one page of a list; its token is the number of entries before it."""
    found = list(entries)
    start = int(token) if str(token or "").isdecimal() else 0
    more = {"NextToken": str(start + size)} if len(found) > start + size else {}
    return {name: found[start : start + size], **more}


def _output_view(output: Output) -> dict[str, Any]:
    return {
        "OutputKey": output.key,
        "OutputValue": output.value,
        "Description": output.description,
        "ExportName": output.export,
    }
