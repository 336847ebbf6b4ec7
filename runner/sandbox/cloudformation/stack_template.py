"""A template, checked as a whole: resources, their dependencies, and the resulting order.

Values stay as written; ``resolve`` resolves them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from retable.runner.sandbox.cloudformation.template_syntax import read_template
from retable.runner.sandbox.cloudformation.wire import invalid

SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")
PLACEHOLDER = re.compile(r"\$\{([^!{}][^{}]*)\}")
"""``${Name}`` or ``${Name.Attribute}`` in a Fn::Sub; ``${!Name}`` is literal."""
MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Declaration:
    """A resource as a template declares it."""

    logical_id: str
    type: str
    body: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Any]:
        """Return its properties, unresolved."""
        found = self.body.get("Properties")
        return found if isinstance(found, dict) else {}

    @property
    def deletion_policy(self) -> str:
        """Return its DeletionPolicy."""
        return str(self.body.get("DeletionPolicy", "Delete"))

    @property
    def replace_policy(self) -> str:
        """Return its UpdateReplacePolicy."""
        return str(self.body.get("UpdateReplacePolicy", "Delete"))

    @property
    def condition(self) -> str | None:
        """Return the name of the condition under which it is created."""
        return self.body.get("Condition")

    @property
    def is_retained(self) -> bool:
        """Return whether it is retained when it leaves the stack."""
        return self.deletion_policy in {"Retain", "RetainExceptOnCreate"}


@dataclass(frozen=True, slots=True)
class Template:
    """A consistent template; ``resources`` are in order of creation."""

    text: str
    body: Mapping[str, Any]
    resources: Mapping[str, Declaration]

    def section(self, name: str) -> Mapping[str, Any]:
        """Return a section of the template; an absent one is empty."""
        found = self.body.get(name)
        return found if isinstance(found, dict) else {}

    @property
    def description(self) -> str | None:
        """Return its description."""
        return self.body.get("Description")


def parse_template(text: str) -> Template:
    """Return the template in ``text``.

    Raises:
        StackError: the service would refuse it.
    """
    body = read_template(text)
    unknown = sorted(str(name) for name in body if name not in SECTIONS)
    if unknown:
        message = f"Invalid template property or properties [{', '.join(unknown)}]"
        raise invalid(message)
    if "Transform" in body:
        message = "the sandbox does not support transforms"
        raise invalid(message)
    found = body.get("Resources")
    if not isinstance(found, dict) or not found:
        message = "Template format error: At least one Resources member must be defined."
        raise invalid(message)
    declared = {name: _declaration(name, one) for name, one in found.items()}
    known = {*declared, *(body.get("Parameters") or {})}
    for name, declaration in declared.items():
        _check_references(declaration.body, known, f"resource {name}")
    _check_references(body.get("Outputs") or {}, known, "Outputs")
    return Template(text, body, _in_order(declared))


def references(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the names that ``value`` refers to: resources, parameters, pseudo parameters.

    Raises:
        StackError: it nests too deep to be a template.
    """
    if depth > MAX_DEPTH:
        message = "Template format error: too deeply nested"
        raise invalid(message)
    if isinstance(value, list):
        for one in value:
            yield from references(one, depth + 1)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name == "Ref" and isinstance(inner, str):
                yield inner
            elif name == "Fn::GetAtt":
                yield str(inner[0]) if isinstance(inner, list) else str(inner).partition(".")[0]
            elif name == "Fn::Sub":
                yield from _placeholders(inner)
                yield from references(inner, depth + 1)
            else:
                yield from references(inner, depth + 1)


def _placeholders(value: Any) -> Iterator[str]:
    """Yield the names in a Fn::Sub string that it does not bind itself."""
    text, bound = (value[0], value[1]) if isinstance(value, list) else (value, {})
    for name in PLACEHOLDER.findall(str(text)):
        if name not in bound:
            yield name.strip().partition(".")[0]


def _declaration(name: Any, body: Any) -> Declaration:
    """Return a resource's declaration."""
    if not isinstance(name, str) or not LOGICAL_ID.fullmatch(name):
        message = f"Template format error: Resource name {str(name)[:80]} is non alphanumeric."
        raise invalid(message)
    if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
        message = (
            "Template format error: [/Resources/"
            f"{name}] Every Resources object must contain a Type member."
        )
        raise invalid(message)
    return Declaration(name, body["Type"], body)


def _check_references(value: Any, known: set[str], where: str) -> None:
    """Refuse unresolved references."""
    missing = sorted({n for n in references(value) if n not in known and "::" not in n})
    if missing:
        message = (
            f"Template format error: Unresolved resource dependencies [{', '.join(missing)}] "
            f"in the {where} block of the template"
        )
        raise invalid(message)


def _in_order(declared: Mapping[str, Declaration]) -> dict[str, Declaration]:
    """Return the resources sorted by their dependencies; otherwise as written."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, declaration in declared.items():
        depends = declaration.body.get("DependsOn") or []
        explicit = [depends] if isinstance(depends, str) else list(depends)
        needed = {*explicit, *references(declaration.body)} & set(declared)
        sorter.add(name, *sorted(needed))
    try:
        return {name: declared[name] for name in sorter.static_order()}
    except CycleError as error:
        names = ", ".join(sorted(set(error.args[1])))
        message = f"Circular dependency between resources: [{names}]"
        raise invalid(message) from error
