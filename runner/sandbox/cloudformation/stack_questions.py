"""Operations that read stacks and templates."""

from typing import Any

import orjson

from retable.runner.sandbox.cloudformation.change_sets import required_change_set
from retable.runner.sandbox.cloudformation.request import Request, template_text
from retable.runner.sandbox.cloudformation.schemas import identifier_of
from retable.runner.sandbox.cloudformation.stack import Resource, Stack
from retable.runner.sandbox.cloudformation.stack_template import Template, parse_template
from retable.runner.sandbox.cloudformation.views import (
    event_view,
    export_view,
    page,
    resource_summary,
    resource_view,
    stack_view,
    summary_view,
)
from retable.runner.sandbox.cloudformation.wire import invalid

WITH_ID = "Stack with id {} does not exist"
IAM = "AWS::IAM::"


def describe_stacks(request: Request) -> dict[str, Any]:
    """Answer DescribeStacks."""
    if request.body.get("StackName"):
        return {"Stacks": [stack_view(request.stack(WITH_ID))]}
    stacks = [one for one in _stacks(request) if not one.is_deleted]
    return page("Stacks", [stack_view(one) for one in stacks], request.body.get("NextToken"))


def list_stacks(request: Request) -> dict[str, Any]:
    """Answer ListStacks, newest first; deleted stacks are listed too."""
    desired = set(request.listed("StackStatusFilter"))
    stacks = [one for one in reversed(_stacks(request)) if not desired or one.status in desired]
    shown = [summary_view(one) for one in stacks]
    return page("StackSummaries", shown, request.body.get("NextToken"))


def describe_stack_events(request: Request) -> dict[str, Any]:
    """Answer DescribeStackEvents, newest first."""
    stack = request.stack()
    shown = [event_view(stack, event) for event in reversed(list(stack.events))]
    return page("StackEvents", shown, request.body.get("NextToken"))


def describe_stack_resource(request: Request) -> dict[str, Any]:
    """Answer DescribeStackResource."""
    stack = request.stack(WITH_ID)
    resource = _resource(request, stack)
    shown = resource_view(stack, resource)
    shown["LastUpdatedTimestamp"] = shown.pop("Timestamp")
    metadata = resource.declaration.body.get("Metadata")
    shown["Metadata"] = None if metadata is None else orjson.dumps(metadata).decode()
    return {"StackResourceDetail": shown}


def describe_stack_resources(request: Request) -> dict[str, Any]:
    """Answer DescribeStackResources: for a stack, or for the stack of a physical resource."""
    physical_id = request.body.get("PhysicalResourceId")
    if physical_id:
        return {"StackResources": _beside(request, str(physical_id))}
    stack = request.stack(WITH_ID)
    if request.body.get("LogicalResourceId"):
        return {"StackResources": [resource_view(stack, _resource(request, stack))]}
    shown = [resource_view(stack, one) for one in list(stack.resources.values())]
    return {"StackResources": shown}


def list_stack_resources(request: Request) -> dict[str, Any]:
    """Answer ListStackResources."""
    stack = request.stack(WITH_ID)
    shown = [resource_summary(one) for one in list(stack.resources.values())]
    return page("StackResourceSummaries", shown, request.body.get("NextToken"))


def get_template(request: Request) -> dict[str, Any]:
    """Answer GetTemplate; there are no transforms, so both stages are equal."""
    stack = request.stack(WITH_ID)
    desired = stack.current
    if request.body.get("ChangeSetName"):
        desired = required_change_set(request)[1].desired
    # A stack that is only under review has no template yet.
    text = "" if desired is None else desired.template.text
    return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}


def get_template_summary(request: Request) -> dict[str, Any]:
    """Answer GetTemplateSummary, including each resource's identifiers for an import."""
    template = _asked_template(request)
    types = sorted({one.type for one in template.resources.values()})
    return {
        **_capabilities(template),
        "Parameters": _declared(template),
        "Description": template.description,
        "ResourceTypes": types,
        "Version": template.body.get("AWSTemplateFormatVersion"),
        "ResourceIdentifierSummaries": [
            {
                "ResourceType": kind,
                "LogicalResourceIds": [
                    name for name, one in template.resources.items() if one.type == kind
                ],
                "ResourceIdentifiers": identifiers,
            }
            for kind in types
            if (identifiers := identifier_of(kind))
        ],
    }


def validate_template(request: Request) -> dict[str, Any]:
    """Answer ValidateTemplate."""
    template = _asked_template(request)
    return {
        **_capabilities(template),
        "Parameters": _declared(template),
        "Description": template.description,
    }


def list_exports(request: Request) -> dict[str, Any]:
    """Answer ListExports."""
    found = request.all_stacks.exports(request.region)
    shown = [export_view(stack, output) for stack, output in found]
    return page("Exports", shown, request.body.get("NextToken"))


def list_imports(request: Request) -> dict[str, Any]:
    """Answer ListImports."""
    name = str(request.body.get("ExportName"))
    found = request.all_stacks.importers(request.region, name)
    if not found:
        message = f"Export '{name}' is not imported by any stack."
        raise invalid(message)
    return {"Imports": found}


def get_stack_policy(request: Request) -> dict[str, Any]:
    """Answer GetStackPolicy: no stack here has one."""
    request.stack()
    return {}


def _stacks(request: Request) -> list[Stack]:
    """Return the region's stacks, oldest first."""
    return [one for one in request.all_stacks.stacks if one.region == request.region]


def _resource(request: Request, stack: Stack) -> Resource:
    """Return the named resource."""
    name = str(request.body.get("LogicalResourceId"))
    found = stack.resources.get(name)
    if found is None:
        message = f"Resource {name} does not exist for stack {stack.name}"
        raise invalid(message)
    return found


def _beside(request: Request, physical_id: str) -> list[dict[str, Any]]:
    """Return all resources of the stack that owns a physical resource."""
    for stack in _stacks(request):
        resources = list(stack.resources.values())
        if not stack.is_deleted and any(one.physical_id == physical_id for one in resources):
            return [resource_view(stack, one) for one in resources]
    message = f"Stack for {physical_id} does not exist"
    raise invalid(message)


def _asked_template(request: Request) -> Template:
    """Return the given template, or that of the named stack."""
    if request.body.get("StackName"):
        stack = request.stack(WITH_ID)
        if stack.current is not None:
            return stack.current.template
    return parse_template(template_text(request, None))


def _declared(template: Template) -> list[dict[str, Any]]:
    """Return the parameters a template declares."""
    return [
        {
            "ParameterKey": name,
            "DefaultValue": body.get("Default"),
            "ParameterType": body.get("Type", "String"),
            "NoEcho": bool(body.get("NoEcho")),
            "Description": body.get("Description"),
        }
        for name, body in template.section("Parameters").items()
    ]


def _capabilities(template: Template) -> dict[str, Any]:
    """Return the capabilities that the template requires."""
    named = [name for name, one in template.resources.items() if one.type.startswith(IAM)]
    if not named:
        return {}
    reason = f"The following resource(s) require capabilities: [{', '.join(named)}]"
    return {"Capabilities": ["CAPABILITY_NAMED_IAM"], "CapabilitiesReason": reason}
