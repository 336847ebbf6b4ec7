"""What an update would do to each resource: the content of a change set.

Values that are only known after a creation count as changed, as in the service.
Nothing is created here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retable.runner.sandbox.cloudformation.all_stacks import AllStacks
from retable.runner.sandbox.cloudformation.dynamodb_calls import DynamoDB
from retable.runner.sandbox.cloudformation.kind import (
    ResourceError,
    Site,
    changed_properties,
    well_formed,
)
from retable.runner.sandbox.cloudformation.resolve import LATER
from retable.runner.sandbox.cloudformation.resource_kinds import kind_of
from retable.runner.sandbox.cloudformation.scope import (
    effective_properties,
    outputs_of,
    scope_of,
)
from retable.runner.sandbox.cloudformation.stack import Change, DesiredState, Resource, Stack
from retable.runner.sandbox.cloudformation.stack_template import Declaration

ATTRIBUTES = ("Metadata", "DeletionPolicy", "UpdateReplacePolicy", "CreationPolicy", "UpdatePolicy")
"""Parts of a declaration whose change is an update; a change of DependsOn is not."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, in the order of the template; ``is_empty`` if there is nothing to do."""

    changes: tuple[Change, ...]
    is_empty: bool


def plan_of(all_stacks: AllStacks, stack: Stack, desired: DesiredState, dynamodb: DynamoDB) -> Plan:
    """Return what bringing ``stack`` to ``desired`` would do.

    Raises:
        StackError: a value of the template has an unresolved reference.
    """
    changes = tuple(_changes(all_stacks, stack, desired, dynamodb))
    replaced = frozenset(one.declaration.logical_id for one in changes if one.fixed)
    outputs = outputs_of(scope_of(all_stacks, stack, desired, replaced))
    current = stack.current
    is_same = (
        current is not None
        and not changes
        and outputs == stack.outputs
        and desired.tags == current.tags
    )
    return Plan(changes, is_same)


def _changes(
    all_stacks: AllStacks, stack: Stack, desired: DesiredState, dynamodb: DynamoDB
) -> Iterator[Change]:
    """Yield the changes; a reference to a resource that is replaced is not known yet."""
    replaced: set[str] = set()
    present: set[str] = set()
    for name, declaration in desired.template.resources.items():
        scope = scope_of(all_stacks, stack, desired, frozenset(replaced))
        if not scope.holds(declaration.condition):
            continue
        present.add(name)
        properties = effective_properties(declaration, scope, desired.tags)
        found = stack.resources.get(name)
        if found is None or found.made is None:
            action = "Import" if name in desired.imports else "Add"
            yield Change(action, declaration, None, after=properties)
            continue
        change = _modification(stack, declaration, found, properties, dynamodb)
        if change is not None:
            if change.fixed:
                replaced.add(name)
            yield change
    for name, resource in stack.resources.items():
        if name not in present and resource.made is not None:
            yield Change(
                "Remove", resource.declaration, resource.made, before=resource.declaration.body
            )


def _modification(
    stack: Stack,
    declaration: Declaration,
    resource: Resource,
    properties: Mapping[str, Any],
    dynamodb: DynamoDB,
) -> Change | None:
    """Return the change of an existing resource, if any."""
    made = resource.made
    if made is None:
        return None
    changed = changed_properties(made.properties, properties)
    old, new = resource.declaration.body, declaration.body
    attributes = tuple(name for name in ATTRIBUTES if old.get(name) != new.get(name))
    if not changed and not attributes:
        return None
    name, kind = declaration.logical_id, declaration.type
    site = Site(stack.stack_id, stack.name, stack.region, name, kind, "")
    try:
        with well_formed(site):
            fixed = kind_of(kind, dynamodb).replacing(site, made.properties, properties)
    except ResourceError:
        # The execution will report the fault.
        fixed = frozenset()
    unknown = frozenset(one for one in changed if LATER in str(properties.get(one)))
    return Change(
        "Modify", declaration, made, tuple(changed), fixed, unknown, attributes, old, properties
    )
