"""The values of one stack's template: what resources ask for, what outputs say.

Values come from the stack as it is. What is not made yet is an error, or ``LATER`` for a plan.
"""

from collections.abc import Mapping
from typing import Any

from retable.runner.sandbox.cloudformation.all_stacks import World
from retable.runner.sandbox.cloudformation.resolve import LATER, Scope
from retable.runner.sandbox.cloudformation.stack import Output, Stack, Wanted
from retable.runner.sandbox.cloudformation.stack_template import Declaration
from retable.runner.sandbox.cloudformation.table_properties import TABLE
from retable.runner.sandbox.cloudformation.wire import invalid


def scope_of(
    world: World, stack: Stack, wanted: Wanted, later: frozenset[str] | None = None
) -> Scope:
    """Return what values of ``wanted`` may refer to.

    With ``later`` it serves a plan: those resources are not known yet, nor are those that are not
    made. Without, a deployment: a reference to what is not made is an error.
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
                # A change may bring it about, as a stream brings its ARN.
                return LATER
            message = (
                f"Template error: resource {name} does not support attribute type {attribute} "
                "in Fn::GetAtt"
            )
            raise invalid(message) from error

    def imported(name: str) -> str:
        value = world.imported(stack.region, name)
        if later is None:
            stack.imports.add(name)
        return value

    return Scope(
        template=wanted.template,
        region=stack.region,
        stack_name=stack.name,
        stack_id=stack.stack_id,
        parameters=wanted.parameters,
        attribute=attribute,
        imported=imported,
    )


def effective_properties(
    declaration: Declaration, scope: Scope, tags: Mapping[str, str]
) -> dict[str, Any]:
    """Return a resource's properties; a table takes on the stack's tags, its own first."""
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
        StackError: one of them refers to nothing.
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


def check_exports(world: World, stack: Stack, old: list[Output], new: list[Output]) -> None:
    """Refuse exports that others have, and changes of those that others use.

    Raises:
        StackError: one of them.
    """
    taken = {
        str(output.export): other.name
        for other, output in world.exports(stack.region)
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
        users = world.importers(stack.region, output.export) if output.export else []
        if not users or now.get(output.export) == output.value:
            continue
        verb = "Cannot update" if output.export in now else "Cannot delete"
        message = f"{verb} export {output.export} as it is in use by {' and '.join(users)}."
        raise invalid(message)
