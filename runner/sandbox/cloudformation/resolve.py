"""Resolves a template's values: intrinsic functions, conditions, pseudo parameters.

A value that is only known after a creation is ``LATER``, as a change set writes it.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from retable.runner.sandbox.cloudformation.stack_template import PLACEHOLDER, Template
from retable.runner.sandbox.cloudformation.wire import invalid
from retable.runner.sandbox.sandbox_options import ACCOUNT

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
NO_VALUE = object()
"""The value of ``AWS::NoValue``: the property is omitted."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything that a template's values may refer to, at one point in time.

    ``attribute`` returns ``Ref`` (with an empty name) or an attribute of a resource; ``imported``
    the value of an export. Both raise ``StackError`` if there is none.
    """

    template: Template
    region: str
    stack_name: str
    stack_id: str
    parameters: Mapping[str, Any]
    attribute: Callable[[str, str], Any]
    imported: Callable[[str], str]
    _judging: set[str] = field(default_factory=set)

    def resolved(self, value: Any) -> Any:
        """Return ``value`` with every function resolved.

        Raises:
            StackError: a function has an unresolved reference or wrong arguments.
        """
        if isinstance(value, list):
            items = [self.resolved(one) for one in value]
            return [one for one in items if one is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref":
                return self._ref(str(argument))
            function = FUNCTIONS.get(name)
            if function is not None:
                return _carried_out(function, self, name, argument)
            if str(name).startswith("Fn::"):
                message = f"Template error: the sandbox does not support the function {name}"
                raise invalid(message)
        members = {name: self.resolved(inner) for name, inner in value.items()}
        return {name: inner for name, inner in members.items() if inner is not NO_VALUE}

    def holds(self, condition: str | None) -> bool:
        """Return whether a condition of the template holds; without a condition, true."""
        if condition is None:
            return True
        conditions = self.template.section("Conditions")
        if condition not in conditions or condition in self._judging:
            message = f"Template format error: Unresolved condition dependency {condition}"
            raise invalid(message)
        self._judging.add(condition)
        try:
            return self.evaluated(conditions[condition])
        finally:
            self._judging.discard(condition)

    def evaluated(self, value: Any) -> bool:
        """Return whether a condition's expression holds."""
        if isinstance(value, dict) and set(value) == {"Condition"}:
            return self.holds(str(value["Condition"]))
        found = self.resolved(value)
        if isinstance(found, str):
            return found.lower() == "true"
        return found is True

    def _ref(self, name: str) -> Any:
        """Return the value of a Ref."""
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": NO_VALUE,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self.attribute(name, "")


def _carried_out(function: Callable[..., Any], scope: Scope, name: str, argument: Any) -> Any:
    """Return a function's value; a wrong argument is a template error."""
    try:
        return function(scope, argument)
    except (TypeError, ValueError, KeyError, IndexError) as error:
        message = f"Template error: every {name} object must be written as documented"
        raise invalid(message) from error


def _get_att(scope: Scope, argument: Any) -> Any:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    return scope.attribute(name, scope.resolved(attribute))


def _sub(scope: Scope, argument: Any) -> str:
    text, bound = (argument, {}) if isinstance(argument, str) else argument
    values = {name: scope.resolved(value) for name, value in bound.items()}

    def replaced(found: Any) -> str:
        name = found.group(1).strip()
        if name in values:
            return _as_text(values[name])
        if "." in name:
            return _as_text(scope.attribute(*name.split(".", 1)))
        return _as_text(scope.resolved({"Ref": name}))

    return PLACEHOLDER.sub(replaced, text).replace("${!", "${")


def _join(scope: Scope, argument: Any) -> str:
    separator, values = argument
    return str(separator).join(_as_text(one) for one in scope.resolved(values))


def _split(scope: Scope, argument: Any) -> list[str]:
    separator, text = argument
    return str(scope.resolved(text)).split(separator)


def _select(scope: Scope, argument: Any) -> Any:
    index, values = argument
    found = scope.resolved(values)
    return LATER if found == LATER else found[int(scope.resolved(index))]


def _if(scope: Scope, argument: Any) -> Any:
    condition, then, otherwise = argument
    return scope.resolved(then if scope.holds(condition) else otherwise)


def _equals(scope: Scope, argument: Any) -> bool:
    left, right = scope.resolved(argument)
    return _as_text(left) == _as_text(right)


def _find_in_map(scope: Scope, argument: Any) -> Any:
    name, first, second = (scope.resolved(one) for one in argument[:3])
    found = scope.template.section("Mappings").get(name, {}).get(first, {})
    if second in found:
        return scope.resolved(found[second])
    if len(argument) > 3:  # noqa: PLR2004 -- {"DefaultValue": …} is the fourth
        return scope.resolved(argument[3]["DefaultValue"])
    message = f"Template error: Unable to get mapping for {name}::{first}::{second}"
    raise invalid(message)


def _as_text(value: Any) -> str:
    """Return a scalar as a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        message = "expected a string, found a list or map"
        raise TypeError(message)
    return str(value)


def _contains(scope: Scope, argument: Any) -> bool:
    values, sought = argument
    return scope.resolved(sought) in scope.resolved(values)


def _encoded(scope: Scope, argument: Any) -> str:
    return base64.b64encode(_as_text(scope.resolved(argument)).encode()).decode()


def _zones(scope: Scope, argument: Any) -> list[str]:
    return [f"{scope.resolved(argument) or scope.region}{zone}" for zone in "abc"]


FUNCTIONS: Mapping[str, Callable[[Scope, Any], Any]] = {
    "Fn::And": lambda scope, argument: all(scope.evaluated(one) for one in argument),
    "Fn::Base64": _encoded,
    "Fn::Contains": _contains,
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _zones,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": lambda scope, argument: scope.imported(str(scope.resolved(argument))),
    "Fn::Join": _join,
    "Fn::Length": lambda scope, argument: len(scope.resolved(argument)),
    "Fn::Not": lambda scope, argument: not scope.evaluated(argument[0]),
    "Fn::Or": lambda scope, argument: any(scope.evaluated(one) for one in argument),
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": lambda scope, argument: json.dumps(scope.resolved(argument)),
}
