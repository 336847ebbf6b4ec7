"""What every kind of resource can do: be made, changed, deleted and found."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from retable.runner.sandbox.cloudformation.stack import Made


class ResourceError(Exception):
    """A resource could not be made, changed or deleted; ``made`` is what there is of it."""

    def __init__(self, reason: str, made: Made | None = None) -> None:
        """Keep the reason, which events show, and the remains."""
        self.reason = reason
        self.made = made
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Site:
    """Where a resource belongs: its stack, its logical ID, its type, and a free name for it."""

    stack_id: str
    stack_name: str
    region: str
    logical_id: str
    type: str
    free_name: str


class Kind(Protocol):
    """How one kind of resource is handled. Every method raises ``ResourceError`` when it fails."""

    @property
    def name_property(self) -> str | None:
        """Return the property that names it, if it can be given a name."""
        ...

    def create(self, site: Site, properties: Mapping[str, Any]) -> Made:
        """Make one; return when it is ready for use."""
        ...

    def update(self, site: Site, made: Made, properties: Mapping[str, Any]) -> Made:
        """Change one without replacing it."""
        ...

    def delete(self, site: Site, made: Made) -> None:
        """Delete one; one that is gone already is no error."""
        ...

    def replacing(
        self, site: Site, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> frozenset[str]:
        """Return the changed properties that only a new resource can have."""
        ...

    def find(self, site: Site, name: str) -> Made | None:
        """Return the one that goes by ``name`` in the world, whoever made it."""
        ...


@contextmanager
def well_formed(site: Site) -> Iterator[None]:
    """Take what trips over a property's form for the refusal that the service's schema gives.

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
