"""What CloudFormation's functions in a template come to, as far as that can be told beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retable.runner.cdk.json_file import mapping
from retable.runner.cdk.references import IN_SUB

NO_VALUE = "AWS::NoValue"
PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
"""The partitions of regions whose names begin so; all others are in ``aws``."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only a deployment can tell; ``what`` says what it is made of."""

    what: str

    def __str__(self) -> str:
        """Return it in words."""
        return f"unknown before the deployment ({self.what})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is known of where a template is deployed to."""

    account: str | None
    region: str | None
    stack: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Values that the template's parameters are given; their defaults stand for the others."""


def resolved(value: Any, body: Mapping[str, Any], at: Surroundings) -> Any:
    """Return ``value`` of the template ``body`` with all functions worked out.

    What cannot be told is ``Unknown``, in the place where it stands; objects lose what is
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


def _function(name: str, argument: Any, body: Mapping[str, Any], at: Surroundings) -> Any:
    """Return what one function comes to."""
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


def _ref(name: str, body: Mapping[str, Any], at: Surroundings) -> Any:
    """Return what a name stands for."""
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
    # The default of a parameter from SSM is a parameter's name there.
    if "Default" in declared and not str(declared.get("Type")).startswith("AWS::SSM::"):
        return declared["Default"]
    return Unknown(f"Ref {name}")


def _partition(region: str | None) -> str | None:
    """Return the partition that a region is in."""
    if region is None:
        return None
    return next((PARTITIONS[head] for head in PARTITIONS if region.startswith(head)), "aws")


def _joined(separator: str, pieces: list[Any]) -> Any:
    """Return the pieces as one text."""
    unknown = next((piece for piece in pieces if not isinstance(piece, str | int)), None)
    if unknown is not None:
        return unknown if isinstance(unknown, Unknown) else Unknown("Fn::Join")
    return separator.join(map(str, pieces))


def _substituted(
    text: str, own: Mapping[str, Any], body: Mapping[str, Any], at: Surroundings
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
    """Return text of Fn::Sub that is no name: ``${!a}`` stands for ``${a}``."""
    return text.replace("${!", "${")
