"""Finds a stack in an assembly and a table in its templates; errors list where it looked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from retable.runner.cdk.assembly import NESTED, Assembly, StackArtifact
from retable.runner.cdk.intrinsics import DeployTarget
from retable.runner.cdk.table_in_template import read_table
from retable.runner.cdk.template import RESOURCES, Part, Template, parts, tables
from retable.runner.failure import Refused

RESOURCE_IDS = ("Resource", "Default")
"""The name of a construct's resource below it."""
MAX_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The place of a table in a template."""

    address: str
    by: str
    """How it was found: its construct's path, or its type and name."""


def find_stack(assembly: Assembly, name: str) -> StackArtifact:
    """Return the stack ``name``, which may be its name, its path or its artifact's id.

    Raises:
        Refused: there is none, or more than one.
    """
    found = [stack for stack in assembly.stacks if name in {stack.name, stack.path, stack.id}]
    # A path is unique, while a name may be used again in another account.
    exact = [stack for stack in found if stack.path == name]
    if len(found) == 1 or len(exact) == 1:
        return (exact or found)[0]
    if found:
        message = f"{len(found)} stacks in {assembly.folder} are called {name}"
        raise Refused(message, f"name one by its path: {_listed(stack.path for stack in found)}")
    message = f"{assembly.folder} has no stack {name}"
    known = _listed(_called(stack) for stack in assembly.stacks)
    raise Refused(message, f"its stacks: {known}" if known else "it has no stacks")


def find_table(stack: StackArtifact, construct: str, name: str | None) -> Found | None:
    """Return where the construct's table is; ``None`` if the stack has none with that path.

    ``construct`` is the path below the stack. Where templates and metadata have no paths,
    the table is found by ``name``.
    """
    known = _paths(stack.template, stack.paths, stack.path)
    paths = {f"{stack.path}/{construct}"}
    paths |= {f"{stack.path}/{construct}/{last}" for last in RESOURCE_IDS}
    candidates = tables(stack.template)
    for part in candidates:
        if known.get(part.address) in paths:
            return Found(address=part.address, by=f"the path {known[part.address]}")
    if any(part.address in known for part in candidates) or name is None:
        return None
    named = [part.address for part in candidates if _name(stack, part) == name]
    return Found(address=named[0], by=f"its name {name}") if len(named) == 1 else None


def require_table(stack: StackArtifact, construct: str, name: str | None) -> Found:
    """Return where the construct's table is.

    Raises:
        Refused: it is not in the stack; the message lists where it looked.
    """
    found = find_table(stack, construct, name)
    if found is not None:
        return found
    known = _paths(stack.template, stack.paths, stack.path)
    listed = _listed(
        f"{known.get(part.address, 'no path')} ({part.address})" for part in tables(stack.template)
    )
    message = f"the stack {stack.path} has no table {stack.path}/{construct}: looked for it and"
    message += f" its Resource in {_looked(stack)}"
    raise Refused(message, f"its tables: {listed}" if listed else "it has no tables")


def find_deployed(template: Template, stack_path: str, construct: str) -> str | None:
    """Return the address of the construct's table in a deployed template, if that has paths."""
    paths = {f"{stack_path}/{construct}"}
    paths |= {f"{stack_path}/{construct}/{last}" for last in RESOURCE_IDS}
    return next((part.address for part in tables(template) if part.path in paths), None)


def _called(stack: StackArtifact) -> str:
    return stack.path if stack.name == stack.path else f"{stack.path} ({stack.name})"


def _name(stack: StackArtifact, part: Part) -> object:
    at = DeployTarget(account=stack.account, region=stack.region, stack=stack.name)
    return read_table(stack.template, part.address, at).name


def _looked(stack: StackArtifact) -> str:
    """Return the files that were searched."""
    count = sum(1 for _ in _templates(stack.template))
    nested = f" and {count - 1} nested" if count > 1 else ""
    return f"{stack.template_file.name}{nested}, {len(stack.paths)} known paths"


def _templates(template: Template) -> Iterator[Template]:
    yield template
    for nested in template.nested.values():
        yield from _templates(nested)


def _paths(template: Template, known: Mapping[str, str], stack_path: str) -> dict[str, str]:
    """Return the construct path of each resource, by address, if it is known.

    A template that the command line synthesized has them itself. Otherwise they are in the
    assembly, by logical id. A nested stack may reuse an id; its path is then the longer
    one: the nested stack's own path comes before the same rest.
    """
    by_id: dict[str, list[str]] = {}
    for path, logical_id in known.items():
        by_id.setdefault(logical_id, []).append(path)
    homes = {"": stack_path}
    paths: dict[str, str] = {}
    # A nested stack's parts come after its resource, whose path is needed first.
    for part in sorted(parts(template).values(), key=lambda part: part.scope.count("/")):
        home = homes.get(part.scope)
        if part.section != RESOURCES or home is None:
            continue
        below = [path for path in by_id.get(part.name, ()) if path.startswith(f"{home}/")]
        path = part.path or min(below, key=len, default="")
        if path:
            paths[part.address] = path
            homes[f"{part.address}/"] = path.partition(NESTED)[0]
    return paths


def _listed(names: Iterable[str]) -> str:
    """Return the first few names."""
    every = sorted(names)
    more = len(every) - MAX_LISTED
    return ", ".join(every[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
