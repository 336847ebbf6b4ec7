"""Which resources a change set takes into the stack that are there already, and whether it may."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from retable.runner.sandbox.cloudformation.kind import ResourceError, Site
from retable.runner.sandbox.cloudformation.planned_changes import Plan
from retable.runner.sandbox.cloudformation.request import Request
from retable.runner.sandbox.cloudformation.resource_kinds import kind_of
from retable.runner.sandbox.cloudformation.scope import effective_properties, scope_of
from retable.runner.sandbox.cloudformation.stack import Stack, Wanted


def existing_resources(request: Request, stack: Stack, wanted: Wanted) -> tuple[Wanted, str | None]:
    """Return ``wanted`` with what it names and is there already, and why that is no good."""
    scope = scope_of(request.world, stack, wanted, frozenset())
    imports: dict[str, Mapping[str, str]] = {}
    for name, declaration in wanted.template.resources.items():
        found = stack.resources.get(name)
        is_ours = found is not None and found.made is not None
        if is_ours or not scope.holds(declaration.condition):
            continue
        properties = effective_properties(declaration, scope, wanted.tags)
        site = Site(stack.stack_id, stack.name, stack.region, name, declaration.type, "")
        identifier = _found(request, site, properties)
        if identifier is not None:
            imports[name] = identifier
    wanted = replace(wanted, imports=imports)
    loose = [name for name in imports if not wanted.template.resources[name].is_retained]
    if not loose:
        return wanted, None
    told = ", ".join(
        f"{name} ({{{', '.join(f'{key}={value}' for key, value in imports[name].items())}}})"
        for name in loose
    )
    return wanted, (
        "CloudFormation is attempting to import some resources because they already exist in your "
        "account. The resources must have the DeletionPolicy attribute set to 'Retain' or "
        "'RetainExceptOnCreate' in the template for successful import. The affected resources are "
        f"{told}"
    )


def import_fault(request: Request, plan: Plan, wanted: Wanted) -> str | None:
    """Return why an import may not be carried out: it may import and do nothing else."""
    resources = wanted.template.resources
    unknown = [name for name in wanted.imports if name not in resources]
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
    loose = [name for name in wanted.imports if "DeletionPolicy" not in resources[name].body]
    if loose:
        return (
            f"The following resources to import [{', '.join(loose)}] must have DeletionPolicy "
            "attribute specified in the template."
        )
    for name, identifier in wanted.imports.items():
        physical_id = next(iter(identifier.values()))
        owner = request.world.owner(request.region, resources[name].type, physical_id)
        if owner is not None:
            return f"{physical_id} already exists in stack {owner.stack_id}"
    return None


def _found(request: Request, site: Site, properties: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what identifies a resource of this name that is there and in no stack."""
    try:
        kind = kind_of(site.type, request.dynamodb)
        key = kind.name_property
        name = properties.get(key) if key else None
        if key is None or name is None or kind.find(site, name) is None:
            return None
    except ResourceError:
        # Not of a type whose resources are known without a stack.
        return None
    if request.world.owner(site.region, site.type, name) is not None:
        return None
    return {key: str(name)}
