"""Resolves CloudFormation's functions in a template, as far as possible before a deployment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retable.runner.cdk.json_file import mapping
from retable.runner.cdk.references import IN_SUB

NO_VALUE = "AWS::NoValue"
PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
"""The partition by prefix of the region's name; all others are in ``aws``."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only a deployment can resolve; ``what`` names its source."""

    what: str

    def __str__(self) -> str:
        """Return a description."""
        return f"unknown before the deployment ({self.what})"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployTarget:
    """What is known about the place where a template is deployed."""

    account: str | None
    region: str | None
    stack: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Values of the template's parameters; the others have their defaults."""


def resolved(value: Any, body: Mapping[str, Any], at: DeployTarget) -> Any:
    """Return ``value`` of the template ``body`` with all functions resolved.

    What cannot be resolved is ``Unknown``, in its place; objects lose what is
    AWS::NoValue.
    """
    if isinstance(value, list):
        return [resolved(inner, body, at) for inner in value if inner != {"Ref": NO_VALUE}]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Ref" or name.startswith("Fn::"):
            return _function(name, argument, body, at)
    return {
        name: resolved(inner, body, at)
        for name, inner in value.items()
        if inner != {"Ref": NO_VALUE}
    }


def _function(name: str, argument: Any, body: Mapping[str, Any], at: DeployTarget) -> Any:
    """Return the value of one function."""
    match name, argument:
        case "Ref", str():
            return _ref(argument, body, at)
        case "Fn::Join", [str(separator), list(pieces)]:
            return _joined(separator, [resolved(piece, body, at) for piece in pieces])
        case "Fn::Sub", str():
            return _substituted(argument, {}, body, at)
        case "Fn::Sub", [str(text), dict(own)]:
            return _substituted(text, own, body, at)
        case _:
            return Unknown(f"{name} {argument}" if isinstance(argument, str) else name)


def _ref(name: str, body: Mapping[str, Any], at: DeployTarget) -> Any:
    """Return the value of a Ref."""
    known = {
        "AWS::AccountId": at.account,
        "AWS::Region": at.region,
        "AWS::StackName": at.stack,
        "AWS::Partition": _partition(at.region),
    }
    if known.get(name) is not None:
        return known[name]
    if name in at.parameters:
        return at.parameters[name]
    declared = mapping(mapping(body.get("Parameters")).get(name))
    # The default of an SSM parameter type is the name of an SSM parameter.
    if "Default" in declared and not str(declared.get("Type")).startswith("AWS::SSM::"):
        return declared["Default"]
    return Unknown(f"Ref {name}")


def _partition(region: str | None) -> str | None:
    """Return the partition that a region is in."""
    if region is None:
        return None
    return next((PARTITIONS[head] for head in PARTITIONS if region.startswith(head)), "aws")


def _joined(separator: str, pieces: list[Any]) -> Any:
    """Return the pieces as one string."""
    unknown = next((piece for piece in pieces if not isinstance(piece, str | int)), None)
    if unknown is not None:
        return unknown if isinstance(unknown, Unknown) else Unknown("Fn::Join")
    return separator.join(map(str, pieces))


def _substituted(
    text: str, own: Mapping[str, Any], body: Mapping[str, Any], at: DeployTarget
) -> Any:
    """Return ``text`` with every name in it replaced."""
    pieces: list[Any] = []
    end = 0
    for found in IN_SUB.finditer(text):
        name = found[1]
        value = resolved(own[name], body, at) if name in own else _ref(name, body, at)
        pieces += [_literal(text[end : found.start()]), value]
        end = found.end()
    return _joined("", [*pieces, _literal(text[end:])])


def _literal(text: str) -> str:
    """Return literal text of Fn::Sub: ``${!a}`` means ``${a}``."""
    return text.replace("${!", "${")
