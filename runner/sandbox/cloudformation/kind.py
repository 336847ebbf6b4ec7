"""The interface of every kind of resource: create, change, delete and find."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from retable.runner.sandbox.cloudformation.stack import Made


class ResourceError(Exception):
    """A resource could not be created, changed or deleted; ``made`` is what exists of it."""

    def __init__(self, reason: str, made: Made | None = None) -> None:
        """Keep the reason, which events show, and what was created."""
        self.reason = reason
        self.made = made
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Site:
    """A resource's stack, logical ID, type, and a unique name for it."""

    stack_id: str
    stack_name: str
    region: str
    logical_id: str
    type: str
    free_name: str


class Kind(Protocol):
    """Handles one kind of resource. Every method raises ``ResourceError`` when it fails."""

    @property
    def name_property(self) -> str | None:
        """Return the property that names it, if it can have a custom name."""
        ...

    def create(self, site: Site, properties: Mapping[str, Any]) -> Made:
        """Create one; return when it is ready for use."""
        ...

    def update(self, site: Site, made: Made, properties: Mapping[str, Any]) -> Made:
        """Change one without replacing it."""
        ...

    def delete(self, site: Site, made: Made) -> None:
        """Delete one; an absent one is no error."""
        ...

    def replacing(
        self, site: Site, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> frozenset[str]:
        """Return the changed properties that require a replacement."""
        ...

    def find(self, site: Site, name: str) -> Made | None:
        """Return the existing resource with the physical id ``name``, from any origin."""
        ...


@contextmanager
def well_formed(site: Site) -> Iterator[None]:
    """Turn errors from a malformed property into the service's schema refusal.

    Raises:
        ResourceError: in place of the error.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        reason = f"Properties validation failed for resource {site.logical_id}: {error!r}"
        raise ResourceError(reason) from error


def changed_properties(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the names of the properties that differ, sorted."""
    absent = object()
    return sorted(name for name in {*old, *new} if old.get(name, absent) != new.get(name, absent))
