"""Which parts of a template depend on which others: references, attributes, conditions.

Outputs and parameters of nested stacks are parts like any other, so dependencies are followed
through them. DependsOn is not a dependency here: it is an order, which a part can do without.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from retable.runner.cdk.json_file import mapping
from retable.runner.cdk.template import Part, Template, parts

IN_SUB = re.compile(r"\$\{([^!${}][^${}]*)\}")
"""A name in a Fn::Sub string; ``${!Literal}`` is not one."""
OUTPUTS = "Outputs."


def needs(template: Template) -> dict[str, frozenset[str]]:
    """Return for every part the addresses of those that it needs directly."""
    found = parts(template)
    return {address: frozenset(_needs(found[address], found)) for address in found}


def dependents(template: Template, addresses: Iterable[str]) -> frozenset[str]:
    """Return the addresses of the parts that need one of ``addresses``, directly or indirectly."""
    users: dict[str, set[str]] = {}
    for user, needed in needs(template).items():
        for address in needed:
            users.setdefault(address, set()).add(user)
    return _reached(users, addresses)


def needed_by(template: Template, addresses: Iterable[str]) -> frozenset[str]:
    """Return the addresses of the parts that ``addresses`` need, directly or indirectly."""
    return _reached(needs(template), addresses)


def mentioned(value: Any, scope: str, known: Iterable[str]) -> set[str]:
    """Return which of the addresses ``known`` a value in the nested stack ``scope`` names.

    That includes what it only names in DependsOn.
    """
    found = frozenset(known)
    return {
        address
        for name, attribute in _names(value)
        for address in _addresses(scope, name, attribute)
        if address in found
    }


def _needs(part: Part, found: Mapping[str, Part]) -> Iterator[str]:
    """Yield the addresses that one part names; unknown names are skipped."""
    body = {name: part.body[name] for name in part.body if name != "DependsOn"}
    yield from mentioned(body, part.scope, found)
    if part.section == "Parameters" and part.scope:
        # A nested stack's parameter is what its parent passes to it.
        stack = found[part.scope[:-1]]
        passed = mapping(stack.properties.get("Parameters")).get(part.name)
        yield from mentioned(passed, stack.scope, found)


def _addresses(scope: str, name: str, attribute: str | None) -> Iterator[str]:
    """Yield the addresses that a name may refer to; an attribute may be a nested stack's output."""
    yield scope + name
    yield f"{scope}Parameters.{name}"
    if attribute is not None and attribute.startswith(OUTPUTS):
        yield f"{scope}{name}/{attribute}"


def _names(value: Any) -> Iterator[tuple[str, str | None]]:
    """Yield the names in a value, each with the attribute that is read, if any."""
    if isinstance(value, list):
        for inner in value:
            yield from _names(inner)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _named(key, inner)
            yield from _names(inner)


def _named(key: str, value: Any) -> Iterator[tuple[str, str | None]]:
    """Yield the names in one entry of an object itself, not in nested values."""
    match key, value:
        case "Ref", str():
            yield value, None
        case "Fn::GetAtt", str():
            name, _, attribute = value.partition(".")
            yield name, attribute
        case "Fn::GetAtt", [str(name), str(attribute)]:
            yield name, attribute
        case "Fn::Sub", str() | [str(), *_]:
            text, own = (value, {}) if isinstance(value, str) else (value[0], value[-1])
            for found in IN_SUB.findall(text):
                name, _, attribute = found.partition(".")
                if name not in own:
                    yield name, attribute or None
        case "Condition", str():
            yield f"Conditions.{value}", None
        case "Fn::If", [str(condition), *_]:
            yield f"Conditions.{condition}", None
        case "Fn::FindInMap", [str(name), *_]:
            yield f"Mappings.{name}", None
        case _:
            pass


def _reached(graph: Mapping[str, Iterable[str]], start: Iterable[str]) -> frozenset[str]:
    """Return what can be reached from ``start``, not including ``start`` itself."""
    reached: set[str] = set()
    waiting = list(start)
    while waiting:
        for address in graph.get(waiting.pop(), ()):
            if address not in reached:
                reached.add(address)
                waiting.append(address)
    return frozenset(reached)
