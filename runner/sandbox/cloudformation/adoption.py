"""Which existing resources a change set imports into the stack, and whether it may."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from retable.runner.sandbox.cloudformation.kind import ResourceError, Site
from retable.runner.sandbox.cloudformation.planned_changes import Plan
from retable.runner.sandbox.cloudformation.request import Request
from retable.runner.sandbox.cloudformation.resource_kinds import kind_of
from retable.runner.sandbox.cloudformation.scope import effective_properties, scope_of
from retable.runner.sandbox.cloudformation.stack import DesiredState, Stack


def existing_resources(
    request: Request, stack: Stack, desired: DesiredState
) -> tuple[DesiredState, str | None]:
    """Return ``desired`` with the existing resources that it names, and any reason against it."""
    scope = scope_of(request.all_stacks, stack, desired, frozenset())
    imports: dict[str, Mapping[str, str]] = {}
    for name, declaration in desired.template.resources.items():
        found = stack.resources.get(name)
        is_ours = found is not None and found.made is not None
        if is_ours or not scope.holds(declaration.condition):
            continue
        properties = effective_properties(declaration, scope, desired.tags)
        site = Site(stack.stack_id, stack.name, stack.region, name, declaration.type, "")
        identifier = _found(request, site, properties)
        if identifier is not None:
            imports[name] = identifier
    desired = replace(desired, imports=imports)
    loose = [name for name in imports if not desired.template.resources[name].is_retained]
    if not loose:
        return desired, None
    affected = ", ".join(
        f"{name} ({{{', '.join(f'{key}={value}' for key, value in imports[name].items())}}})"
        for name in loose
    )
    return desired, (
        "CloudFormation is attempting to import some resources because they already exist in your "
        "account. The resources must have the DeletionPolicy attribute set to 'Retain' or "
        "'RetainExceptOnCreate' in the template for successful import. The affected resources are "
        f"{affected}"
    )


def import_fault(request: Request, plan: Plan, desired: DesiredState) -> str | None:
    """Return why an import is refused: it may import and do nothing else."""
    resources = desired.template.resources
    unknown = [name for name in desired.imports if name not in resources]
    if unknown:
        return f"Resources [{', '.join(unknown)}] are not present in the template"
    others = [
        one.declaration.logical_id
        for one in plan.changes
        if one.action != "Import" and not (one.action == "Modify" and not one.properties)
    ]
    if others:
        return (
            "As part of the import operation, you cannot modify or add other resources: "
            f"[{', '.join(others)}]"
        )
    loose = [name for name in desired.imports if "DeletionPolicy" not in resources[name].body]
    if loose:
        return (
            f"The following resources to import [{', '.join(loose)}] must have DeletionPolicy "
            "attribute specified in the template."
        )
    for name, identifier in desired.imports.items():
        physical_id = next(iter(identifier.values()))
        owner = request.all_stacks.owner(request.region, resources[name].type, physical_id)
        if owner is not None:
            return f"{physical_id} already exists in stack {owner.stack_id}"
    return None


def _found(request: Request, site: Site, properties: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the identifiers of an existing resource of this name that is in no stack."""
    try:
        kind = kind_of(site.type, request.dynamodb)
        key = kind.name_property
        name = properties.get(key) if key else None
        if key is None or name is None or kind.find(site, name) is None:
            return None
    except ResourceError:
        # Not a type whose resources can be found outside of a stack.
        return None
    if request.all_stacks.owner(site.region, site.type, name) is not None:
        return None
    return {key: str(name)}
