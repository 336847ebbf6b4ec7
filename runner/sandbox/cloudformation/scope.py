"""The values of one stack's template: properties of resources, and outputs.

Values come from the current stack. A resource not created yet is an error, or ``LATER`` in a plan.
"""

from collections.abc import Mapping
from typing import Any

from retable.runner.sandbox.cloudformation.all_stacks import AllStacks
from retable.runner.sandbox.cloudformation.resolve import LATER, Scope
from retable.runner.sandbox.cloudformation.stack import DesiredState, Output, Stack
from retable.runner.sandbox.cloudformation.stack_template import Declaration
from retable.runner.sandbox.cloudformation.table_properties import TABLE
from retable.runner.sandbox.cloudformation.wire import invalid


def scope_of(
    all_stacks: AllStacks, stack: Stack, desired: DesiredState, later: frozenset[str] | None = None
) -> Scope:
    """Return what values of ``desired`` may refer to.

    With ``later``, for a plan: those resources, and resources that are not created yet, are
    unknown. Without, for a deployment: a reference to a resource not created yet is an error.
    """

    def attribute(name: str, attribute: str) -> Any:
        resource = stack.resources.get(name)
        made = None if resource is None else resource.made
        if later is not None and (made is None or name in later):
            return LATER
        if made is None:
            message = f"Template error: resource {name} is not part of the stack"
            raise invalid(message)
        if not attribute:
            return made.physical_id
        try:
            return made.attributes[attribute]
        except KeyError as error:
            if later is not None:
                # A change may add it, as a stream adds its ARN.
                return LATER
            message = (
                f"Template error: resource {name} does not support attribute type {attribute} "
                "in Fn::GetAtt"
            )
            raise invalid(message) from error

    def imported(name: str) -> str:
        value = all_stacks.imported(stack.region, name)
        if later is None:
            stack.imports.add(name)
        return value

    return Scope(
        template=desired.template,
        region=stack.region,
        stack_name=stack.name,
        stack_id=stack.stack_id,
        parameters=desired.parameters,
        attribute=attribute,
        imported=imported,
    )


def effective_properties(
    declaration: Declaration, scope: Scope, tags: Mapping[str, str]
) -> dict[str, Any]:
    """Return a resource's properties; a table inherits the stack's tags, but its own win."""
    properties: dict[str, Any] = scope.resolved(dict(declaration.properties))
    if declaration.type == TABLE and tags:
        own = list(properties.get("Tags") or ())
        names = {tag["Key"] for tag in own}
        inherited = [
            {"Key": key, "Value": value} for key, value in tags.items() if key not in names
        ]
        properties["Tags"] = [*own, *inherited]
    return properties


def outputs_of(scope: Scope) -> list[Output]:
    """Return the outputs of the template.

    Raises:
        StackError: one of them has an unresolved reference.
    """
    outputs = []
    for key, body in scope.template.section("Outputs").items():
        if not scope.holds(body.get("Condition")):
            continue
        value = scope.resolved(body.get("Value"))
        if isinstance(value, (list, dict)) or value is None:
            message = "Template format error: Every Outputs member must contain a text as Value."
            raise invalid(message)
        name = scope.resolved((body.get("Export") or {}).get("Name"))
        text = str(value).lower() if isinstance(value, bool) else str(value)
        outputs.append(Output(key, text, body.get("Description"), name))
    return outputs


def check_exports(
    all_stacks: AllStacks, stack: Stack, old: list[Output], new: list[Output]
) -> None:
    """Refuse exports that other stacks have, and changes of exports that they use.

    Raises:
        StackError: there is one.
    """
    taken = {
        str(output.export): other.name
        for other, output in all_stacks.exports(stack.region)
        if other is not stack
    }
    for output in new:
        if output.export in taken:
            message = (
                f"Export with name {output.export} is already exported by stack "
                f"{taken[str(output.export)]}."
            )
            raise invalid(message)
    now = {output.export: output.value for output in new}
    for output in old:
        users = all_stacks.importers(stack.region, output.export) if output.export else []
        if not users or now.get(output.export) == output.value:
            continue
        verb = "Cannot update" if output.export in now else "Cannot delete"
        message = f"{verb} export {output.export} as it is in use by {' and '.join(users)}."
        raise invalid(message)
