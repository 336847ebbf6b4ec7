"""CloudFormation templates as flat parts: a stack's own and those of the stacks nested in it.

A part's address is its logical id, or ``Section.Id`` outside of ``Resources``; in a nested stack
it follows that stack's own: ``Inner/TableCD117FA1``, ``Inner/Outputs.Arn``. Values are not resolved
here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from retable.runner.cdk.json_file import mapping

STACK = "AWS::CloudFormation::Stack"
TABLE, GLOBAL_TABLE = "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"
TABLE_TYPES = frozenset([TABLE, GLOBAL_TABLE])
PATH = "aws:cdk:path"
"""The metadata key of a resource's construct path, in templates from the CDK command line."""
NESTED_FILE = "aws:asset:path"
"""The metadata key of a nested stack's template file."""
RESOURCES = "Resources"
NOT_PARTS = frozenset(["AWSTemplateFormatVersion", "Description", "Metadata", RESOURCES])
"""Sections without effect."""
OWN_METADATA = ("aws:cdk:", "aws:asset:")
OF_CDK_ITSELF = frozenset(
    [
        "Conditions.CDKMetadataAvailable",
        "Parameters.BootstrapVersion",
        "Rules.CheckBootstrapVersion",
    ]
)
"""What synthesizers add by version and by options; it creates no resource."""
OF_CDK_TYPES = frozenset(["AWS::CDK::Metadata"])
"""CDK's analytics: creates no resource either."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template, and those of its nested stacks by the logical id of their resources."""

    body: Mapping[str, Any] = field(repr=False)
    nested: Mapping[str, "Template"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One entry of one section of a template."""

    address: str
    section: str
    name: str
    """The logical id."""
    type: str | None
    """The resource's type; ``None`` outside of ``Resources``."""
    body: Mapping[str, Any] = field(repr=False)
    """The definition in the template, without what only CDK reads."""
    scope: str = ""
    """The address of the part's nested stack, with a slash; empty at the top level."""
    path: str | None = None
    """The construct's path, if the template has it: ``Stack/Orders/Resource``."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """Return the resource's properties."""
        return mapping(self.body.get("Properties"))

    @property
    def shown(self) -> str:
        """Return the part's name in a message."""
        return f"{self.address} ({self.type})" if self.type else self.address


EMPTY = Template({})
"""The template of a stack that does not exist."""


def parts(template: Template) -> dict[str, Part]:
    """Return every part of a template and of those nested in it, by address."""
    return {part.address: part for part in _parts(template, "")}


def tables(template: Template) -> list[Part]:
    """Return the resources that are DynamoDB tables, in the order of their addresses."""
    found = parts(template)
    return [found[address] for address in sorted(found) if found[address].type in TABLE_TYPES]


def comparable(deployed: Template, other: Template) -> Template:
    """Return ``deployed`` without the nested templates that ``other`` does not show.

    An assembly does not always name a nested stack's template file; what is deployed always
    has the template. Such a stack is then compared by its template's URL alone.
    """
    there = mapping(other.body.get(RESOURCES))
    return Template(
        deployed.body,
        {
            name: comparable(nested, other.nested[name]) if name in other.nested else nested
            for name, nested in deployed.nested.items()
            if name in other.nested or name not in there
        },
    )


def template_at(template: Template, scope: str) -> Template:
    """Return the template that parts of ``scope`` ("", "Inner/") are in."""
    for name in filter(None, scope.split("/")):
        template = template.nested[name]
    return template


def _parts(template: Template, scope: str) -> Iterator[Part]:
    """Yield the parts of one template, then those of its nested ones."""
    for name, body in sorted(mapping(template.body.get(RESOURCES)).items()):
        resource = mapping(body)
        kind = str(resource.get("Type"))
        if kind not in OF_CDK_TYPES:
            yield Part(
                address=scope + name,
                scope=scope,
                section=RESOURCES,
                name=name,
                type=kind,
                body=_without_own_metadata(resource, is_known_stack=name in template.nested),
                path=_text(mapping(resource.get("Metadata")).get(PATH)),
            )
    for section, entries in sorted(template.body.items()):
        if section in NOT_PARTS:
            continue
        for name, body in _entries(entries):
            if f"{section}.{name}" not in OF_CDK_ITSELF:
                address = f"{scope}{section}.{name}"
                yield Part(
                    address=address, scope=scope, section=section, name=name, type=None, body=body
                )
    for name in sorted(template.nested):
        yield from _parts(template.nested[name], f"{scope}{name}/")


def _entries(section: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the entries of a section; a section such as Transform is one entry."""
    if not isinstance(section, dict):
        yield "Value", {"Value": section}
        return
    for name, body in sorted(section.items()):
        yield name, body if isinstance(body, dict) else {"Value": body}


def _without_own_metadata(resource: Mapping[str, Any], *, is_known_stack: bool) -> dict[str, Any]:
    """Return a resource without irrelevant values: CDK's metadata, a known template's URL."""
    kept = dict(resource)
    metadata = mapping(resource.get("Metadata"))
    notes = {name: metadata[name] for name in metadata if not name.startswith(OWN_METADATA)}
    kept.pop("Metadata", None)
    if "DependsOn" in kept:
        named = kept["DependsOn"]
        names = [named] if isinstance(named, str) else named
        # Their order is irrelevant, and as references they are found like all others.
        kept["DependsOn"] = [{"Ref": name} for name in sorted(map(str, names or ()))]
    if notes:
        kept["Metadata"] = notes
    if is_known_stack:
        # The URL has the digest of a template whose own parts are compared.
        properties = dict(mapping(resource.get("Properties")))
        properties.pop("TemplateURL", None)
        kept["Properties"] = properties
    return kept


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
