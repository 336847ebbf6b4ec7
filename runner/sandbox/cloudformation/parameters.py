"""The values of a template's parameters: given, previous, default, or looked up in SSM."""

from collections.abc import Mapping
from typing import Any

from moto.ssm.models import ssm_backends

from retable.runner.sandbox.cloudformation.stack_template import Template
from retable.runner.sandbox.cloudformation.wire import invalid
from retable.runner.sandbox.sandbox_options import ACCOUNT

SSM_VALUE = "AWS::SSM::Parameter::Value<"
LISTS = ("CommaDelimitedList", "List<")


def given_values(
    template: Template, asked: list[Mapping[str, Any]], before: Mapping[str, str]
) -> dict[str, str]:
    """Return every parameter's value as a string, as a stack stores it.

    Raises:
        StackError: one is unknown, missing, or not allowed.
    """
    declared = template.section("Parameters")
    given = {str(one.get("ParameterKey")): one for one in asked}
    unknown = sorted(set(given) - set(declared))
    if unknown:
        message = f"Parameters: [{', '.join(unknown)}] do not exist in the template"
        raise invalid(message)
    values: dict[str, str] = {}
    for name, body in declared.items():
        one = given.get(name, {})
        if str(one.get("UsePreviousValue")).lower() == "true" and name in before:
            values[name] = before[name]
        elif "ParameterValue" in one:
            values[name] = str(one["ParameterValue"])
        elif "Default" in body:
            values[name] = str(body["Default"])
    missing = sorted(set(declared) - set(values))
    if missing:
        message = f"Parameters: [{', '.join(missing)}] must have values"
        raise invalid(message)
    for name, body in declared.items():
        allowed = body.get("AllowedValues")
        if allowed and values[name] not in {str(one) for one in allowed}:
            message = f"Parameter '{name}' must be one of AllowedValues"
            raise invalid(message)
    return values


def resolved_values(
    template: Template, given: Mapping[str, str], region: str
) -> dict[str, str | list[str]]:
    """Return the value of a Ref to each parameter.

    Raises:
        StackError: an SSM parameter does not exist.
    """
    values: dict[str, str | list[str]] = {}
    missing = []
    for name, body in template.section("Parameters").items():
        kind, value = str(body.get("Type", "String")), given[name]
        if kind.startswith(SSM_VALUE):
            kind = kind.removeprefix(SSM_VALUE).removesuffix(">")
            found = ssm_backends[ACCOUNT][region].get_parameter(value)
            if found is None:
                missing.append(value)
                continue
            value = str(found.value)
        values[name] = value.split(",") if kind.startswith(LISTS) else value
    if missing:
        names = ",".join(missing)
        message = f"Unable to fetch parameters [{names}] from parameter store for this account."
        raise invalid(message)
    return values
