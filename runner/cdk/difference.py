"""The differences between two templates, by part and by property. Values are never shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from retable.runner.cdk.template import Part, Template, parts

MAX_PROPERTIES = 5
"""How many properties a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A part that is in only one template, or differs between the two."""

    kind: Literal["added", "removed", "changed"]
    part: Part
    """The part after the change; if removed, the part before."""
    properties: tuple[str, ...] = ()
    """The paths where a changed part differs: ``Properties.KeySchema[0].AttributeName``."""

    @property
    def address(self) -> str:
        """Return the part's address."""
        return self.part.address

    def __str__(self) -> str:
        """Return a description of the change."""
        if self.kind != "changed":
            return f"{self.kind} {self.part.shown}"
        named = ", ".join(self.properties[:MAX_PROPERTIES])
        more = len(self.properties) - MAX_PROPERTIES
        return f"changed {self.part.shown}: {named}" + (f" and {more} more" if more > 0 else "")


def changes(before: Template, after: Template) -> tuple[Change, ...]:
    """Return the changes from ``before`` to ``after``, in the order of the addresses."""
    old, new = parts(before), parts(after)
    return tuple(_changes(old, new))


def _changes(old: Mapping[str, Part], new: Mapping[str, Part]) -> Iterator[Change]:
    for address in sorted(old.keys() | new.keys()):
        if address not in new:
            yield Change(kind="removed", part=old[address])
        elif address not in old:
            yield Change(kind="added", part=new[address])
        else:
            where = tuple(differences(old[address].body, new[address].body, ""))
            if where:
                yield Change(kind="changed", part=new[address], properties=where)


def differences(left: Any, right: Any, place: str) -> Iterator[str]:
    """Yield the paths where two JSON values differ; ``true`` is not ``1``, ``1`` is ``1.0``."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for name in sorted(left.keys() | right.keys()):
            inner = f"{place}.{name}" if place else name
            if name in left and name in right:
                yield from differences(left[name], right[name], inner)
            else:
                yield inner
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from differences(one, other, f"{place}[{index}]")
    elif _kind(left) != _kind(right) or left != right:
        yield place


def _kind(value: Any) -> str:
    """Return the JSON type of a value."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value).__name__
    if isinstance(value, Mapping):
        return "object"
    return "array" if isinstance(value, Sequence) else "number"
